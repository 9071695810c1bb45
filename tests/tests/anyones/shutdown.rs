//! A subscriber function that is told to shut down ends in its own way, within a bound.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tokio::time::sleep;
use wstape_chaos::{Case, play};
use wstape_harness::{Scenario, ScenarioError, Stage, Subject, subject};
use wstape_oracle::Rule;

use crate::tape;

const QUIET: &str = "{\"at_ms\":1000,\"end\":true}\n";

/// Returns a subscriber that follows the feed in a task of its own, and ends it `takes` after it
/// was told to shut down.
fn spawns(takes: Duration, ended: Sender<()>) -> impl Subject {
    subject(move |stage: Stage| {
        let ended = ended.clone();
        async move {
            let told = stage.shutdown();
            let follows = tokio::spawn(async move {
                let stream = wstape_dial::dial("127.0.0.1", 1).await.expect("it dials");
                let url = stage.url.as_str();
                let _socket = tokio_tungstenite::client_async(url, stream).await;
                std::future::pending::<()>().await;
            });
            told.await;
            sleep(takes).await;
            follows.abort();
            let _ = follows.await;
            ended.send(()).expect("the test listens");
        }
    })
}

fn broken(subject: &dyn Subject) -> Vec<(Rule, String)> {
    let case = Case::from_tape(tape(QUIET)).expect("a case");
    let violations = play(&case, subject).verdict.violations;
    violations.into_iter().map(|v| (v.rule, v.what)).collect()
}

#[test]
fn one_that_shuts_down_what_it_spawned_breaks_nothing() {
    let (ended, heard) = channel();
    let polite = spawns(Duration::from_millis(500), ended);
    assert_eq!(broken(&polite), []);
    heard.try_recv().expect("it ended by itself");
    let outcome = Scenario::new(tape(QUIET)).run(&polite);
    outcome.expect("it plays");
    heard.try_recv().expect("it ended by itself");
}

#[test]
fn one_that_is_not_told_is_ended_and_what_it_spawned_is_found() {
    let careless = subject(|stage: Stage| async move {
        let follows = async move {
            let stream = wstape_dial::dial("127.0.0.1", 1).await.expect("it dials");
            let url = stage.url.as_str();
            let _socket = tokio_tungstenite::client_async(url, stream).await;
            std::future::pending::<()>().await;
        };
        let _ = tokio::spawn(follows).await;
    });
    let found = broken(&careless);
    for left in [
        "found 1 open streams",
        "no task once shutdown is over, found 1",
    ] {
        let says = |(rule, what): &(Rule, String)| *rule == Rule::R5 && what.contains(left);
        assert!(found.iter().any(says), "{left}: {found:?}");
    }
}

#[test]
fn one_whose_goodbyes_take_too_long_is_a_finding_and_ends_a_scenario_with_a_sentence() {
    let (ended, _heard) = channel();
    let slow = spawns(Duration::from_hours(1), ended);
    let found = broken(&slow);
    let late = "expected shutdown to end within 10.000000 s";
    let says = |(rule, what): &(Rule, String)| *rule == Rule::R5 && what.contains(late);
    assert!(found.iter().any(says), "{found:?}");
    let error = Scenario::new(tape(QUIET)).run(&slow).unwrap_err();
    assert!(matches!(error, ScenarioError::NeverStops), "{error}");
    let said = "the subscriber does not stop: its shutdown took longer than 10 s";
    assert_eq!(error.to_string(), said);
}
