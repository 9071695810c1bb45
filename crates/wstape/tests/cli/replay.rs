//! `wstape replay`: what it prints, and how it ends.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const TAPE: &str = "{\"tape\":1}\n{\"at_ms\":10,\"end\":true}\n";

fn harness(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

#[test]
fn bad_input_is_one_clear_sentence_with_status_2_and_nothing_written() {
    let table: &[(&[&str], &str)] = &[
        (&[], "Usage: wstape <COMMAND>"),
        (&["replay"], "no fixtures/tapes folder here or above"),
        (
            &["replay", "gone.jsonl"],
            "gone.jsonl: No such file or directory",
        ),
        (
            &["replay", "bad.jsonl"],
            "bad.jsonl:2:13: unknown key \"dorp\"",
        ),
        (&["replay", "bad.jsonl"], "(did you mean \"drop\"?)"),
        (
            &["replay", "tape.jsonl", "--overlay", "bad.jsonl"],
            "bad.jsonl:2:13",
        ),
        // Its first step lies further ahead than any wait can reach.
        (
            &["replay", "late.jsonl"],
            "late.jsonl:3:10: \"at_ms\" must not decrease",
        ),
        (
            &["replay", "tape.jsonl", "--overlay", "late.jsonl"],
            "late.jsonl:3:10: \"at_ms\" must not decrease",
        ),
        (
            &["replay", "settings.jsonl"],
            "settings.jsonl:1: \"x-subscriber\" in the header",
        ),
        (&["replay", "--overlay", "tape.jsonl"], "<PATH>"),
        (&["replay", "--real"], "<PATH>"),
        (
            &["replay", "tape.jsonl", "--accept", "--real"],
            "cannot be used with",
        ),
        (&["replay", "-"], "replay does not read standard input"),
        (
            &["replay", "tape.jsonl", "--overlay", "-"],
            "replay does not read standard input",
        ),
        (&["replay", "/dev/null"], "/dev/null: not a file; a tape is"),
        (
            &["replay", "tape.jsonl", "--overlay", "/dev/null"],
            "/dev/null: not a file; a tape is",
        ),
        (
            &["replay", "nothing"],
            "nothing: no tapes found; expected files named *.jsonl",
        ),
    ];
    for (arguments, sentence) in table {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        write("tape.jsonl", TAPE).expect("a file");
        write(
            "bad.jsonl",
            "{\"tape\":1}\n{\"at_ms\":10,\"dorp\":\"fin\"}\n",
        )
        .expect("a file");
        write(
            "late.jsonl",
            "{\"tape\":1}\n{\"at_ms\":9007199254740992,\"mark\":\"far\"}\n{\"at_ms\":5,\"end\":true}\n",
        )
        .expect("a file");
        write(
            "settings.jsonl",
            "{\"tape\":1,\"x-subscriber\":{\"idle\":3}}\n",
        )
        .expect("a file");
        fs::create_dir(folder.path().join("nothing")).expect("a folder");
        let output = harness(folder.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(sentence), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 5);
    }
}

#[test]
fn a_tape_departs_until_its_outcome_is_accepted_and_again_once_it_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let tapes = folder.path().join("fixtures/tapes");
    fs::create_dir_all(&tapes).expect("a folder");
    let tape = tapes.join("one.jsonl");
    fs::write(&tape, TAPE).expect("a file");
    let replay = |arguments: &[&str]| {
        let output = harness(folder.path(), &[&["replay"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), said)
    };

    let (status, said) = replay(&[]);
    assert_eq!(status, Some(1), "{said}");
    // It shows what has to be judged.
    assert!(
        said.contains("no snapshot yet; this is what happened\n\nsubject "),
        "{said}"
    );
    assert!(said.contains("\ntimeline\n"), "{said}");

    // The printed command works in the folder where it was printed.
    let accept = said.split("if this is right: ").nth(1).expect("a command");
    let accept = accept.lines().next().expect("a line");
    assert!(
        accept.ends_with(" replay fixtures/tapes/one.jsonl --accept"),
        "{accept}"
    );
    let output = Command::new("sh")
        .args(["-c", accept])
        .current_dir(folder.path())
        .output()
        .expect("sh runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        folder
            .path()
            .join("fixtures/snapshots/tapes/one.snap")
            .exists()
    );
    let (status, said) = replay(&[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("1 scenario: 1 hold, 0 depart"), "{said}");

    fs::write(&tape, TAPE.replace("\"at_ms\":10", "\"at_ms\":20")).expect("a file");
    let (status, said) = replay(&[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("-       0.010000        end"), "{said}");
    assert!(said.contains("+       0.020000        end"), "{said}");
}

#[test]
fn of_a_long_outcome_without_a_snapshot_the_first_lines_are_shown_and_the_rest_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut tape = String::from("{\"tape\":1}\n");
    for n in 1..=100 {
        writeln!(tape, r#"{{"at_ms":{n},"mark":"number {n}"}}"#).expect("room");
    }
    tape.push_str("{\"at_ms\":200,\"end\":true}\n");
    fs::write(folder.path().join("long.jsonl"), tape).expect("a file");
    let output = harness(folder.path(), &["replay", "long.jsonl"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("mark \"number 40\"\n"), "{said}");
    assert!(!said.contains("mark \"number 90\""), "{said}");
    assert!(
        said.contains(" more lines will be in the snapshot\nif this is right: "),
        "{said}"
    );
}

#[test]
fn a_demand_that_is_not_met_departs_and_says_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let tape = concat!(
        "{\"tape\":1}\n",
        "{\"at_ms\":5,\"expect\":{\"mirror\":{\"connection\":{\"total_attempts\":7}}}}\n",
        "{\"at_ms\":10,\"end\":true}\n",
    );
    fs::write(folder.path().join("demand.jsonl"), tape).expect("a file");
    let output = harness(folder.path(), &["replay", "demand.jsonl", "--accept"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let departure = "mirror.connection.total_attempts: expected 7, found 1";
    assert!(said.contains(departure), "{said}");
}

#[test]
fn a_torn_tape_plays_up_to_there_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let tape = "{\"tape\":1}\n{\"at_ms\":5,\"mark\":\"here\"}\n{\"at_ms\":10,\"ma";
    fs::write(folder.path().join("torn.jsonl"), tape).expect("a file");
    let output = harness(folder.path(), &["replay", "torn.jsonl", "--accept"]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("torn: line 3: 15 bytes not played"), "{said}");
    let snapshot = fs::read_to_string(folder.path().join("snapshots/torn.snap")).expect("accepted");
    assert!(
        snapshot.contains("torn     line 3: 15 bytes not played"),
        "{snapshot}"
    );
    assert!(snapshot.contains("mark \"here\""), "{snapshot}");
}

#[test]
fn a_bad_tape_in_a_folder_is_reported_the_rest_is_played_and_the_status_is_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let tapes = folder.path().join("tapes");
    fs::create_dir(&tapes).expect("a folder");
    let write = |name: &str, text: &str| fs::write(tapes.join(name), text).expect("a file");
    write("a.jsonl", TAPE);
    write("b.jsonl", "{\"tape\":1}\n{\"at_ms\":10,\"dorp\":\"fin\"}\n");
    write(
        "c.jsonl",
        "{\"tape\":1}\n{\"at_ms\":9007199254740991,\"end\":true}\n",
    );
    write("d.jsonl", TAPE);
    let output = harness(folder.path(), &["replay", "tapes", "--accept"]);
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}{errors}");
    assert!(
        errors.contains("tapes/b.jsonl:2:13: unknown key \"dorp\""),
        "{errors}"
    );
    let too_long = "tapes/c.jsonl:2: the run would last 104249991 days, but the limit is 31 days; \
                    trim the tape, or allow more with --max-virtual\n";
    assert!(errors.contains(too_long), "{errors}");
    assert!(
        said.contains("accepted  tapes/a") && said.contains("accepted  tapes/d"),
        "{said}"
    );
    let last = "4 scenarios: 2 hold, 0 depart, 2 can't be played, in ";
    assert!(said.contains(last), "{said}");
}

#[test]
fn how_long_a_run_may_last_can_be_said() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("tape.jsonl"), TAPE).expect("a file");
    let arguments = ["replay", "tape.jsonl", "--accept", "--max-virtual"];
    let status = |max: &str| {
        let output = harness(folder.path(), &[&arguments[..], &[max]].concat());
        output.status.code()
    };
    assert_eq!((status("9ms"), status("10ms")), (Some(2), Some(0)));
}
