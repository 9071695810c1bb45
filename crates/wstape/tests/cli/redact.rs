//! `recorder redact`, and the options of redaction, by the binary.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use wstape_tape::Tape;

/// Rules that cover all that [`TAPE`] holds.
const RULES: [&str; 4] = ["--redact", "/data/account_value", "--redact-key", "wallet"];

/// Line 2 is redacted by one rule; line 3 holds what only the other one, at line 4, makes known.
const TAPE: &str = r#"{"tape":1,"title":"from wss://zoe:s3cret-pw@engine/ws?token=s3cret-token"}
{"at_ms":1,"emit":{"event":"risk" , "data":{"account_value":10412.33,"halted":false}}}
{"at_ms":2,"text":"paid 0xc0ffee00 out"}
{"at_ms":3,"emit":{"event":"fill","wallet":"0xc0ffee00"}}
{"at_ms":4,"end":true}
"#;

fn recorder(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

/// Runs it on a tape; its status, what it printed, and on which stream.
fn redact(folder: &Path, tape: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    fs::write(folder.join("in.jsonl"), tape).expect("a file");
    let output = recorder(folder, &[&["redact", "in.jsonl"], arguments].concat());
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    for text in [&said, &printed] {
        for secret in ["s3cret", "zoe", "0xc0ffee00", "10412.33"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    (output.status.code(), printed, said)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
    let mut names: Vec<String> = entries.map(|entry| name(entry).unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_tape_is_made_safe_and_still_plays() {
    let folder = tempfile::tempdir().expect("a folder");
    let tape = TAPE.replace("paid 0xc0ffee00 out", "nothing");
    let arguments = [&RULES[..], &["--out", "out.jsonl"]].concat();
    let (status, printed, said) = redact(folder.path(), &tape, &arguments);
    assert_eq!((status, printed.as_str(), said.as_str()), (Some(0), "", ""));
    let text = fs::read_to_string(folder.path().join("out.jsonl")).expect("a tape");
    for secret in ["s3cret", "zoe", "0xc0ffee00", "10412.33"] {
        assert!(!text.contains(secret), "{text}");
    }
    let out = Tape::parse("out", &text).expect("a good tape");
    assert_eq!(
        out.header.redacted,
        [
            "secret headers",
            "url user info",
            "token-like values of urls",
            "/data/account_value",
            "key wallet"
        ]
    );
    let line = text.lines().nth(1).expect("a step");
    assert!(line.starts_with(r#"{"at_ms":1,"emit":{"event":"risk" , "data":{"account_value":"#));
    assert!(line.ends_with(r#".5,"halted":false}}}"#), "{line}");
    assert_eq!(text.lines().last(), tape.lines().last());
}

#[test]
fn a_secret_that_no_rule_covers_fails_with_its_line_and_leaves_nothing_that_looks_safe() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [&RULES[..], &["--out", "out.jsonl"]].concat();
    let (status, printed, said) = redact(folder.path(), TAPE, &arguments);
    assert_eq!((status, printed.as_str()), (Some(2), ""));
    assert_eq!(
        said,
        "wstape: out.jsonl.unsafe:3: the value of the key \"wallet\", redacted elsewhere; the \
         tape is not safe to share before --redact, --redact-key or --redact-shapes covers it\n"
    );
    assert_eq!(names(folder.path()), ["in.jsonl", "out.jsonl.unsafe"]);
}

#[test]
fn nothing_from_an_unsafe_line_on_is_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [&RULES[..], &["--out", "-"]].concat();
    let (status, printed, said) = redact(folder.path(), TAPE, &arguments);
    assert_eq!(status, Some(2));
    assert!(
        said.starts_with("wstape: standard output:3: the value of the key"),
        "{said}"
    );
    assert_eq!(printed.lines().count(), 2, "{printed}");
}

#[test]
fn a_well_known_secret_fails_unless_shapes_are_redacted() {
    let token = ["ghp", "_abcdefghijklmnopqrstuvwxyz0123456789"].concat();
    let tape = format!("{{\"tape\":1}}\n{{\"at_ms\":1,\"text\":\"not json: {token}\"}}\n");
    let folder = tempfile::tempdir().expect("a folder");
    let (status, printed, said) = redact(folder.path(), &tape, &["--out", "-"]);
    assert_eq!(status, Some(2));
    assert!(
        said.contains("standard output:2: a GitHub token; "),
        "{said}"
    );
    assert!(!said.contains(&token) && !printed.contains(&token));
    let (status, printed, said) = redact(folder.path(), &tape, &["--out", "-", "--redact-shapes"]);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    assert!(printed.contains("not json: redacted-"), "{printed}");
}

#[test]
fn a_tape_is_redacted_in_its_place_and_redacting_twice_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let tape = TAPE.replace("paid 0xc0ffee00 out", "nothing");
    let arguments = ["--redact-key", "wallet", "--out", "in.jsonl", "--force"];
    // A number's placeholder would be redacted anew.
    assert_eq!(redact(folder.path(), &tape, &arguments).0, Some(0));
    let once = fs::read_to_string(folder.path().join("in.jsonl")).expect("a tape");
    assert!(once.contains("\"wallet\":\"redacted-"), "{once}");
    assert_eq!(redact(folder.path(), &once, &arguments).0, Some(0));
    let twice = fs::read_to_string(folder.path().join("in.jsonl")).expect("a tape");
    assert_eq!(once, twice);
    assert_eq!(names(folder.path()), ["in.jsonl"]);
}

#[test]
fn each_tape_has_placeholders_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let tape = TAPE.replace("paid 0xc0ffee00 out", "nothing");
    let arguments = [&RULES[..], &["--out", "-"]].concat();
    let placeholder = || {
        let (_, printed, _) = redact(folder.path(), &tape, &arguments);
        printed.lines().nth(3).expect("the step").to_owned()
    };
    assert_ne!(placeholder(), placeholder());
}

#[test]
fn a_torn_last_line_is_left_out_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let torn = "{\"tape\":1}\n{\"at_ms\":1,\"emit\":{\"event\":\"fill\",\"wallet\":\"0xc0ff";
    let (status, printed, said) = redact(
        folder.path(),
        torn,
        &["--out", "-", "--redact-key", "wallet"],
    );
    assert_eq!(status, Some(0));
    assert_eq!(
        said,
        "wstape: in.jsonl:2: the last line is torn after 50 bytes, and left out\n"
    );
    assert_eq!(printed.lines().count(), 1);
}

#[test]
fn a_rule_that_is_none_is_bad_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    for (pointer, sentence) in [
        (
            "data/x",
            "a JSON pointer begins with \"/\", as in /data/account_value; found \"data/x\"",
        ),
        ("/a~2", "in a JSON pointer \"~\" is written ~0"),
    ] {
        let arguments = ["--out", "out.jsonl", "--redact", pointer];
        let (status, _, said) = redact(folder.path(), TAPE, &arguments);
        assert_eq!(status, Some(2));
        assert!(said.contains(sentence), "{said}");
        assert_eq!(names(folder.path()), ["in.jsonl"]);
    }
}
