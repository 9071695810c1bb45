//! What chaos draws speaks the subscriber's own language.

use wstape_chaos::{Vocabulary, draw_in};
use wstape_harness::Terms;
use wstape_tape::{Action, Tape, Trigger};

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
            assert!(matches!(step.trigger, Trigger::At(_)));
        }
        // What is written is played again as it is.
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
