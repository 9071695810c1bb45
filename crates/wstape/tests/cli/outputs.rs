//! Where a tape goes: a file that grows, one that appears once complete, standard output.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use wstape_recorder::{Output, RecordError, Recording, Redactor, Rules};
use wstape_tape::{Action, Header, Micros, Step};

/// Nobody listens there; recording from it goes on all the same.
const NOBODY: &str = "ws://127.0.0.1:1/ws";

fn begin(output: Output) -> Recording {
    let redactor = Redactor::new(Rules::default().key("wallet"), [7; 32]);
    Recording::begin(output, Header::new("outputs"), redactor).expect("it begins")
}

fn hang(ms: u64) -> Step {
    Step::at(Micros::from_ms(ms), Action::Hang(true))
}

fn text(ms: u64, text: &str) -> Step {
    Step::at(Micros::from_ms(ms), Action::Text(text.to_owned()))
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("a name in UTF-8");
    let mut names: Vec<_> = entries
        .map(|entry| name(entry.expect("an entry")))
        .collect();
    names.sort();
    names
}

#[test]
fn a_growing_file_has_every_acknowledged_line_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.jsonl");
    let mut tape = begin(Output::create(&path, false).expect("a new file"));
    let lines = || fs::read_to_string(&path).expect("a file").lines().count();
    assert_eq!(lines(), 1);
    tape.write(hang(1)).expect("it is written");
    assert_eq!(lines(), 2);
    tape.push(hang(2)).expect("it waits");
    assert_eq!(lines(), 2);
    tape.commit().expect("it is written");
    assert_eq!((lines(), tape.stats().counts().lines), (3, 3));
    drop(tape);
    assert_eq!(names(folder.path()), ["t.jsonl"]);
}

#[test]
fn a_whole_file_appears_when_it_is_finished_and_nothing_is_left_where_it_never_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.jsonl");
    let mut tape = begin(Output::whole(&path, false).expect("a new file"));
    tape.write(hang(1)).expect("it is written");
    let beside = names(folder.path());
    assert!(
        beside[0].starts_with(".t.jsonl.") && beside[0].strip_suffix(".part").is_some(),
        "{beside:?}"
    );
    drop(tape);
    assert!(names(folder.path()).is_empty());

    let mut tape = begin(Output::whole(&path, false).expect("a new file"));
    tape.write(hang(1)).expect("it is written");
    let finished = tape.finish().expect("it is put in its place");
    assert_eq!(names(folder.path()), ["t.jsonl"]);
    let there = fs::metadata(&path).expect("a file");
    assert_eq!((finished.lines, finished.bytes), (2, there.len()));
    // It has the same permissions as any new file.
    let any = File::create(folder.path().join("any")).expect("a file");
    let mode = |metadata: fs::Metadata| metadata.permissions().mode();
    assert_eq!(mode(there), mode(any.metadata().expect("a file")));
}

#[test]
fn a_file_that_is_there_is_overwritten_only_with_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.jsonl");
    let kept = || fs::read_to_string(&path).expect("a file");
    // A file that came while the tape was made.
    let tape = begin(Output::whole(&path, false).expect("a new file"));
    fs::write(&path, "kept").expect("a file");
    assert!(matches!(tape.finish(), Err(RecordError::Exists(_))));
    assert_eq!(
        (names(folder.path()), kept().as_str()),
        (vec!["t.jsonl".to_owned()], "kept")
    );
    // A file that was there before.
    for output in [Output::create(&path, false), Output::whole(&path, false)] {
        let said = output.expect_err("it exists").to_string();
        assert!(
            said.ends_with("t.jsonl exists; --force overwrites it"),
            "{said}"
        );
    }
    assert_eq!(kept(), "kept");

    let tape = begin(Output::whole(&path, true).expect("it may be overwritten"));
    assert_eq!(kept(), "kept", "until the new one is whole");
    tape.finish().expect("it is put in its place");
    assert!(kept().starts_with("{\"tape\":1"));
    drop(begin(
        Output::create(&path, true).expect("it may be overwritten"),
    ));
    assert_eq!(kept().lines().count(), 1);
}

#[test]
fn a_place_that_holds_no_file_is_said_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, sentence) in [
        ("no/t.jsonl", "No such file or directory"),
        (".", "is a directory"),
        ("", "is a directory"),
    ] {
        let path = folder.path().join(path);
        let said = Output::whole(&path, true)
            .expect_err("no place for a file")
            .to_string();
        assert!(
            said.to_lowercase().contains(&sentence.to_lowercase()),
            "{said}"
        );
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_tape_in_which_a_secret_is_found_keeps_a_name_that_nobody_takes_for_a_safe_one() {
    type Open = fn(&Path, bool) -> Result<Output, RecordError>;
    let opens = [Output::create as Open, Output::whole];
    for (open, at_once) in opens
        .into_iter()
        .flat_map(|open| [(open, false), (open, true)])
    {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.jsonl");
        let mut tape = begin(open(&path, false).expect("a new file"));
        // Only the next line shows that this is a secret. By then this one may still wait to be
        // written, or may have been searched and written long before.
        tape.push(text(1, "paid to 0xc0ffee00"))
            .expect("it is written");
        if at_once {
            tape.commit().expect("it is written");
        }
        let event = r#"{"event":"fill","wallet":"0xc0ffee00"}"#;
        tape.push(text(2, event)).expect("it is redacted");
        let said = tape
            .finish()
            .expect_err("there is a secret in it")
            .to_string();
        assert!(said.contains("t.jsonl.unsafe:2: "), "{said}");
        assert!(!said.contains("c0ffee"), "{said}");
        assert_eq!(names(folder.path()), ["t.jsonl.unsafe"]);
    }
}

#[test]
fn steps_that_raced_are_written_in_the_order_of_their_arrival_at_times_that_never_decrease() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.jsonl");
    let mut tape = begin(Output::create(&path, false).expect("a new file"));
    tape.push(hang(5)).expect("it is written");
    let read = Step::parse("raced", 1, r#"{"at_ms": 3, "emit": {"event": "a"}}"#).expect("a step");
    tape.push(read).expect("it is written");
    tape.finish().expect("it is finished");
    let text = fs::read_to_string(&path).expect("a file");
    let lines: Vec<_> = text.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            r#"{"at_ms":5,"hang":true}"#,
            r#"{"at_ms":5,"emit":{"event": "a"}}"#
        ]
    );
}

#[test]
fn a_tape_on_standard_output_is_all_that_is_there_and_a_reader_that_left_is_said() {
    let tap = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wstape"));
        command.args(["tap", NOBODY, "--for", "1ms", "--out", "-"]);
        command
    };
    let output = tap().output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1), "nobody was reached");
    let tape = wstape_tape::check(
        wstape_tape::TapeReader::new("stdout", &output.stdout[..]).expect("a tape"),
    );
    let tape = tape.expect("a good tape");
    assert!(tape.ended && tape.torn.is_none());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.starts_with("recorded ") && said.contains(": standard output\nwstape: "),
        "{said}"
    );

    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = tap()
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.starts_with("wstape: standard output: Broken pipe"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}
