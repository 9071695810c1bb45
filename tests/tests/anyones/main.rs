//! Subscribers without an implementation of the trait: a function is enough, in tokio's own time.

mod declared;
mod findings;
mod logs;
mod own;
mod shutdown;
mod times;
mod vocabulary;

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep, timeout};
use wstape_harness::{Scenario, ScenarioError, Stage, Subject, subject};
use wstape_tape::Tape;

fn tape(lines: &str) -> Tape {
    Tape::parse("tape", &format!("{{\"tape\":1}}\n{lines}")).expect("a tape")
}

/// Returns a subscriber that connects, reads until the connection ends, waits a second of tokio's
/// time, and connects again.
fn patient() -> impl Subject {
    subject(|stage: Stage| async move {
        loop {
            if let Ok(stream) = wstape_dial::dial("127.0.0.1", 1).await
                && let Ok((mut socket, _)) =
                    tokio_tungstenite::client_async(stage.url.as_str(), stream).await
            {
                while let Some(Ok(_)) = socket.next().await {}
            }
            sleep(Duration::from_secs(1)).await;
        }
    })
    .named("patient")
}

#[test]
fn ordinary_tokio_time_runs_right_in_a_scenario() {
    let outcome = Scenario::new(tape(concat!(
        r#"{"at_ms":0,"down":true}"#,
        "\n",
        r#"{"at_ms":2500,"down":false}"#,
        "\n",
        r#"{"at_ms":4500,"drop":"fin"}"#,
        "\n",
        r#"{"at_ms":9000,"end":true}"#,
        "\n"
    )))
    .run(&patient())
    .expect("it plays");
    let text = outcome.to_string();
    // Refused at 0, 1 and 2 s; accepted at 3 s; dropped at 4.5 s, and back a second later.
    for line in [
        "0.000000", "1.000000", "2.000000", "3.000000", "4.500000", "5.500000",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert_eq!(text.matches("refused").count(), 3, "{text}");
}

#[test]
fn timeouts_and_intervals_take_their_own_time_and_no_more() {
    let (told, heard) = std::sync::mpsc::channel();
    let timing = subject(move |_| {
        let told = told.clone();
        async move {
            let _stream = wstape_dial::dial("127.0.0.1", 1).await;
            let began = Instant::now();
            let never = timeout(Duration::from_millis(1_500), std::future::pending::<()>()).await;
            told.send((never.is_err(), began.elapsed())).expect("heard");
            let mut every = tokio::time::interval(Duration::from_millis(250));
            for _ in 0..5 {
                every.tick().await;
            }
            told.send((true, began.elapsed())).expect("heard");
            std::future::pending::<()>().await;
        }
    });
    let scenario = Scenario::new(tape("{\"at_ms\":10000,\"end\":true}\n"));
    scenario.run(&timing).expect("it plays");
    assert_eq!(heard.recv(), Ok((true, Duration::from_millis(1_500))));
    assert_eq!(heard.recv(), Ok((true, Duration::from_millis(2_500))));
}

#[test]
fn a_subscriber_that_never_dials_is_told_so() {
    let idle = subject(|_| std::future::pending());
    let error = Scenario::new(tape("{\"at_ms\":10,\"end\":true}\n"))
        .run(&idle)
        .unwrap_err();
    assert!(matches!(error, ScenarioError::NeverDialled), "{error}");
    assert!(error.to_string().contains("wstape_dial"), "{error}");
}

#[test]
fn a_subscriber_that_spins_ends_the_scenario_with_its_time() {
    let spinning = subject(|_| async {
        loop {
            let _ = wstape_dial::dial("127.0.0.1", 1).await;
        }
    });
    let error = Scenario::new(tape(
        "{\"at_ms\":0,\"down\":true}\n{\"at_ms\":99,\"end\":true}\n",
    ))
    .run(&spinning)
    .unwrap_err();
    assert!(matches!(error, ScenarioError::Spins { .. }), "{error}");
}

#[test]
fn a_socket_of_tokios_own_is_told_with_what_to_do() {
    let bypassing = subject(|_| async {
        let _ = wstape_dial::dial("127.0.0.1", 1).await;
        let _ = tokio::net::TcpStream::connect("127.0.0.1:1").await;
    });
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Scenario::new(tape("{\"at_ms\":10,\"end\":true}\n")).run(&bypassing)
    }));
    let panic = played.expect_err("its panic is seen");
    let said = panic.downcast_ref::<String>().expect("a sentence");
    assert!(said.contains("dial through wstape_dial"), "{said}");
}
