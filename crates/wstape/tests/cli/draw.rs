//! `wstape draw`: a journal or a tape as one HTML file.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const HEADER: &str = r#"{"journal":1,"by":"wstape-mock-engine 0.1.0","url":"ws://127.0.0.1:8765/ws","up":"2026-11-27T09:30:00Z"}"#;

/// Draws files of a folder, with the output in the same folder.
fn draw(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wstape"))
        .arg("draw")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

/// The lines embedded in the page, as its script reads them.
fn lines(html: &str) -> Vec<serde_json::Value> {
    let blocks = html
        .split("<script type=\"application/jsonl\" class=\"data\">")
        .skip(1);
    let texts = blocks.map(|block| block.split_once("</script>").expect("an end").0);
    texts
        .flat_map(str::lines)
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[test]
fn a_journal_is_one_html_file_in_which_no_payload_is_markup() {
    let folder = tempfile::tempdir().expect("a folder");
    let payload = r#"{"at_ms":2,"conn":1,"kind":"received","frame":"text","text":"</script><script>alert(1)</script><!--"}"#;
    let journal = [
        HEADER,
        r#"{"at_ms":0,"conn":1,"kind":"accepted"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"upgraded"}"#,
        payload,
        r#"{"at_ms":3000,"kind":"accepted","times":12,"over_ms":1000,"what":"accepted","text":"accepted ×12 in 1.0 s"}"#,
        r#"{"at_ms":3,"kind":"from a later version"}"#,
    ];
    fs::write(
        folder.path().join("run.jsonl"),
        journal.join("\n") + "\n{\"at_",
    )
    .expect("written");
    let output = draw(
        folder.path(),
        &["run.jsonl", "--out", "run.html", "--backoff", "500ms,30s"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let notes = said(&output);
    assert!(
        notes.contains("the last line is cut off") && notes.contains("1 lines of kinds"),
        "{notes}"
    );
    let html = fs::read_to_string(folder.path().join("run.html")).expect("written");
    assert!(
        html.starts_with("<!doctype html>\n<html lang=\"en\">")
            && html.ends_with("</body>\n</html>\n")
    );
    assert_eq!(
        html.matches("<script").count(),
        2,
        "its own code, and the lines"
    );
    assert!(
        html.contains("data-source=\"file\" data-title=\"run.jsonl\" data-backoff=\"500,30000\"")
    );
    assert!(
        html.contains("default-src 'none'; script-src 'sha256-")
            && html.contains("connect-src 'none'")
    );
    let expected: Vec<serde_json::Value> = journal[..5]
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines(&html), expected);
    let mode = fs::metadata(folder.path().join("run.html"))
        .expect("there")
        .permissions()
        .mode();
    assert_ne!(mode & 0o044, 0, "readable as any new file is: {mode:o}");
}

#[test]
fn what_a_journal_would_not_hold_a_drawing_does_not_either_wherever_it_was_seen_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = [
        HEADER,
        r#"{"at_ms":0,"conn":1,"kind":"received","frame":"text","text":"again hunter2hunter2"}"#,
        r#"{"at_ms":1,"conn":2,"kind":"request","method":"GET","path":"/ws?token=hunter2hunter2","headers":{"authorization":"Bearer hunter2hunter2"}}"#,
        r#"{"at_ms":2,"kind":"note","text":"said hunter2hunter2"}"#,
    ];
    let tape = [
        r#"{"tape":1,"needs":["connections"]}"#,
        r#"{"at_ms":0,"text":"again hunter2hunter2"}"#,
        r#"{"at_ms":1,"conn":1,"received":{"kind":"open","path":"/ws?token=hunter2hunter2","headers":{"authorization":"Bearer hunter2hunter2"}}}"#,
    ];
    for text in [journal.join("\n"), tape.join("\n")] {
        fs::write(folder.path().join("in.jsonl"), text + "\n").expect("written");
        let output = draw(folder.path(), &["in.jsonl", "--out", "-"]);
        let html = String::from_utf8(output.stdout.clone()).expect("UTF-8");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(!html.contains("hunter2"), "{:#?}", lines(&html));
        assert!(html.contains("/ws?token=redacted-"));
        assert!(
            html.contains("left out, because it holds a secret: "),
            "its time stays"
        );
        let notes = said(&output);
        assert!(
            notes.contains("lines are left out, because they hold a secret"),
            "{notes}"
        );
    }
}

#[test]
fn a_tape_is_drawn_as_it_stands_and_standard_input_is_read_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let tape = "{\"tape\":1,\"title\":\"<b>\"}\n{\"at_ms\":1.50,\"emit\":{\"event\":\"a\",  \"x\":[\"<\"]}}\n";
    let mut child = Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args(["draw", "-", "--out", "-"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(tape.as_bytes()).expect("read");
    drop(stdin);
    let output = child.wait_with_output().expect("ended");
    let html = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0));
    let step = tape.lines().nth(1).expect("a step").replace('<', "\\u003c");
    assert!(html.contains(&step), "byte for byte but for `<`");
    assert!(html.contains("{\"tape\":1,\"title\":\"\\u003cb>\","));
    assert!(html.contains("data-title=\"standard input\""));
}

#[test]
fn what_is_no_run_or_can_not_be_written_is_said_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("text"), "hello\n").expect("written");
    fs::write(
        path("bad.jsonl"),
        "{\"tape\":1}\n{\"at_ms\":0,\"dorp\":\"fin\"}\n",
    )
    .expect("written");
    fs::write(path("good.jsonl"), "{\"tape\":1}\n").expect("written");
    fs::write(path("old.html"), "mine").expect("written");
    let line = format!("{HEADER}\n{{\"at_ms\":0,\"kind\":\"sent\"}}\n");
    fs::write(path("bad-journal.jsonl"), line).expect("written");
    for (arguments, sentence) in [
        (
            vec!["text", "--out", "new.html"],
            "text: neither a journal nor a tape",
        ),
        (
            vec!["none.jsonl", "--out", "new.html"],
            "none.jsonl: No such file",
        ),
        (
            vec!["bad.jsonl", "--out", "new.html"],
            "unknown key \"dorp\"",
        ),
        (
            vec!["bad-journal.jsonl", "--out", "new.html"],
            "bad-journal.jsonl:2: the key \"what\"",
        ),
        (
            vec!["good.jsonl", "--out", "old.html"],
            "old.html exists; --force overwrites it",
        ),
        (
            vec!["good.jsonl", "--out", "./good.jsonl", "--force"],
            "./good.jsonl is the input; choose another file with --out",
        ),
        (vec!["good.jsonl", "--out", "no/new.html"], "no/new.html: "),
        (
            vec!["good.jsonl", "--out", "new.html", "--backoff", "5"],
            "such as 500ms,30s",
        ),
        (
            vec!["good.jsonl", "--out", "new.html", "--backoff", "30s,5s"],
            "not above the highest",
        ),
        (vec!["good.jsonl"], "--out"),
    ] {
        let output = draw(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            said(&output).contains(sentence),
            "{arguments:?}: {}",
            said(&output)
        );
    }
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "bad-journal.jsonl",
            "bad.jsonl",
            "good.jsonl",
            "old.html",
            "text"
        ]
    );
    assert_eq!(fs::read_to_string(path("old.html")).expect("there"), "mine");
    let output = draw(
        folder.path(),
        &["good.jsonl", "--out", "old.html", "--force"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        fs::read_to_string(path("old.html"))
            .expect("there")
            .contains("{\"tape\":1,")
    );
}

#[test]
fn what_was_drawn_is_said_unless_quiet() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.jsonl"), "{\"tape\":1}\n").expect("written");
    let said = |arguments: &[&str]| {
        let output = draw(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    assert_eq!(said(&["a.jsonl", "--out", "a.html"]), "drawn: a.html\n");
    assert_eq!(said(&["a.jsonl", "--out", "-"]), "drawn: standard output\n");
    assert_eq!(said(&["a.jsonl", "--out", "-", "--quiet"]), "");
}
