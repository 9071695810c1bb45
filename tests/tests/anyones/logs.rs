//! A secret in a log line is blamed on whoever wrote the line.

use std::time::Duration;

use wstape_chaos::{Case, Played, play};
use wstape_harness::{Stage, Subject, subject};
use wstape_oracle::Rule;
use wstape_tape::Tape;

/// Plays a case in which the URL has a secret in its query.
fn played(subject: &dyn Subject) -> Played {
    let tape = Tape::parse(
        "secret",
        "{\"tape\":1,\"x-chaos\":{\"secrets\":true}}\n{\"at_ms\":3000,\"end\":true}\n",
    );
    let case = Case::from_tape(tape.expect("a tape")).expect("a case");
    play(&case, subject)
}

/// A subscriber that logs what it dials, under this target.
macro_rules! telling {
    ($target:literal) => {
        subject(|stage: Stage| async move {
            loop {
                log::info!(target: $target, "dialling {}", stage.url);
                if let Ok(stream) = wstape_dial::dial("127.0.0.1", 1).await {
                    let connected = tokio_tungstenite::client_async(stage.url.as_str(), stream);
                    let _socket = connected.await;
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        })
        .logs_of("price_feed")
    };
}

#[test]
fn a_secret_in_a_line_of_its_own_crate_breaks_r14() {
    let verdict = played(&telling!("price_feed::mended")).verdict;
    let violation = verdict.violations.first().expect("it is found");
    assert_eq!(violation.rule, Rule::R14);
    assert!(
        violation
            .what
            .contains("found the query of the URL in one of price_feed::mended"),
        "{violation}"
    );
}

#[test]
fn a_secret_in_a_line_of_a_dependency_is_told_as_the_dependencys() {
    let verdict = played(&telling!("some_dependency::client")).verdict;
    assert_eq!(verdict.violations, []);
    let blamed = "the query of the URL: some_dependency::client".to_owned();
    assert!(verdict.blamed.contains(&blamed), "{:?}", verdict.blamed);
}
