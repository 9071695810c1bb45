//! `wstape redact`, and the redaction options, with the binary.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use wstape_tape::Tape;

/// Rules that cover every secret in [`TAPE`].
const RULES: [&str; 4] = ["--redact", "/data/account_value", "--redact-key", "wallet"];

/// One rule redacts line 2; line 3 holds a value that the other rule only finds in line 4.
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

/// Runs it on a tape; returns its status, and what it printed on each stream.
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
    let text = fs::read_to_string(folder.path().join("out.jsonl")).expect("a tape");
    let sentence = format!(
        "redacted: {} lines, {} bytes\n",
        text.lines().count(),
        text.len()
    );
    let expected = (Some(0), "", &*sentence);
    assert_eq!((status, printed.as_str(), said.as_str()), expected);
    let quietly = [&arguments[..], &["--force", "--quiet"]].concat();
    assert_eq!(redact(folder.path(), &tape, &quietly).2, "");
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
            "logins of clients",
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
        "wstape: out.jsonl.unsafe:3: the value of the key \"wallet\", redacted elsewhere in the value \
         of \"text\"; the tape is not safe to share until a rule covers it: wstape redact \
         out.jsonl.unsafe --redact-shapes --out out.jsonl\n"
    );
    assert_eq!(names(folder.path()), ["in.jsonl", "out.jsonl.unsafe"]);
}

/// Runs the command that an error message ends with.
fn rescue(folder: &Path, said: &str) -> Output {
    let command = said.trim_end().split("wstape redact ").last();
    let words: Vec<&str> = command.expect("a command").split(' ').collect();
    recorder(folder, &[&["redact"], &words[..]].concat())
}

