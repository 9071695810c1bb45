//! Each flaw of a tape is reported at its place, and a flawed step is never skipped.

use wstape_tape::{Step, Tape, TapeError, TapeErrorKind as Kind};

/// The error of a tape whose second line is this.
fn flaw_of(line: &str) -> TapeError {
    let text = format!("{{\"tape\":1}}\n{line}\n");
    let Err(error) = Tape::parse("t.jsonl", &text) else {
        panic!("{line} was accepted")
    };
    error
}

/// Checks the place, the sentence and the kind of each line's flaw.
fn demand(cases: &[(&str, &str, Kind)]) {
    for (line, place_and_sentence, kind) in cases {
        let error = flaw_of(line);
        assert_eq!(
            error.to_string(),
            format!("t.jsonl:2:{place_and_sentence}"),
            "{line}"
        );
        assert_eq!(error.kind(), *kind, "{line}");
        assert!(error.to_string().lines().count() == 1, "{line}");
    }
}

#[test]
fn text_that_is_not_json_is_placed_at_its_first_wrong_character() {
    demand(&[
        ("{\"at_ms\":1,}", "12: not JSON: trailing comma", Kind::Json),
        (
            "{\"at_ms\":1 \"end\":true}",
            "12: not JSON: expected `,` or `}`",
            Kind::Json,
        ),
        (
            "{\"at_ms\":NaN,\"end\":true}",
            "10: not JSON: expected value",
            Kind::Json,
        ),
        (
            "{\"at_ms\":01,\"end\":true}",
            "11: not JSON: invalid number",
            Kind::Json,
        ),
        ("{\"märk\":x}", "9: not JSON: expected value", Kind::Json),
        (
            "{\"json\":{\"n\":${count}}}",
            "14: not JSON: expected value; a reference stands in a string, as \"${count}\", \
             and may become a number there",
            Kind::Json,
        ),
        (
            "{\"at_ms\":1,\"end\":true",
            "22: not JSON: EOF while parsing an object",
            Kind::Json,
        ),
        (
            "{\"at_ms\":1,\"end\":true}\0",
            "23: not JSON: a zero byte after the value",
            Kind::Json,
        ),
        (
            "{\"at_ms\":1,\"end\":true} x",
            "24: not JSON: trailing characters",
            Kind::Json,
        ),
        (
            "{\"at_ms\":1,\"te\0xt\":\"\"}",
            "15: not JSON: control character (\\u0000-\\u001F) found while parsing a string",
            Kind::Json,
        ),
        (
            r#"{"at_ms":1,"text":"ab\ud800"}"#,
            "28: not JSON: unexpected end of hex escape",
            Kind::Json,
        ),
        (
            "[1]",
            "1: a line must be a JSON object, found an array",
            Kind::Json,
        ),
        (
            " 17",
            "2: a line must be a JSON object, found 17",
            Kind::Json,
        ),
        ("", "1: a blank line; each line is a step", Kind::Json),
        (" \t\r", "1: a blank line; each line is a step", Kind::Json),
    ]);
}

