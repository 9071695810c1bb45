//! Subscribers that nobody here wrote the trait for: a function is enough, in tokio's own time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep, timeout};
use wstape::OurSubscriber;
use wstape_harness::{
    Running, Scenario, ScenarioError, Settings, Stage, Subject, Suite, Terms, Time, subject,
};
use wstape_tape::Tape;

fn tape(lines: &str) -> Tape {
    Tape::parse("tape", &format!("{{\"tape\":1}}\n{lines}")).expect("a tape")
}

/// Connects, reads until it ends, waits a second of tokio's time, connects again.
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
    // Refused at 0, 1 and 2 s; taken at 3; dropped at 4.5, and there again a second later.
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
    let played = std::panic::catch_unwind(|| {
        Scenario::new(tape("{\"at_ms\":10,\"end\":true}\n")).run(&bypassing)
    });
    let panic = played.expect_err("its panic is seen");
    let said = panic.downcast_ref::<String>().expect("a sentence");
    assert!(said.contains("dial through wstape_dial"), "{said}");
}

/// Our subscriber, in the other time.
#[derive(Debug)]
struct InPlainTime;

impl Subject for InPlainTime {
    fn name(&self) -> String {
        OurSubscriber.name()
    }

    fn describe(&self, settings: &Settings) -> String {
        OurSubscriber.describe(settings)
    }

    fn time(&self) -> Time {
        Time::Plain
    }

    fn terms(&self) -> Terms {
        Terms::Settings
    }

    fn start(&self, stage: Stage) -> Result<Running, String> {
        OurSubscriber.start(stage)
    }
}

/// A line with a mark for each time in it, and the time that it begins with, in microseconds.
fn split(line: &str) -> (String, Option<u64>) {
    let is_time = |word: &str| {
        word.split_once('.').is_some_and(|(whole, part)| {
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            !whole.is_empty() && part.len() == 6 && digits(whole) && digits(part)
        })
    };
    let mut at = None;
    let words: Vec<&str> = line
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .filter(|word| is_time(word))
        .collect();
    let mut skeleton = line.trim().to_owned();
    for word in words {
        if line.trim_start().starts_with(word) && at.is_none() {
            at = word.replace('.', "").parse().ok();
        }
        skeleton = skeleton.replacen(word, "T", 1);
    }
    (skeleton, at)
}

/// Whether every line begins at a whole millisecond.
fn is_whole_ms(text: &str) -> bool {
    text.lines()
        .filter_map(|line| split(line).1)
        .all(|at| at % 1_000 == 0)
}

/// Most lines of one connection, so most waits before any of its lines.
const MAX_LATENESS_MICROS: u64 = 1_000_000;

#[test]
fn plain_time_and_fine_time_agree_on_every_tape() {
    let fixtures: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let suite = Suite::of_fixtures(&fixtures).expect("the fixtures");
    let (mut alike, mut late) = (0, 0);
    for trial in &suite.trials {
        let fine = trial.scenario.run(&OurSubscriber).expect("it plays");
        let plain = trial.scenario.run(&InPlainTime).expect("it plays");
        let (fine, plain) = (fine.to_string(), plain.to_string());
        if is_whole_ms(&fine) {
            assert_eq!(fine, plain, "{}", trial.name);
            alike += 1;
            continue;
        }
        late += 1;
        // Where waits are rounded up, each line of the timeline comes a little later, never sooner.
        let lines = |text: &str| {
            let timed = |line| match split(line) {
                (skeleton, Some(at)) => Some((skeleton, at)),
                _ => None,
            };
            let mut lines: Vec<(String, u64)> = text.lines().filter_map(timed).collect();
            lines.sort();
            lines
        };
        let (fine, plain) = (lines(&fine), lines(&plain));
        assert_eq!(fine.len(), plain.len(), "{}", trial.name);
        for ((what, at), (other, later)) in fine.iter().zip(&plain) {
            assert_eq!(what, other, "{}", trial.name);
            let lateness = later.checked_sub(*at).unwrap_or_else(|| {
                panic!(
                    "{}: {what} at {later} us, sooner than at {at} us",
                    trial.name
                )
            });
            assert!(
                lateness < MAX_LATENESS_MICROS,
                "{}: {what}: {lateness} us",
                trial.name
            );
        }
    }
    assert!(alike >= 80 && late >= 1, "{alike} alike, {late} later");
}
