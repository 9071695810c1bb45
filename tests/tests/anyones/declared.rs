//! What a subscriber declares of itself is judged; what it does not is left out.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{sleep, timeout};
use wstape_chaos::{Case, play};
use wstape_harness::{Stage, Subject, subject};
use wstape_oracle::{Backoff, Reset, Rule};
use wstape_tape::Tape;

/// Half a minute without an engine, a connection that ends, and one that dies without a word.
const BAD_DAY: &str = r#"{"tape":1}
{"at_ms":0,"down":true}
{"at_ms":30000,"down":false}
{"at_ms":70000,"text":"hello"}
{"at_ms":71000,"drop":"reset"}
{"at_ms":75000,"text":"hello"}
{"at_ms":76000,"partition":"both","for_ms":600000}
{"at_ms":700000,"end":true}
"#;

fn broken(subject: &dyn Subject) -> Vec<Rule> {
    let tape = Tape::parse("a bad day", BAD_DAY).expect("a tape");
    let case = Case::from_tape(tape).expect("a case");
    let violations = play(&case, subject).verdict.violations;
    violations.iter().map(|violation| violation.rule).collect()
}

/// Doubles from a second to eight, starts anew after a message where `resets`, and waits for one no
/// longer than `patience`.
fn backing_off(resets: bool, growth: u32, patience: Option<u64>) -> impl Subject + Clone {
    let patience = Duration::from_secs(patience.unwrap_or(1_000_000));
    let start = move |stage: Stage| async move {
        let mut delay = Duration::from_secs(1);
        loop {
            let mut heard = false;
            if let Ok(stream) = wstape_dial::dial("127.0.0.1", 1).await
                && let Ok(Ok((mut socket, _))) = timeout(
                    Duration::from_secs(10),
                    tokio_tungstenite::client_async(stage.url.as_str(), stream),
                )
                .await
            {
                while let Ok(Some(Ok(_))) = timeout(patience, socket.next()).await {
                    heard = true;
                }
            }
            if heard && resets {
                delay = Duration::from_secs(1);
            }
            sleep(delay).await;
            delay = (delay * growth).min(Duration::from_secs(8));
        }
    };
    let second = Duration::from_secs(1);
    let declared = Backoff::new(second, second * 8).reset(Reset::FirstMessage);
    subject(start)
        .backoff(declared)
        .lost_within(second * 60)
        .deterministic()
}

#[test]
fn a_subscriber_that_keeps_what_it_declares_breaks_nothing() {
    assert_eq!(broken(&backing_off(true, 2, Some(45))), []);
}

#[test]
fn growth_reset_and_liveness_that_are_declared_and_not_kept_are_found() {
    assert_eq!(broken(&backing_off(true, 3, Some(45)))[..1], [Rule::R3]);
    assert_eq!(broken(&backing_off(false, 2, Some(45)))[..1], [Rule::R4]);
    assert_eq!(broken(&backing_off(true, 2, None)), [Rule::R6]);
}
