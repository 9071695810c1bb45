//! `wstape show` and `check`: tapes inspected as a user would.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A proxy's session with two connections, of which the first is over before the second ends.
pub(crate) const CONNECTIONS: &str = r#"{"tape":1,"title":"two","recorded_at":"2026-01-01T00:00:00Z","needs":["connections"]}
{"at_ms":0,"pongs":"withheld"}
{"at_ms":0,"answers":"held"}
{"at_ms":1,"conn":1,"received":{"kind":"open","path":"/ws"}}
{"at_ms":2,"conn":1,"accept":{}}
{"at_ms":3,"conn":1,"emit":{"event":"risk","data":{"halted":false}}}
{"at_ms":1000,"conn":2,"received":{"kind":"open","path":"/ws"}}
{"at_ms":1001,"conn":2,"accept":{"headers":{"server":"x"}}}
{"at_ms":2000,"conn":1,"drop":"reset"}
{"at_ms":3000,"conn":2,"emit":{"event":"risk","data":{"halted":true}}}
{"at_ms":4000,"conn":2,"close":{"code":1001}}
{"at_ms":4001,"conn":2,"received":{"kind":"close","code":1001}}
{"at_ms":4002,"conn":2,"drop":"fin"}
{"at_ms":5000,"conn":3,"received":{"kind":"open","path":"/ws"}}
{"at_ms":5001,"conn":3,"refuse":{"status":503}}
{"at_ms":6000,"conn":4,"received":{"kind":"open","path":"/ws"}}
{"at_ms":6001,"conn":4,"accept":{}}
{"at_ms":7000,"end":true}
"#;

pub(crate) const STATES: &str = r#"{"tape":1,"epoch":"2026-01-01T00:00:00Z"}
{"on_connect":"each","after_frames":0,"emit":{"event":"heartbeat"}}
{"at_ms":0,"http":{"path":"/a","body":1}}
{"at_ms":1000,"down":true}
{"at_ms":2000,"down":false}
{"at_ms":3000,"partition":"both","for_ms":2500}
{"at_ms":3500,"latency_ms":40,"for_ms":100}
{"at_ms":4000,"http":{"path":"/a","body":2}}
{"at_ms":4500,"mark":"middle"}
{"at_ms":5000,"emit":{"event":"risk","data":{ "halted":true }}}
{"at_ms":6000,"mark":"late"}
{"at_ms":7000,"end":true}
"#;

