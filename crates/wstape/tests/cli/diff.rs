//! `wstape diff`: what differs between two tapes.

use crate::files::{STATES, run};

#[test]
fn diff_shows_what_is_gone_new_changed_and_moved() {
    let b = STATES
        .replace(
            r#"{"at_ms":1000,"down":true}"#,
            r#"{"at_ms":1001,"down":true}"#,
        )
        .replace("{ \"halted\":true }", "{\"halted\":false,\"open_count\":2}")
        .replace("{\"at_ms\":4500,\"mark\":\"middle\"}\n", "")
        .replace(
            "{\"at_ms\":6000,",
            "{\"at_ms\":5500,\"ping\":\"x\"}\n{\"at_ms\":6000,",
        );
    let files = [("a.jsonl", STATES), ("b.jsonl", b.as_str())];
    let (status, shown, said) = run(&files, &["diff", "a.jsonl", "b.jsonl"]);
    assert_eq!(status, Some(1), "{said}");
    let expected = "\
> (down): 1.000000 → 1.001000
- {\"at_ms\":4500,\"mark\":\"middle\"}
~ risk at 5.000000
    /data/halted: true → false
    /data/open_count: nothing → 2
+ {\"at_ms\":5500,\"ping\":\"x\"}
8 steps the same
  (down): 1 moved
  (mark): 1 gone
  (ping): 1 new
  risk: 1 changed
";
    assert_eq!(shown, expected);
    let brief = ["diff", "a.jsonl", "b.jsonl", "--brief", "--within", "1ms"];
    let (_, shown, _) = run(&files, &brief);
    assert!(shown.starts_with("9 steps the same\n"), "{shown}");
}

#[test]
fn ts_spaces_and_times_are_left_out_on_request() {
    let a = "{\"tape\":1}\n{\"at_ms\":1,\"emit\":{\"event\":\"status\",\"ts\":\"a\",\"data\":{\"ts\":1,\"alert\":null}}}\n";
    let b = "{\"tape\":1}\n{\"at_ms\":9,\"emit\":{\"ts\":\"b\",\"event\":\"status\", \"data\":{\"alert\":null,\"ts\":2}}}\n";
    let files = [("a.jsonl", a), ("b.jsonl", b)];
    let status = |more: &[&str]| run(&files, &[&["diff", "a.jsonl", "b.jsonl"], more].concat()).0;
    assert_eq!(status(&["--ignore-ts", "--ignore-times"]), Some(0));
    assert_eq!(status(&["--ignore-ts", "--within", "8ms"]), Some(0));
    assert_eq!(status(&["--ignore-ts", "--within", "7ms"]), Some(1));
    assert_eq!(status(&["--ignore-times"]), Some(1));
}

#[test]
fn numbers_are_compared_to_their_last_digit_and_by_their_value() {
    let tape = |number: &str| {
        format!(
            "{{\"tape\":1}}\n{{\"at_ms\":1,\"emit\":{{\"event\":\"risk\",\"data\":{{\"n\":{number}}}}}}}\n"
        )
    };
    let shown = |a: &str, b: &str| {
        let files = [("a.jsonl", &*tape(a)), ("b.jsonl", &*tape(b))];
        run(&files, &["diff", "a.jsonl", "b.jsonl"]).1
    };
    for (a, b) in [
        ("1", "1.0"),
        ("1e0", "1"),
        ("0.10", "1e-1"),
        ("-0", "0"),
        ("1e400", "10e399"),
    ] {
        assert_eq!(shown(a, b), "1 steps, all the same\n", "{a} and {b}");
    }
    for (a, b) in [
        ("9007199254740993.0", "9007199254740992.0"),
        ("18446744073709551617", "18446744073709551616"),
        ("0.1000000000000000055", "0.1"),
        ("1e400", "1e401"),
    ] {
        let said = shown(a, b);
        assert!(
            said.starts_with("~ risk at 0.001000\n    /data/n: "),
            "{said}"
        );
        assert!(said.contains(" → "), "{said}");
    }
    assert!(
        shown("9007199254740993.0", "9007199254740992.0")
            .contains("/data/n: 9007199254740993 → 9007199254740992\n")
    );
    assert!(shown("1", "\"1\"").contains("/data/n: 1 → \"1\"\n"));
    // A number that names the kind of a message is its name, as it is written.
    let (a, b) = (tape("1,\"k\":7"), tape("2,\"k\":7"));
    let files = [("a.jsonl", &*a), ("b.jsonl", &*b)];
    let said = run(&files, &["diff", "a.jsonl", "b.jsonl", "--kind", "/data/k"]).1;
    assert!(said.starts_with("~ 7 at 0.001000\n"), "{said}");
}

#[test]
fn messages_of_any_json_are_compared_as_json() {
    let a = "{\"tape\":1,\"needs\":[\"dialogue\"]}\n{\"at_ms\":1,\"json\":{\"event\":\"a\",\"ts\":1,\"n\":[1, 2]}}\n";
    let b = "{\"tape\":1,\"needs\":[\"dialogue\"]}\n{\"at_ms\":1,\"json\":{\"ts\":2,\"n\":[1,3],\"event\":\"a\"}}\n";
    let files = [("a.jsonl", a), ("b.jsonl", b)];
    let (_, shown, _) = run(&files, &["diff", "a.jsonl", "b.jsonl", "--ignore-ts"]);
    assert_eq!(
        shown,
        "~ a at 0.001000\n    /n/1: 2 → 3\n0 steps the same\n  a: 1 changed\n"
    );
}

#[test]
fn a_step_that_differs_in_more_than_its_message_is_shown_whole() {
    let header = "{\"tape\":1,\"needs\":[\"dialogue\"]}\n";
    let a = format!(
        "{header}{{\"on_message\":{{\"json\":{{\"op\":\"sub\"}}}},\"json\":{{\"ok\":1}}}}\n"
    );
    for (was, is) in [
        ("\"sub\"", "\"subs\""),
        ("\"json\":{\"ok\"", "\"times\":2,\"json\":{\"ok\""),
    ] {
        let b = a.replace(was, is);
        let files = [("a.jsonl", a.as_str()), ("b.jsonl", b.as_str())];
        let (_, shown, _) = run(&files, &["diff", "a.jsonl", "b.jsonl"]);
        let (gone, new) = (a.lines().nth(1).unwrap(), b.lines().nth(1).unwrap());
        assert_eq!(
            shown,
            format!("- {gone}\n+ {new}\n0 steps the same\n  (json): 1 gone, 1 new\n")
        );
    }
}

#[test]
fn the_tape_of_a_proxy_and_that_of_a_tap_are_compared_without_their_connections() {
    let a = "{\"tape\":1}\n{\"at_ms\":1,\"ping\":\"x\"}\n{\"at_ms\":2,\"emit\":{\"event\":\"a\",\"n\":1}}\n";
    let b = "{\"tape\":1}\n{\"at_ms\":1,\"conn\":1,\"ping\":\"x\"}\n{\"at_ms\":2,\"conn\":1,\"emit\":{\"event\":\"a\",\"n\":2}}\n";
    let files = [("a.jsonl", a), ("b.jsonl", b)];
    let diff = |more: &[&str]| run(&files, &[&["diff", "a.jsonl", "b.jsonl"], more].concat()).1;
    assert!(diff(&["--brief"]).starts_with("0 steps the same\n"));
    assert_eq!(
        diff(&["--ignore-conn"]),
        "~ a at 0.002000\n    /n: 1 → 2\n1 steps the same\n  a: 1 changed\n"
    );
}

#[test]
fn an_insertion_at_the_head_of_a_long_tape_is_one_departure() {
    let line = |n: u64| format!("{{\"at_ms\":{n},\"emit\":{{\"event\":\"risk\",\"n\":{n}}}}}\n");
    let rest: String = (1..12_000).map(line).collect();
    let a = format!("{{\"tape\":1}}\n{rest}");
    let b = format!("{{\"tape\":1}}\n{}{rest}", line(0));
    let files = [("a.jsonl", a.as_str()), ("b.jsonl", b.as_str())];
    let (status, shown, _) = run(&files, &["diff", "a.jsonl", "b.jsonl", "--brief"]);
    assert_eq!(status, Some(1));
    assert_eq!(shown, "11999 steps the same\n  risk: 1 new\n");
}

#[test]
fn kind_and_time_of_another_vocabulary_are_named_by_pointer() {
    let a = r#"{"tape":1}
{"at_ms":1,"text":"{\"op\":\"trade\",\"T\":17,\"price\":1}"}
{"at_ms":2,"text":"{\"op\":\"trade\",\"T\":18,\"price\":2}"}
{"at_ms":3,"text":"hello"}
"#;
    let b = a
        .replace(r#"\"T\":17"#, r#"\"T\":99"#)
        .replace(r#"\"price\":2"#, r#"\"price\":3"#);
    let files = [("a.jsonl", a), ("b.jsonl", b.as_str())];
    let (status, shown, said) = run(&files, &["show", "a.jsonl", "--kind", "/op"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(shown.contains("trade"), "{shown}");
    let (_, without, _) = run(&files, &["show", "a.jsonl"]);
    assert!(!without.contains("trade"), "{without}");

    let names = ["--kind", "/op", "--time", "/T", "--ignore-ts"];
    let (status, shown, said) = run(
        &files,
        &[&["diff", "a.jsonl", "b.jsonl"], &names[..]].concat(),
    );
    assert_eq!(status, Some(1), "{said}");
    assert!(
        shown.contains("/price: 2 → 3") && !shown.contains("/T"),
        "{shown}"
    );
    assert!(
        shown.contains("~ trade at 0.002000")
            && shown.contains("2 steps the same\n  trade: 1 changed"),
        "{shown}"
    );
    let (status, _, said) = run(&files, &["show", "a.jsonl", "--kind", "op"]);
    assert_eq!(status, Some(2));
    assert!(said.contains("did you mean \"/op\"?"), "{said}");
}

#[test]
fn standard_input_is_one_of_two_tapes_and_not_both() {
    let (status, shown, said) = run(&[("a.jsonl", STATES)], &["diff", "-", "-"]);
    assert_eq!((status, shown.as_str()), (Some(2), ""));
    assert!(
        said.contains("only one of the two tapes can be standard input"),
        "{said}"
    );
}

#[test]
fn departures_of_ever_other_names_are_counted_within_a_bound() {
    let tape = |word: &str| -> String {
        let line = |n| format!("{{\"at_ms\":{n},\"emit\":{{\"event\":\"{word}{n}\"}}}}\n");
        let lines: String = (0..3_000).map(line).collect();
        format!("{{\"tape\":1}}\n{lines}")
    };
    let (a, b) = (tape("a"), tape("b"));
    let files = [("a.jsonl", a.as_str()), ("b.jsonl", b.as_str())];
    let (status, shown, _) = run(&files, &["diff", "a.jsonl", "b.jsonl", "--brief"]);
    assert_eq!(status, Some(1));
    assert!(shown.lines().count() < 1_100, "{}", shown.lines().count());
    let others = shown.lines().find(|line| line.contains("(others)"));
    assert_eq!(others, Some("  (others): 1976 gone, 3000 new"));
}
