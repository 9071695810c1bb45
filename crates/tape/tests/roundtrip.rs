//! A tape that was read is written back byte for byte; one that was made is read back as it was.

mod steps;

use std::collections::BTreeSet;

use proptest::prelude::*;
use wstape_tape::{
    Action, End, Expect, Garbage, Header, HttpAnswer, Micros, Step, Tape, TapeReader, TapeWriter,
};

/// Copies a tape through reader and writer.
fn copy(text: &[u8]) -> Vec<u8> {
    let mut reader = TapeReader::new("copy", text).unwrap();
    let mut writer = TapeWriter::new(Vec::new(), reader.header()).unwrap();
    for step in reader.by_ref() {
        writer.write(&step.unwrap()).unwrap();
    }
    writer.into_inner()
}

#[test]
fn odd_spacing_escapes_and_line_ends_are_kept() {
    let text = concat!(
        " {\t\"x-odd\" : [ 1.50, -0e0 ] ,\"tape\":1 }  \r\n",
        "  { \"emit\" : { \"event\":\"a\\u0062\",\"event\":7 , \"n\":1e400 } , \"at_ms\":1.50 }\r\n",
        "{\"note\":\"\\ud83d\\ude00 \u{1f600}\",\"\\u0061t_ms\":00.1,\"text\":\"\"}\n",
    )
    .replace("00.1", "2.1");
    assert_eq!(copy(text.as_bytes()), text.as_bytes());
    assert_eq!(Tape::parse("t", &text).unwrap().to_string(), text);
}

#[test]
fn an_emit_is_a_slice_of_its_line() {
    let text = "{\"tape\":1}\n{\"at_ms\":1,\"emit\":{ \"event\" : \"x\" } }\n";
    let tape = Tape::parse("t", text).unwrap();
    let Action::Emit(emit) = &tape.steps[0].action else {
        panic!("an emit")
    };
    let raw = tape.steps[0].raw().unwrap();
    assert_eq!(emit, "{ \"event\" : \"x\" }");
    assert_eq!(emit.as_ptr(), raw[18..].as_ptr());
}

#[test]
fn a_step_that_is_changed_is_written_as_what_it_is_now() {
    type Change = fn(&mut Step);
    let line = "{ \"at_ms\":1, \"drop\":\"fin\", \"x-a\": 1 }";
    let changes: [(Change, &str); 4] = [
        (
            |step| step.action = Action::Drop(End::Reset),
            r#"{"at_ms":1,"drop":"reset","x-a":1}"#,
        ),
        (
            |step| step.extensions.clear(),
            r#"{"at_ms":1,"drop":"fin"}"#,
        ),
        (
            |step| step.note = Some("n".into()),
            r#"{"at_ms":1,"drop":"fin","note":"n","x-a":1}"#,
        ),
        (|step| step.line = 9, line),
    ];
    for (change, written) in changes {
        let mut step = Step::parse("t", 1, line).unwrap();
        change(&mut step);
        assert_eq!(step.to_line(), written);
        assert_eq!(step.raw().is_some(), written == line);
    }
}

#[test]
fn a_header_that_is_changed_is_written_as_what_it_is_now() {
    let text = "{ \"tape\":1, \"title\":\"a\" }\n";
    let mut tape = Tape::parse("t", text).unwrap();
    assert_eq!(tape.header.title.as_deref(), Some("a"));
    assert_eq!(tape.to_string(), text);
    tape.header.title = Some("b".into());
    assert_eq!(tape.to_string(), "{\"tape\":1,\"title\":\"b\"}\n");
}