#[test]
fn a_misspelt_key_is_named_beside_the_key_it_was_meant_to_be() {
    let flaw = flaw_of(r#"{"at_ms": 5, "dorp": "fin"}"#);
    let sentence = "t.jsonl:2:14: unknown key \"dorp\" (did you mean \"drop\"?)";
    assert_eq!(flaw.to_string(), sentence);
    let far = flaw_of(r#"{"at_ms": 5, "sdfjkhsdf": "fin"}"#);
    assert_eq!(far.to_string(), "t.jsonl:2:14: unknown key \"sdfjkhsdf\"");

    demand(&[
        (
            r#"{"at_ms":1,"close":{"code":1000,"raeson":"x"}}"#,
            r#"33: unknown key "raeson" (did you mean "reason"?); expected one of code, reason"#,
            Kind::UnknownKey,
        ),
        (
            r#"{"at_ms":1,"expect":{"received":5}}"#,
            r#"33: "received" must be an object, found 5"#,
            Kind::Value,
        ),
        (
            r#"{"at_ms":1,"expect":{"received":{"json":1,"nth":2}}}"#,
            r#"43: "nth" goes with "on_message" only"#,
            Kind::Misplaced,
        ),
        (
            r#"{"at_ms":1,"expect":{"received":{"kind":"text","conn":1}}}"#,
            "48: unknown key \"conn\"; expected one of kind, text, \
             binary, code, reason, fin, rsv, opcode, path, headers",
            Kind::UnknownKey,
        ),
        (
            r#"{"at_ms":1,"ping":{"base64":""}}"#,
            r#"20: unknown key "base64"; expected "b64""#,
            Kind::UnknownKey,
        ),
    ]);
}

#[test]
fn a_key_that_stands_twice_is_named_at_its_second_place() {
    demand(&[
        (
            r#"{"at_ms":1,"end":true,"at_ms":2}"#,
            "23: the key \"at_ms\" appears twice",
            Kind::DuplicateKey,
        ),
        (
            r#"{"at_ms":1,"end":true,"\u0061t_ms":2}"#,
            "23: the key \"at_ms\" appears twice",
            Kind::DuplicateKey,
        ),
        (
            r#"{"at_ms":1,"refuse":{"status":500,"headers":{"a":"1","a":"2"}}}"#,
            "54: the key \"a\" appears twice",
            Kind::DuplicateKey,
        ),
    ]);
    let many: Vec<_> = (0..40).map(|n| format!("\"x-{n}\":0")).collect();
    let many = many.join(",");
    let error = flaw_of(&format!("{{{many},\"x-39\":0,\"at_ms\":1,\"end\":true}}"));
    assert_eq!(
        (error.kind(), error.key()),
        (Kind::DuplicateKey, Some("x-39"))
    );
}

#[test]
fn a_step_has_one_trigger_and_one_action() {
    demand(&[
        (
            r#"{"end":true}"#,
            "1: a step needs a trigger: \"at_ms\" or \"on_connect\"",
            Kind::MissingKey,
        ),
        (
            r#"{"at_ms":1,"on_connect":1,"hang":true}"#,
            "12: either \"at_ms\" or \"on_connect\", not both",
            Kind::Misplaced,
        ),
        (
            r#"{"at_ms":1,"hang":true,"end":true}"#,
            "24: a step has one action; this one has \"hang\" and \"end\"",
            Kind::Misplaced,
        ),
        (
            r#"{"at_ms":1,"after_ms":1,"hang":true}"#,
            "12: \"after_ms\" goes with \"on_connect\", \"on_message\" or \"scene\"",
            Kind::Misplaced,
        ),
        (
            r#"{"on_connect":1,"after_ms":1,"after_bytes":1,"hang":true}"#,
            "30: either \"after_ms\" or \"after_bytes\", not both",
            Kind::Misplaced,
        ),
        (
            r#"{"on_connect":0,"hang":true}"#,
            "15: \"on_connect\" must be \"each\", the number of a connection, from 1, or a range such as {\"from\":2,\"to\":5}, found 0",
            Kind::Value,
        ),
    ]);
    let none = flaw_of(r#"{"at_ms":1,"note":"nothing"}"#);
    assert_eq!(
        none.message(),
        r#"a step needs an action, such as "emit" or "drop""#
    );
}

#[test]
fn the_report_lists_what_a_sentence_has_no_room_for_and_none_of_its_lines_is_long() {
    let long = format!(
        r#"{{"at_ms":1,"note":"{}","dorp":"fin"}}"#,
        "x".repeat(5_000)
    );
    for (line, sentence) in [
        (
            r#"{"at_ms": 5, "dorp": "fin"}"#,
            r#"unknown key "dorp" (did you mean "drop"?)"#,
        ),
        (
            r#"{"at_ms": 5}"#,
            r#"a step needs an action, such as "emit" or "drop""#,
        ),
        (&long, r#"unknown key "dorp" (did you mean "drop"?)"#),
    ] {
        let report = flaw_of(line).report();
        let lines: Vec<&str> = report.lines().collect();
        assert!(lines[0].ends_with(sentence), "{report}");
        assert!(
            lines[3].trim_start_matches([' ', '|']).starts_with('^'),
            "{report}"
        );
        assert!(lines[4].starts_with("  = one of "), "{report}");
        let listed: Vec<&str> = lines[4..]
            .iter()
            .flat_map(|line| line[4..].split(", "))
            .collect();
        for key in wstape_tape::ACTION_KEYS {
            let found =
                |listed: &&str| listed.trim_start_matches("one of ").trim_end_matches(',') == key;
            assert!(listed.iter().any(found), "{key} in {report}");
        }
        assert!(
            lines.iter().all(|line| line.chars().count() <= 110),
            "{report}"
        );
    }
}

#[test]
fn a_status_that_ends_no_exchange_is_refused_where_it_stands() {
    let table = [
        (
            r#""refuse":{"status":100}"#,
            "a whole number from 200 to 599, found 100",
        ),
        (
            r#""refuse":{"status":101}"#,
            "a whole number from 200 to 599, found 101",
        ),
        (
            r#""refuse":{"status":199}"#,
            "a whole number from 200 to 599, found 199",
        ),
        (
            r#""accept":{"status":100}"#,
            "101 or a whole number from 200 to 599, found 100",
        ),
        (
            r#""accept":{"status":102}"#,
            "101 or a whole number from 200 to 599, found 102",
        ),
        (
            r#""http":{"path":"/a","status":103,"body":""}"#,
            "a whole number from 200 to 599, found 103",
        ),
    ];
    for (action, expected) in table {
        let line = format!("{{\"at_ms\":1,{action}}}");
        let flaw = flaw_of(&line);
        assert_eq!(
            flaw.message(),
            format!("\"status\" must be {expected}"),
            "{line}"
        );
        let column = line.find("\"status\":").unwrap() + 10;
        assert_eq!(flaw.column(), column as u64, "{line}");
    }
    for action in [r#""refuse":{"status":200}"#, r#""accept":{"status":101}"#] {
        Step::parse("t", 1, &format!("{{\"at_ms\":1,{action}}}")).unwrap();
    }
}

#[test]
fn a_step_of_a_feature_wants_that_feature_among_the_header_s_needs() {
    let steps = [
        r#"{"at_ms":1,"answers":"held"}"#,
        r#"{"at_ms":1,"conn":1,"received":{"kind":"fin"}}"#,
    ];
    for step in steps {
        let error = flaw_of(step);
        assert_eq!(error.kind(), Kind::Misplaced);
        assert_eq!(
            error.message(),
            "a tape with this has \"needs\":[\"connections\"] in its header"
        );
        let text = format!("{{\"tape\":1,\"needs\":[\"connections\"]}}\n{step}\n");
        wstape_tape::Tape::parse("t.jsonl", &text).unwrap();
    }
}

#[test]
fn keys_that_do_not_go_with_the_step_are_refused_with_the_reason() {
    demand(&[
        (
            r#"{"on_connect":1,"conn":1,"hang":true}"#,
            "17: \"conn\" goes with \"at_ms\" only; \"on_connect\" already selects connections",
            Kind::Misplaced,
        ),
        (
            r#"{"on_connect":1,"down":true}"#,
            "17: \"down\" is for the whole engine: give it an \"at_ms\"",
            Kind::Misplaced,
        ),
        (
            r#"{"on_connect":1,"end":true}"#,
            "17: \"end\" is for the whole engine: give it an \"at_ms\"",
            Kind::Misplaced,
        ),
        (
            r#"{"at_ms":1,"text":"","for_ms":5}"#,
            "22: \"for_ms\" clears a state by itself, but \"text\" sets none",
            Kind::Misplaced,
        ),
        (
            r#"{"at_ms":1,"down":true,"times":5}"#,
            "24: \"times\" goes with accept, refuse, hang, garbage and tls only",
            Kind::Misplaced,
        ),
        (
            r#"{"at_ms":1,"down":true,"direction":"both"}"#,
            "24: \"direction\" goes with latency_ms, bytes_per_s, slice_bytes and corrupt only",
            Kind::Misplaced,
        ),
        (
            r#"{"at_ms":1,"text":"","probability":0.5}"#,
            "22: \"probability\" needs a \"seed\" on the same step",
            Kind::Misplaced,
        ),
        (
            r#"{"at_ms":1,"text":"","jitter_ms":5}"#,
            "22: \"jitter_ms\" needs a \"seed\" on the same step",
            Kind::Misplaced,
        ),
        (
            r#"{"at_ms":1,"latency_ms":{"base_ms":5,"jitter_ms":1}}"#,
            "12: \"latency_ms\" with a \"jitter_ms\" needs a \"seed\" on the same step",
            Kind::Misplaced,
        ),
        (
            r#"{"at_ms":1,"close":{"reason":"x"}}"#,
            "21: a Close with a \"reason\" needs a \"code\" too",
            Kind::Misplaced,
        ),
        (
            r#"{"at_ms":1,"frame":{"opcode":1,"payload":"","payload_b64":""}}"#,
            "45: either \"payload\" or \"payload_b64\", not both",
            Kind::Misplaced,
        ),
    ]);
}

#[test]
fn a_time_is_digits_with_at_most_three_behind_the_point() {
    for time in [
        "-1",
        "1e3",
        "1.0005",
        "\"1\"",
        "null",
        "18446744073709551616",
    ] {
        let error = flaw_of(&format!(r#"{{"at_ms":{time},"end":true}}"#));
        let said = format!(
            "\"at_ms\" must be milliseconds: a number with at most three decimals, not negative \
             and without an exponent, found {time}"
        );
        assert_eq!((error.column(), error.message()), (10, said.as_str()));
    }
}

#[test]
fn columns_count_characters_not_bytes() {
    let error = flaw_of("{\"at_ms\":1,\"note\":\"äöü😀\",\"dorp\":\"fin\"}");
    assert_eq!(error.column(), 26);
}

#[test]
fn a_report_cuts_a_long_line_around_the_flaw() {
    let long = "y".repeat(500);
    let error = flaw_of(&format!(
        "{{\"at_ms\":1,\"x-a\":\"{long}\",\"drop\":\"fun\",\"x-b\":\"{long}\"}}"
    ));
    let report = error.report();
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(
        lines[2].starts_with("2 | …yyy") && lines[2].ends_with("yyy…"),
        "{report}"
    );
    let shown: Vec<char> = lines[2].chars().collect();
    let carets: Vec<usize> = lines[3].match_indices('^').map(|(at, _)| at).collect();
    let under: String = carets.iter().map(|at| shown[*at]).collect();
    assert_eq!(under, "\"fun\"");
    assert!(report.len() < 600, "{report}");
}

#[test]
fn a_report_shows_no_control_character() {
    let report = flaw_of("{\"at_ms\":1,\u{1b}[31m\t\"text\":\u{7}}").report();
    assert!(
        report.chars().all(|c| c == '\n' || !c.is_control()),
        "{report:?}"
    );
}

#[test]
fn what_an_error_quotes_is_short_and_harmless_to_a_terminal() {
    let error = flaw_of(&format!(
        "{{\"at_ms\":1,\"drop\":\"\u{9b}31m{}\"}}",
        "z".repeat(1000)
    ));
    assert!(
        !error.to_string().contains('\u{9b}') && error.to_string().len() < 200,
        "{error}"
    );
}

#[test]
fn a_step_alone_is_one_line() {
    assert!(Step::parse("control", 7, "{\"at_ms\":1,\"end\":true}\n").is_ok());
    let two = Step::parse("control", 7, "{\"at_ms\":1,\n\"end\":true}").unwrap_err();
    assert_eq!(two.to_string(), "control:7:12: more than one line");
}
