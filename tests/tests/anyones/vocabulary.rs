//! What chaos draws speaks the subscriber's own language.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use wstape_chaos::{Vocabulary, draw_in, play};
use wstape_harness::{Stage, Subject, Terms, subject};
use wstape_tape::{Action, After, Tape, Trigger};

const TRADES: &str = r#"{"tape":1}
{"at_ms":0,"text":"{\"op\":\"trade\",\"price\":1.5}"}
{"at_ms":1,"text":"{\"op\":\"quote\",\"bid\":[1,2]}"}
{"at_ms":2,"text":"[17,{\"k\":\"v\"}]"}
"#;

#[test]
fn every_message_of_a_drawn_case_is_of_the_tape_that_was_given_or_spoilt_of_it() {
    let tape = Tape::parse("trades", TRADES).expect("a tape");
    let vocabulary = Vocabulary::of(std::slice::from_ref(&tape)).expect("messages");
    let (mut whole, mut spoilt) = (0, 0);
    for seed in 0..300 {
        let case = draw_in(seed, &[], Some(&vocabulary), &Terms::default());
        for step in case.base.steps.iter().chain(&case.faults.steps) {
            if matches!(step.action, Action::Emit(_)) {
                panic!("seed {seed} sends an event of the workspace's own: {step:?}");
            }
            let Action::Text(text) = &step.action else {
                continue;
            };
            let is_whole = tape
                .steps
                .iter()
                .any(|step| step.action == Action::Text(text.clone()));
            (whole, spoilt) = if is_whole {
                (whole + 1, spoilt)
            } else {
                (whole, spoilt + 1)
            };
            // At a time, or as the first frame after the 101.
            let first = After::Frames(0);
            let of_itself =
                matches!(step.trigger, Trigger::OnConnect { after, .. } if after == first);
            assert!(
                of_itself || matches!(step.trigger, Trigger::At(_)),
                "{step:?}"
            );
        }
        // A case that is written down plays the same when read back.
        let written = case.to_tape().to_string();
        Tape::parse("written", &written).expect("it reads back");
    }
    assert!(
        whole > 1_000 && spoilt > 100,
        "{whole} whole, {spoilt} spoilt"
    );
}

#[test]
fn a_tape_without_messages_is_no_vocabulary() {
    let tape = Tape::parse("none", "{\"tape\":1}\n{\"at_ms\":5,\"drop\":\"fin\"}\n");
    assert_eq!(Vocabulary::of(&[tape.expect("a tape")]), None);
}

const SUBSCRIPTIONS: &str = r#"{"tape":1,"needs":["dialogue"]}
{"on_message":{"json":{"op":"subscribe"}},"text":"{\"op\":\"ack\",\"id\":\"${/id}\"}"}
{"on_message":{"json":{"op":"subscribe"}},"start":"feed"}
{"on_message":{"json":{"op":"subscribe"},"nth":2},"drop":"reset"}
{"scene":"feed","every_ms":1000,"text":"{\"op\":\"trade\",\"n\":\"${count}\"}"}
{"at_ms":5,"text":"{\"op\":\"notice\"}"}
"#;

/// Returns a subscriber that asks for the feed on each connection, and counts what it gets.
fn subscribes(acks: Arc<AtomicU64>, trades: Arc<AtomicU64>) -> impl Subject {
    subject(move |stage: Stage| {
        let (acks, trades) = (Arc::clone(&acks), Arc::clone(&trades));
        async move {
            loop {
                if let Ok(stream) = wstape_dial::dial("127.0.0.1", 1).await
                    && let Ok((mut socket, _)) =
                        tokio_tungstenite::client_async(stage.url.as_str(), stream).await
                    && let Ok(()) = socket
                        .send(Message::text(r#"{"op":"subscribe","id":"seven"}"#))
                        .await
                {
                    while let Some(Ok(message)) = socket.next().await {
                        let text = message.to_text().unwrap_or_default();
                        if text == r#"{"op":"ack","id":"seven"}"# {
                            acks.fetch_add(1, Ordering::Relaxed);
                        } else if text.starts_with(r#"{"op":"trade","n":"#) {
                            trades.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    })
}

#[test]
fn what_a_tape_answers_stands_in_each_case_that_is_drawn_from_it() {
    let tape = Tape::parse("subscriptions", SUBSCRIPTIONS).expect("a tape");
    let vocabulary = Vocabulary::of(std::slice::from_ref(&tape)).expect("messages");
    let (acks, trades) = (Arc::default(), Arc::default());
    let subscriber = subscribes(Arc::clone(&acks), Arc::clone(&trades));
    let mut without_stream = 0;
    for seed in 0..40 {
        let case = draw_in(seed, &[], Some(&vocabulary), &Terms::default());
        let speaks = case.base.steps.iter().filter(|it| it.trigger.is_dialogue());
        // Without the drop: a fault that is in every case would not be one of the drawn ones.
        assert_eq!(speaks.count(), 3, "seed {seed}");
        let sends = |step: &&wstape_tape::Step| {
            matches!(
                (&step.trigger, &step.action),
                (Trigger::At(_), Action::Text(_))
            )
        };
        without_stream += u32::from(case.base.steps.iter().filter(sends).count() == 0);
        // A written case plays the same when read back: no reference stands where none may.
        let written = case.to_tape().to_string();
        Tape::parse("written", &written).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        // A subscriber shut down before the first answer hears nothing.
        let verdict = play(&case, &subscriber).verdict;
        let is_heard = verdict.messages > 0 || verdict.coverage.calls.contains_key("shutdown");
        assert!(is_heard, "seed {seed}: {verdict:?}");
    }
    let (acks, trades) = (acks.load(Ordering::Relaxed), trades.load(Ordering::Relaxed));
    assert!(acks >= 40 && trades >= 400, "{acks} acks, {trades} trades");
    assert!(
        (5..35).contains(&without_stream),
        "{without_stream} cases send nothing unasked"
    );
}