#[test]
fn an_emit_that_is_no_line_of_json_is_written_as_what_sends_the_same_bytes() {
    for (emit, member) in [
        (&b"{\"event\":\"a\"}"[..], r#""emit":{"event":"a"}"#),
        (b"{\"event\":\n\"a\"}", r#""text":"{\"event\":\n\"a\"}""#),
        (b" {\"event\":\"a\"}", r#""text":" {\"event\":\"a\"}""#),
        (b"{\"event\":1}", r#""text":"{\"event\":1}""#),
        (b"not JSON", r#""text":"not JSON""#),
        (b"\xFF", r#""frame":{"opcode":1,"payload_b64":"/w=="}"#),
    ] {
        let step = Step::at(Micros(1), Action::Emit(emit.into()));
        assert_eq!(step.to_line(), format!("{{\"at_ms\":0.001,{member}}}"));
        Step::parse("t", 1, &step.to_line()).unwrap();
    }
}

#[test]
fn bodies_come_back_byte_for_byte_whatever_they_are() {
    for body in [
        &b"{\"a\" : 1}"[..],
        b"[]",
        b"1.50",
        b"null",
        b"",
        b"\"s\"",
        b"{",
        b" {}",
        b"{\n}",
        b"\xFF",
    ] {
        let answer = HttpAnswer {
            path: "/p".into(),
            method: None,
            status: 200,
            headers: vec![],
            body: body.into(),
        };
        let step = Step::at(Micros::ZERO, Action::Http(answer));
        assert_eq!(
            Step::parse("t", 1, &step.to_line()).unwrap(),
            step,
            "{}",
            step.to_line()
        );
    }
}

#[test]
fn the_tapes_of_the_reference_are_read_and_show_every_key() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/format");
    let minimal = Tape::load(format!("{folder}/minimal.jsonl")).unwrap();
    assert_eq!((minimal.header, minimal.steps), (Header::default(), vec![]));

    let path = format!("{folder}/full.jsonl");
    let full = Tape::load(&path).unwrap_or_else(|e| panic!("{}", e.report()));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(full.to_string(), text);
    let shown = |key: &&str| text.contains(&format!("\"{key}\":"));
    let keys = [
        "tape title recorded_at epoch source redacted needs note at_ms on_connect after_ms",
        "after_frames after_bytes after_received conn engine direction for_ms times probability",
        "jitter_ms seed event code reason fin rsv opcode mask payload payload_b64 declared_len",
        "status headers token b64 repeat then base_ms distribution delay_ms path body body_b64",
        "kind mirror received on_message on_silence_ms scene every_ms instead from to contains",
        "regex json jsonpath binary nth unmatched as any next by_ms",
    ];
    let keys = keys
        .iter()
        .flat_map(|line| line.split(' '))
        .chain(wstape_tape::ACTION_KEYS);
    assert_eq!(
        keys.filter(|key| !shown(key)).collect::<Vec<_>>(),
        Vec::<&str>::new()
    );

    for step in &full.steps {
        let again = Step::parse("full", step.line, &step.to_canonical());
        assert_eq!(&again.unwrap(), step, "{}", step.to_line());
    }
    let header = Header::from(full.header.clone().into_fields());
    let again = Tape::parse("t", &format!("{}\n", header.to_line()))
        .unwrap()
        .header;
    assert_eq!(again, full.header);
}

#[test]
fn the_reference_has_a_playable_example_of_each_action() {
    let reference = include_str!("../FORMAT.md");
    let spans = reference.lines().flat_map(|line| line.split('`'));
    let examples = spans.filter(|span| {
        ["{\"at_ms\"", "{\"on_c", "{\"on_m"]
            .iter()
            .any(|s| span.starts_with(s))
    });
    let keys: BTreeSet<_> = examples
        .map(|line| Step::parse("FORMAT.md", 1, line).unwrap_or_else(|e| panic!("{}", e.report())))
        .map(|step| step.key())
        .collect();
    assert_eq!(keys, BTreeSet::from(wstape_tape::ACTION_KEYS));
}

/// Whether a tape may have this line only if its header names that feature.
fn wants(line: &str, feature: &str) -> bool {
    Tape::parse("t", &format!("{{\"tape\":1}}\n{line}\n"))
        .is_err_and(|error| error.message().contains(&format!("{feature:?}")))
}

#[test]
fn the_reference_marks_states_uses_and_features_as_the_table_has_them() {
    let reference = include_str!("../FORMAT.md");
    let mut rows = 0;
    for row in reference.lines() {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [key, .., what, example] = &cells[..] else {
            continue;
        };
        if !example.starts_with("`{\"at_ms\"") {
            continue;
        }
        let marks: Vec<&str> = match what.split_once(':') {
            Some((marks, _)) => marks.split(' ').filter(|mark| mark.len() == 1).collect(),
            None => Vec::new(),
        };
        let line = example.trim_matches('`');
        let step = Step::parse("FORMAT.md", 1, line).unwrap();
        assert_eq!(key.trim_matches(['`', ' ']), step.key());
        let found = [
            ("S", step.action.is_state()),
            ("U", step.action.is_used_up()),
            ("C", wants(line, "connections")),
            ("D", wants(line, "dialogue")),
        ];
        let mut found: Vec<&str> = found
            .iter()
            .filter(|(_, is)| *is)
            .map(|(mark, _)| *mark)
            .collect();
        found.sort_unstable();
        let mut marks = marks;
        marks.sort_unstable();
        assert_eq!(marks, found, "{row}");
        rows += 1;
    }
    assert_eq!(rows, wstape_tape::ACTION_KEYS.len());
}

#[test]
fn json_ten_thousand_levels_deep_is_an_event_like_any_other() {
    let deep = format!(
        "{}{}",
        "[{\"a\":".repeat(10_000),
        "1".to_owned() + &"}]".repeat(10_000)
    );
    let line = format!("{{\"at_ms\":1,\"emit\":{{\"data\":{deep},\"event\":\"e\"}}}}");
    let mut step = Step::parse("t", 1, &line).unwrap();
    step = Step::from(step.into_fields());
    assert_eq!(step.to_line(), line);
}

#[test]
fn notes_and_extensions_are_welcome_in_every_object_and_kept() {
    let line = r#"{"at_ms":1,"refuse":{"status":500,"note":"why","x-a":1,"headers":{"x-b":"2"}}}"#;
    let text = format!("{{\"tape\":1}}\n{line}\n");
    let tape = Tape::parse("t", &text).unwrap();
    assert_eq!(tape.to_string(), text);
    let Action::Refuse(Some(refusal)) = &tape.steps[0].action else {
        panic!("a refusal")
    };
    assert_eq!(refusal.headers, [("x-b".to_owned(), "2".to_owned())]);
}

#[test]
fn a_pushed_step_goes_where_its_time_is() {
    let mark = |at, name: &str| Step::at(Micros(at), Action::Mark(name.into()));
    let each = wstape_tape::Trigger::OnConnect {
        whose: wstape_tape::Whose::Each,
        after: wstape_tape::After::Frames(0),
    };
    let mut tape = Tape::default();
    for step in [
        mark(1, "a"),
        mark(5, "c"),
        Step::at(Micros(5), Action::End),
        mark(5, "d"),
        mark(1, "b"),
        Step::new(each, Action::Mark("0".into())),
    ] {
        tape.push(step);
    }
    let keys: Vec<_> = tape
        .steps
        .iter()
        .map(|s| format!("{:?}", s.action))
        .collect();
    let expected = ["0", "a", "b", "c", "d"].map(|name| format!("Mark({name:?})"));
    assert_eq!(keys[..5], expected);
    assert_eq!(keys[5], "End");
    Tape::parse("t", &tape.to_string()).unwrap();
}

#[test]
fn an_expectation_is_its_text() {
    let expect = |text: &str| {
        let mirror = serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
        Action::Expect(Expect {
            after: Micros::ZERO,
            mirror: Some(mirror),
            received: None,
            message: None,
        })
    };
    assert_eq!(expect("{\"a\":1}"), expect("{\"a\":1}"));
    assert_ne!(expect("{\"a\":1}"), expect("{\"a\":2}"));
    let spread = Step::at(Micros::ZERO, expect("{\n\"a\": 1}"));
    assert_eq!(
        spread.to_line(),
        "{\"at_ms\":0,\"expect\":{\"mirror\":{ \"a\": 1}}}"
    );
}

#[test]
fn garbage_without_trimmings_is_a_plain_string() {
    let garbage = Garbage {
        bytes: "SSH-2.0".into(),
        repeat: 1,
        then: None,
    };
    let step = Step::at(Micros::ZERO, Action::Garbage(Some(garbage)));
    assert_eq!(step.to_line(), "{\"at_ms\":0,\"garbage\":\"SSH-2.0\"}");
}

proptest! {
    #[test]
    fn a_step_that_takes_over_what_another_says_is_written_as_that_one(
        one in steps::step(), other in steps::step()
    ) {
        let mut read = Step::parse("t", 1, &one.to_line()).unwrap();
        read.action = other.action.clone();
        *read = wstape_tape::StepFields::clone(&other);
        prop_assert_eq!(read.to_line(), other.to_canonical());
    }

    #[test]
    fn simpler_actions_have_the_key_and_none_is_the_action_itself(step in steps::step()) {
        let mut left = vec![step.action.clone()];
        let mut seen = 0;
        while let Some(action) = left.pop() {
            for simpler in action.simpler() {
                prop_assert_eq!(simpler.key(), action.key());
                prop_assert_ne!(&simpler, &action);
                left.push(simpler);
            }
            seen += 1;
            prop_assert!(seen < 10_000, "simpler actions lead back");
        }
    }

    #[test]
    fn a_tape_made_in_rust_is_read_back_equal_and_copied_byte_for_byte(tape in steps::tape()) {
        let text = tape.to_string();
        let again = Tape::parse("made", &text).map_err(|e| TestCaseError::fail(e.report()))?;
        prop_assert_eq!(&again, &tape);
        prop_assert_eq!(copy(text.as_bytes()), text.into_bytes());
    }

    #[test]
    fn no_line_makes_the_reader_panic(line in "[\\PC\"{}:,\\[\\]0-9]{0,60}") {
        let _ = Tape::parse("any", &format!("{{\"tape\":1}}\n{line}\n")).map_err(|e| e.report());
    }

    #[test]
    fn a_damaged_line_is_a_step_or_a_flaw_inside_it(
        step in steps::step(), at in any::<prop::sample::Index>(), with in "[\\PC\"{}:,0]{0,3}"
    ) {
        let line: Vec<char> = step.to_line().chars().collect();
        let at = at.index(line.len());
        let damaged: String =
            line[..at].iter().copied().chain(with.chars()).chain(line[at + 1..].iter().copied()).collect();
        let length = damaged.chars().count() as u64;
        if let Err(error) = Step::parse("any", 1, &damaged) {
            prop_assert!((1..=length + 1).contains(&error.column()), "{}", error.report());
        }
    }
}