fn recorder(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

/// Runs the binary in a folder with these files; returns its status and both outputs.
pub(crate) fn run(files: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    run_in(folder.path(), files, arguments)
}

pub(crate) fn run_in(
    folder: &Path,
    files: &[(&str, &str)],
    arguments: &[&str],
) -> (Option<i32>, String, String) {
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("a file");
    }
    let output = recorder(folder, arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn show_tells_connections_outages_rates_and_draws_the_time() {
    let (status, shown, said) = run(&[("two.jsonl", CONNECTIONS)], &["show", "two.jsonl"]);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let expected = "\
tape         two.jsonl
title        two
recorded at  2026-01-01 00:00:00 UTC
needs        connections
lasts        7.000000 s
size         928 B in 18 lines, the longest 86 B
connections  3, 1 refused
outages      1, 2.001000 s without a connection

the engine sends             number      per s      bytes       mean    largest
  risk                            2      0.285       79 B       39 B       40 B

the client sent              number      per s      bytes       mean    largest
  close                           1      0.142        0 B        0 B        0 B
  open                            4      0.571        0 B        0 B        0 B

other steps  accept ×3, answers ×1, close ×1, drop ×2, pongs ×1, refuse ×1
";
    let (page, drawing) = shown.split_once("\ntimeline").expect("a drawing");
    assert_eq!(page, expected);
    let rows: Vec<&str> = drawing.lines().collect();
    assert!(rows[0].contains("0 to 7.000000 s"), "{drawing}");
    assert_eq!(rows[1].matches('█').count(), 2, "{drawing}");
    let ends: String = rows[3].chars().filter(|c| c.is_alphabetic()).collect();
    assert_eq!(ends, "endsrcx", "{drawing}");
}

#[test]
fn a_script_is_shown_by_what_its_steps_wait_for_and_tells_of_no_outage() {
    let script = r#"{"tape":1,"needs":["dialogue"]}
{"on_connect":"each","after_frames":0,"json":{"hello":"${conn}"}}
{"on_message":{"json":{"cmd":"sub"}},"json":{"type":"ok"}}
{"on_message":{"json":{"cmd":"sub"}},"start":"ticks"}
{"on_silence_ms":5000,"ping":"there?"}
{"scene":"ticks","every_ms":500,"json":{"type":"tick"}}
{"at_ms":5000,"drop":"reset"}
{"at_ms":60000,"end":true}
"#;
    let (status, shown, said) = run(&[("ticks.jsonl", script)], &["show", "ticks.jsonl"]);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let waits =
        "\nin scenes    1 step\non connect   1 step\non message   2 steps\non silence   1 step\n";
    assert!(shown.contains(waits), "{shown}");
    assert!(shown.contains("\nconnections  any client"), "{shown}");
    assert!(!shown.contains("outages"), "{shown}");
    let json = shown.lines().find(|row| row.starts_with("  (json) "));
    let number = json.and_then(|row| row.split_whitespace().nth(1));
    assert_eq!(number, Some("3"), "{shown}");
    assert!(
        shown
            .lines()
            .any(|row| row.trim_start().starts_with("ends ") && row.contains('r'))
    );
}

#[test]
fn a_dialogue_without_set_times_has_a_sentence_in_place_of_an_empty_drawing() {
    let script = r#"{"tape":1,"needs":["dialogue"]}
{"on_message":{"json":{"cmd":"sub"}},"json":{"type":"ok"}}
{"at_ms":60000,"end":true}
"#;
    let (status, shown, said) = run(&[("asks.jsonl", script)], &["show", "asks.jsonl"]);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let last = "\n\ntimeline     0 to 60.000000 s: no message and no end at a set time\n";
    assert!(shown.ends_with(last), "{shown}");
}

#[test]
fn a_tape_is_shown_from_standard_input_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.jsonl");
    fs::write(&path, STATES).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args(["show", "-"])
        .stdin(fs::File::open(&path).expect("the file"))
        .output()
        .expect("the binary runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        shown.starts_with("tape         standard input\n"),
        "{shown}"
    );
    assert!(shown.contains("      4.500000  middle\n"), "{shown}");
}

#[test]
fn check_tells_sound_torn_and_flawed_tapes_apart_by_status_and_line() {
    let end = "{\"at_ms\":7000,\"end\":true}\n";
    let torn = STATES.replace(end, "{\"at_ms\":8000,\"ma");
    let flawed = "{\"tape\":1}\n{\"at_ms\":5,\"hang\":1}\n";
    // Put together here, so that this file holds no secret.
    let secret = format!(
        "{{\"tape\":1}}\n{{\"at_ms\":1,\"text\":\"ghp_{}\"}}\n",
        "a1B2c3D4e5F6".repeat(3)
    );
    let files = [
        ("sound.jsonl", STATES),
        ("torn.jsonl", &torn),
        ("flawed.jsonl", flawed),
        ("newer.jsonl", "{\"tape\":2}\n"),
        ("secret.jsonl", &secret),
    ];
    let table = [
        (
            "sound.jsonl",
            0,
            "sound.jsonl: sound, 11 steps, 7.000000 s\n",
        ),
        (
            "torn.jsonl",
            1,
            "torn.jsonl:12: torn after 17 bytes; the 10 steps before it play, 6.000000 s\n",
        ),
        (
            "flawed.jsonl",
            1,
            "flawed.jsonl:2:19: \"hang\" must be true or false, found 1\n",
        ),
        (
            "newer.jsonl",
            2,
            "newer.jsonl:1:9: this tape is of format version 2; this program reads versions up to 1\n",
        ),
        ("secret.jsonl", 1, "secret.jsonl:2: "),
        (
            "none.jsonl",
            2,
            "none.jsonl: cannot open the tape: No such file or directory (os error 2); check its name",
        ),
    ];
    for (name, status, sentence) in table {
        let (found, shown, said) = run(&files, &["check", name]);
        assert_eq!(found, Some(status), "{shown}{said}");
        assert!(shown.starts_with(sentence), "{shown}");
    }
    let (status, shown, _) = run(&files, &["check", "--quiet", "sound.jsonl", "torn.jsonl"]);
    assert_eq!(status, Some(1));
    assert_eq!(shown.lines().count(), 1, "{shown}");
}