#[test]
fn the_command_that_an_error_names_makes_a_safe_tape_of_the_unsafe_one() {
    let token = ["ghp", "_abcdefghijklmnopqrstuvwxyz0123456789"].concat();
    for (leak, options) in [
        (
            format!(r#"{{"at_ms":5,"emit":{{"event":"log","note":"{token}"}}}}"#),
            "--redact-key note",
        ),
        (
            format!(r#"{{"at_ms":5,"text":"not json: {token}"}}"#),
            "--redact-shapes",
        ),
        (
            format!(r#"{{"at_ms":5,"emit":{{"event":"log","inner":"{{\"deep\":\"{token}\"}}"}}}}"#),
            "--redact-key deep",
        ),
        (
            r#"{"at_ms":5,"emit":{"event":"log","paid_to":"0xc0ffee00"}}"#.to_owned(),
            "--redact-key paid_to",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let tape = TAPE.replace("paid 0xc0ffee00 out", "nothing");
        let tape = tape.replace(r#"{"at_ms":4,"end":true}"#, &leak);
        let arguments = [&RULES[..], &["--out", "out.jsonl"]].concat();
        let (status, _, said) = redact(folder.path(), &tape, &arguments);
        assert_eq!(status, Some(2), "{said}");
        assert!(
            said.contains(&format!("out.jsonl.unsafe {options} --out out.jsonl")),
            "{said}"
        );
        let rescued = rescue(folder.path(), &said);
        assert_eq!(rescued.status.code(), Some(0), "{rescued:?}");
        let text = fs::read_to_string(folder.path().join("out.jsonl")).expect("a tape");
        assert!(
            !text.contains(&token) && !text.contains("0xc0ffee00"),
            "{text}"
        );
    }
}

#[test]
fn a_rule_that_matches_nothing_is_said_and_not_claimed() {
    let folder = tempfile::tempdir().expect("a folder");
    let tape = TAPE.replace("paid 0xc0ffee00 out", "nothing");
    for (option, rule, said_rule) in [
        ("--redact-key", "walet", "key walet"),
        ("--redact", "/data/acount_value", "/data/acount_value"),
        ("--redact-header", "x-desk", "header x-desk"),
    ] {
        let arguments = [&RULES[..], &[option, rule, "--out", "out.jsonl", "--force"]].concat();
        let (status, _, said) = redact(folder.path(), &tape, &arguments);
        assert_eq!(status, Some(1), "{said}");
        let sentence = format!("in.jsonl: the rule {said_rule:?} matched nothing; is it misspelt?");
        assert!(said.contains(&sentence), "{said}");
        let text = fs::read_to_string(folder.path().join("out.jsonl")).expect("a tape");
        let header = text.lines().next().expect("a header");
        assert!(
            header.contains("key wallet") && !header.contains(rule),
            "{header}"
        );
    }
    // A rule has matched even if the value is a bool, a null or a placeholder.
    let tape = "{\"tape\":1}\n{\"at_ms\":1,\"emit\":{\"event\":\"a\",\"wallet\":null}}\n";
    let arguments = ["--redact-key", "wallet", "--out", "-"];
    assert_eq!(redact(folder.path(), tape, &arguments).0, Some(0));
}

#[test]
fn no_rule_and_nothing_to_redact_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let tape = "{\"tape\":1}\n{\"at_ms\":1,\"emit\":{\"event\":\"a\"}}\n";
    let (status, printed, said) = redact(folder.path(), tape, &["--out", "-"]);
    assert_eq!(status, Some(1));
    assert!(
        said.contains("nothing was redacted: no rule was given (--redact, "),
        "{said}"
    );
    assert!(printed.contains(r#""event":"a""#), "{printed}");
    // What is always redacted needs no rule.
    let tape = "{\"tape\":1,\"title\":\"from wss://zoe:s3cret-pw@engine/ws\"}\n";
    assert_eq!(redact(folder.path(), tape, &["--out", "-"]).0, Some(0));
}

#[test]
fn a_tape_that_comes_by_a_pipe_is_gone_through_twice_too() {
    use std::io::Write as _;
    use std::process::Stdio;
    let folder = tempfile::tempdir().expect("a folder");
    let tape = TAPE.replace("paid 0xc0ffee00 out", "nothing");
    for input in ["/dev/stdin", "-"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wstape"))
            .args(["redact", input, "--redact-key", "wallet"])
            .args(["--out", "out.jsonl", "--force"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(tape.as_bytes()).expect("it reads");
        drop(stdin);
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
        let text = fs::read_to_string(folder.path().join("out.jsonl")).expect("a tape");
        assert_eq!(text.lines().count(), tape.lines().count());
    }
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
        said.contains("standard output:2: a GitHub token in the value of \"text\"; "),
        "{said}"
    );
    assert!(!said.contains(&token) && !printed.contains(&token));
    let (status, printed, said) = redact(folder.path(), &tape, &["--out", "-", "--redact-shapes"]);
    let written = format!("redacted: 2 lines, {} bytes\n", printed.len());
    assert_eq!((status, said), (Some(0), written));
    assert!(printed.contains("not json: redacted-"), "{printed}");
}

#[test]
fn a_tape_is_redacted_in_its_place_and_redacting_twice_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let tape = TAPE.replace("paid 0xc0ffee00 out", "nothing");
    let arguments = ["--redact-key", "wallet", "--out", "in.jsonl", "--force"];
    // A number's placeholder would be redacted again.
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
    let torn = "{\"tape\":1}\n{\"at_ms\":0,\"emit\":{\"event\":\"fill\",\"wallet\":\"0xc0ffee00\"}}\n{\"at_ms\":1,\"emit\":{\"event\":\"fill\",\"wallet\":\"0xc0ff";
    let (status, printed, said) = redact(
        folder.path(),
        torn,
        &["--out", "-", "--redact-key", "wallet"],
    );
    assert_eq!(status, Some(0));
    let left_out = "wstape: in.jsonl:3: the last line is torn after 50 bytes and was left out\n";
    let written = format!("redacted: 2 lines, {} bytes\n", printed.len());
    assert_eq!(said, format!("{left_out}{written}"));
    assert_eq!(printed.lines().count(), 2);
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
