//! Standard output that can't be written: full, as a disk may be, or closed, as by `head`.

use std::path::Path;
use std::process::{Command, Output, Stdio};

const TAPE: &str = "{\"tape\":1}\n{\"at_ms\":1,\"emit\":{\"event\":\"risk\",\"data\":{\"halted\":true}}}\n{\"at_ms\":2000,\"end\":true}\n";
const OTHER: &str = "{\"tape\":1}\n{\"at_ms\":1,\"text\":\"x\"}\n{\"at_ms\":2000,\"end\":true}\n";
const CASE: &str = "{\"tape\":1,\"x-chaos\":{\"seed\":5}}\n{\"at_ms\":100,\"emit\":{\"event\":\"risk\",\"data\":{\"halted\":true}}}\n{\"at_ms\":9000,\"end\":true}\n";
const SESSION: &str = r#"{"tape":1,"needs":["connections"]}
{"at_ms":1,"conn":1,"received":{"kind":"text","text":"{\"id\":7,\"method\":\"ping\"}"}}
{"at_ms":2,"conn":1,"text":"{\"id\":7,\"result\":\"pong\"}"}
"#;
const JOURNAL: &str = r#"{"journal":1,"by":"wstape-mock-engine 0.1.0","url":"ws://127.0.0.1:8765/ws","up":"2026-11-27T09:30:00Z"}
{"at_ms":0,"kind":"began"}
"#;

/// How each verb is called, and its exit status if the output is read to its end.
const ASKED: &[(&[&str], i32)] = &[
    (&["--help"], 0),
    (&["--version"], 0),
    (&["serve", "--help"], 0),
    (&["replay", "tape.jsonl"], 1),
    (&["replay", "tape.jsonl", "other.jsonl"], 1),
    (&["chaos", "--tape", "case.jsonl"], 0),
    (&["chaos", "--tape", "case.jsonl", "--quiet"], 0),
    (&["chaos", "--explain"], 0),
    (&["chaos", "merge", "results.json"], 0),
    (&["referee", "--list"], 0),
    (&["referee", "explain", "R4"], 0),
    (&["import", "lines", "messages.txt", "--out", "-"], 0),
    (&["learn", "session.jsonl", "--out", "-"], 0),
    (&["show", "tape.jsonl"], 0),
    (&["journal", "journal.jsonl"], 0),
    (&["journal", "journal.jsonl", "--timeline"], 0),
    (&["draw", "tape.jsonl", "--out", "-"], 0),
    (&["draw", "journal.jsonl", "--out", "-"], 0),
    (&["check", "tape.jsonl", "other.jsonl"], 0),
    (&["trim", "tape.jsonl", "--from", "0s", "--out", "-"], 0),
    (&["redact", "tape.jsonl", "--out", "-"], 1),
    (&["diff", "tape.jsonl", "other.jsonl"], 1),
    (&["overlays"], 0),
    (&["completions", "bash"], 0),
    (&["man"], 0),
];

/// These print where to connect to, or the only copy of what is going on. For them a reader that
/// has left is an error, which other tests check.
const LIVE: [&str; 4] = ["serve", "tap", "poll", "proxy"];

/// Clap's own verb.
const HELP: &str = "help";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("tape.jsonl", TAPE),
        ("other.jsonl", OTHER),
        ("case.jsonl", CASE),
        ("journal.jsonl", JOURNAL),
        ("messages.txt", "{\"a\":1}\n{\"a\":2}\n"),
        ("session.jsonl", SESSION),
    ] {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    let case = ["chaos", "--tape", "case.jsonl", "--result", "results.json"];
    let run = asked(folder.path(), &case, Stdio::null());
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    folder
}

fn asked(folder: &Path, arguments: &[&str], stdout: Stdio) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .output()
        .expect("the binary runs")
}

#[test]
fn no_verb_is_missing_here() {
    let help = asked(Path::new("."), &["--help"], Stdio::piped());
    let help = String::from_utf8(help.stdout).expect("text");
    let (_, verbs) = help.split_once("\nCommands:\n").expect("a list of verbs");
    // A verb's description may go on in another line, which is indented further.
    let lines = verbs.lines().take_while(|line| !line.is_empty());
    let verbs = lines.filter_map(|line| line.strip_prefix("  ").filter(|it| !it.starts_with(' ')));
    let verbs: Vec<&str> = verbs.filter_map(|it| it.split(' ').next()).collect();
    assert!(verbs.len() > 15, "{help}");
    let is_asked = |verb: &str| ASKED.iter().any(|(arguments, _)| arguments[0] == verb);
    for verb in verbs {
        assert!(
            is_asked(verb) || LIVE.contains(&verb) || verb == HELP,
            "{verb}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_standard_output_that_is_full_is_an_error_by_its_name_whatever_was_asked() {
    let folder = folder();
    for (arguments, _) in ASKED {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let full = full.expect("a device that is full");
        let output = asked(folder.path(), arguments, full.into());
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("wstape: standard output: No space left on device"),
            "{arguments:?}: {said}"
        );
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error_whatever_was_asked() {
    let folder = folder();
    for (arguments, status) in ASKED {
        let (reader, closed) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = asked(folder.path(), arguments, closed.into());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !said.contains("pipe") && !said.contains("panicked"),
            "{arguments:?}: {said}"
        );
        let read = asked(folder.path(), arguments, Stdio::piped());
        assert_eq!(read.status.code(), Some(*status), "{arguments:?}: {read:?}");
        // Then the tape is not written to its end, so nothing is known about what it would lack.
        let is_tape = arguments.contains(&"--out");
        let expected = if is_tape { 0 } else { *status };
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{arguments:?}: {said}"
        );
    }
}
