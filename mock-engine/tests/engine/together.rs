//! Steps that are sent together have the same result as when they are sent one by one.

use std::io::Cursor;

use proptest::prelude::*;
use proptest::sample::select;
use wstape_mock_engine::{Engine, EngineBuilder, Layer};
use wstape_tape::{Micros, Tape, TapeReader};

use crate::world::{Arm, World, in_memory, upgrade_request};

/// What is only sent, and can be sent together.
const SENT: [&str; 6] = [
    r#""emit":{"event":"a","n":1}"#,
    r#""emit":{"event":"b","ts":"2026-01-01T00:00:00.5+00:00"}"#,
    r#""text":"c""#,
    r#""binary":"AAEC""#,
    r#""ping":"p""#,
    r#""json":{"d":[1,2]}"#,
];

/// What comes between.
const BETWEEN: [&str; 13] = [
    r#""text":"${conn}""#,
    r#""mark":"m""#,
    r#""close":{"code":1012}"#,
    r#""drop":"reset""#,
    r#""conn":1,"emit":{"event":"one"}"#,
    r#""emit":{"event":"perhaps"},"probability":0.5,"seed":3"#,
    r#""emit":{"event":"later"},"jitter_ms":4,"seed":5"#,
    r#""latency_ms":2,"for_ms":3"#,
    r#""conn":2,"partition":"both","for_ms":2"#,
    r#""slice_bytes":3,"for_ms":1"#,
    r#""bytes_per_s":9000,"for_ms":2"#,
    r#""corrupt":{"skip_bytes":7,"flip":1},"for_ms":4"#,
    r#""frame":{"opcode":1,"fin":false,"payload":"x"}"#,
];

/// What connections bring with them.
const PROLOGUES: [&[&str]; 4] = [
    &[],
    &[r#"{"on_connect":2,"after_frames":4,"partition":"to_client","for_ms":1}"#],
    &[r#"{"on_connect":"each","after_bytes":31,"mark":"31 bytes"}"#],
    &[r#"{"on_connect":"each","after_ms":2,"text":"welcome"}"#],
];

/// A tape in which much has the same time.
fn text() -> impl Strategy<Value = String> {
    let step = prop_oneof![4 => select(&SENT[..]), 1 => select(&BETWEEN[..])];
    let steps = prop::collection::vec((0..3_u64, step), 1..40);
    (select(&PROLOGUES[..]), steps).prop_map(|(prologue, steps)| {
        let mut text =
            r#"{"tape":1,"epoch":"2026-01-01T00:00:00Z","needs":["dialogue"]}"#.to_owned() + "\n";
        text.extend(prologue.iter().flat_map(|line| [line, "\n"]));
        let mut at_ms = 0;
        for (later, step) in steps {
            // Most come at the time of the one before.
            at_ms += later / 2;
            text.extend(["{\"at_ms\":", &at_ms.to_string(), ",", step, "}\n"]);
        }
        text
    })
}

/// All that two clients read, each with its time, and all of the journal.
fn seen(builder: EngineBuilder) -> (Vec<Vec<String>>, Vec<String>) {
    in_memory(async {
        let world = World::build(Arm::Virtual, builder.looped(false)).await;
        let mut clients = Vec::new();
        for _ in 0..2 {
            let mut client = world.dial().await.unwrap();
            client.send(&upgrade_request("")).await;
            clients.push(client);
        }
        world.engine.clock().sleep_until(Micros::from_ms(1)).await;
        world.engine.start();
        let mut reads = Vec::new();
        let [first, second] = &mut clients[..] else {
            unreachable!("two clients")
        };
        let (one, two) = tokio::join!(first.reads(), second.reads());
        reads.extend([one, two]);
        let entries = world.engine.journal().entries();
        let entries = entries.iter().map(|entry| format!("{entry:?}"));
        (reads, entries.collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// A tape that comes step by step, as from a pipe, is played one by one.
    #[test]
    fn a_tape_that_is_there_plays_as_one_that_comes_step_by_step(text in text()) {
        let tape = Tape::parse("there", &text).map_err(|error| error.report());
        let there = seen(Engine::builder().layer(tape.unwrap()));
        let coming = TapeReader::new("coming", Cursor::new(text)).unwrap();
        prop_assert_eq!(there, seen(Engine::builder().layer(Layer::from(coming))));
    }
}

#[test]
fn what_is_due_at_one_time_is_read_at_once_by_every_client() {
    let text = format!(
        "{{\"tape\":1}}\n{}",
        "{\"at_ms\":5,\"text\":\"tick\"}\n".repeat(300)
    );
    let tape = Tape::parse("ticks", &text).unwrap();
    let (reads, lines) = seen(Engine::builder().layer(tape));
    let all = format!("0.006000 {}", "\\x81\\x04tick".repeat(300));
    for reads in reads {
        assert_eq!(reads[1..], [all.clone(), "silence".to_owned()]);
    }
    let sent = lines.iter().filter(|line| line.contains("Sent"));
    assert_eq!(sent.count(), 300, "{lines:#?}");
}
