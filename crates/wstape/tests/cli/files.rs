//! Tapes inspected, cut and compared with the binary, as a user would.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use wstape_tape::Tape;

/// A proxy's session with two connections, of which the first is over before the second ends.
const CONNECTIONS: &str = r#"{"tape":1,"title":"two","recorded_at":"2026-01-01T00:00:00Z","needs":["connections"]}
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

fn run_in(
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

/// Trims a tape and returns the result, line by line.
fn trimmed(text: &str, arguments: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [&["trim", "a.jsonl", "--out", "b.jsonl"], arguments].concat();
    let (status, _, said) = run_in(folder.path(), &[("a.jsonl", text)], &arguments);
    assert_eq!(status, Some(0), "{said}");
    let text = fs::read_to_string(folder.path().join("b.jsonl")).expect("a tape");
    Tape::parse("b.jsonl", &text).unwrap_or_else(|error| panic!("{}", error.report()));
    text.lines().map(ToOwned::to_owned).collect()
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

#[test]
fn a_section_begins_with_what_holds_there_and_keeps_its_wall_time() {
    let lines = trimmed(STATES, &["--from", "4500ms", "--to", "mark:late"]);
    assert_eq!(
        lines,
        [
            r#"{"tape":1,"epoch":"2026-01-01T00:00:04.500Z","redacted":["secret headers","url user info","token-like values of urls","logins of clients"]}"#,
            r#"{"on_connect":"each","after_frames":0,"emit":{"event":"heartbeat"}}"#,
            r#"{"at_ms":0,"http":{"path":"/a","body":2}}"#,
            r#"{"at_ms":0,"partition":"both","for_ms":1000}"#,
            r#"{"at_ms":0,"mark":"middle"}"#,
            r#"{"at_ms":500,"emit":{"event":"risk","data":{ "halted":true }}}"#,
            r#"{"at_ms":1500,"end":true}"#,
        ]
    );
}

#[test]
fn a_path_keeps_what_it_answers_to_each_method() {
    let tape = r#"{"tape":1}
{"at_ms":10,"http":{"path":"/a","body":1}}
{"at_ms":20,"http":{"path":"/a","method":"POST","body":2}}
{"at_ms":30,"http":{"path":"/a","method":"GET","body":3}}
{"at_ms":2000,"mark":"late"}
"#;
    let lines = trimmed(tape, &["--from", "1s"]);
    assert_eq!(
        lines[1..],
        [
            r#"{"at_ms":0,"http":{"path":"/a","method":"GET","body":3}}"#,
            r#"{"at_ms":0,"http":{"path":"/a","method":"POST","body":2}}"#,
            r#"{"at_ms":1000,"mark":"late"}"#,
        ]
    );
}

#[test]
fn a_state_holds_for_its_own_path_engine_scene_and_direction() {
    let header = r#"{"tape":1,"needs":["dialogue"]}"#;
    let scenes = [
        r#"{"scene":"a","every_ms":50,"json":{}}"#,
        r#"{"scene":"b","every_ms":50,"json":{}}"#,
    ];
    let each: [(&[&str], &[&str]); 5] = [
        (
            &[
                r#"{"path":"/a","latency_ms":50}"#,
                r#"{"path":"/b","latency_ms":70}"#,
                r#"{"path":"/b","latency_ms":0}"#,
            ],
            &[
                r#"{"path":"/a","latency_ms":50}"#,
                r#"{"path":"/b","latency_ms":0}"#,
            ],
        ),
        (
            &[
                r#"{"engine":"x","down":true}"#,
                r#"{"engine":"y","down":{"open":"kept"}}"#,
            ],
            &[
                r#"{"engine":"x","down":true}"#,
                r#"{"engine":"y","down":{"open":"kept"}}"#,
            ],
        ),
        (
            &[r#"{"mute":"a"}"#, r#"{"mute":"b"}"#, r#"{"mute":"a"}"#],
            &[r#"{"mute":"b"}"#, r#"{"mute":"a"}"#],
        ),
        (
            &[
                r#"{"latency_ms":10,"direction":"to_client"}"#,
                r#"{"latency_ms":50}"#,
                r#"{"direction":"from_client","latency_ms":0}"#,
            ],
            &[
                r#"{"latency_ms":50}"#,
                r#"{"direction":"from_client","latency_ms":0}"#,
            ],
        ),
        (
            &[
                r#"{"partition":"both"}"#,
                r#"{"conn":2,"partition":"none"}"#,
                r#"{"mute":"a"}"#,
                r#"{"mute":false}"#,
            ],
            &[
                r#"{"partition":"both"}"#,
                r#"{"conn":2,"partition":"none"}"#,
            ],
        ),
    ];
    for (set, holds) in each {
        let at = |at: u32, step: &&str| step.replacen('{', &format!("{{\"at_ms\":{at},"), 1);
        let set: Vec<String> = (1..).zip(set).map(|(n, step)| at(n, step)).collect();
        let late = "{\"at_ms\":1000,\"mark\":\"late\"}\n";
        let tape = [header, scenes[0], scenes[1], &set.join("\n"), late].join("\n");
        let lines = trimmed(&tape, &["--from", "1s"]);
        let holds: Vec<String> = holds.iter().map(|step| at(0, step)).collect();
        assert_eq!(lines[3..lines.len() - 1], holds);
    }
}

#[test]
fn what_ends_all_connections_leaves_none_of_them_open() {
    for end in [
        r#""drop":"fin""#,
        r#""close":{"code":1001}"#,
        r#""down":true"#,
    ] {
        let tape = CONNECTIONS.replace(
            r#"{"at_ms":3000,"conn":2,"emit""#,
            &format!("{{\"at_ms\":2500,{end}}}\n{{\"at_ms\":3000,\"conn\":2,\"emit\""),
        );
        assert_ne!(tape, CONNECTIONS);
        let lines = trimmed(&tape, &["--from", "2600ms"]);
        let open = lines.iter().find(|line| line.contains(r#""accept":"#));
        assert_eq!(
            open.map(String::as_str),
            Some(r#"{"at_ms":3401,"conn":2,"accept":{}}"#)
        );
    }
}

#[test]
fn a_section_in_the_midst_of_an_outage_begins_with_the_port_down() {
    let lines = trimmed(STATES, &["--from", "1500ms", "--to", "2500ms"]);
    assert_eq!(
        lines[2..],
        [
            r#"{"at_ms":0,"down":true}"#,
            r#"{"at_ms":0,"http":{"path":"/a","body":1}}"#,
            r#"{"at_ms":500,"down":false}"#,
            r#"{"at_ms":1000,"end":true}"#,
        ]
    );
}

#[test]
fn connections_that_are_over_are_left_out_and_the_others_numbered_anew() {
    let lines = trimmed(CONNECTIONS, &["--from", "2500ms"]);
    assert_eq!(
        lines[1..],
        [
            r#"{"at_ms":0,"answers":"held"}"#,
            r#"{"at_ms":0,"pongs":"withheld"}"#,
            r#"{"at_ms":0,"conn":1,"received":{"kind":"open","path":"/ws"}}"#,
            r#"{"at_ms":0,"conn":1,"accept":{"headers":{"server":"x"}}}"#,
            r#"{"at_ms":500,"conn":1,"emit":{"event":"risk","data":{"halted":true}}}"#,
            r#"{"at_ms":1500,"conn":1,"close":{"code":1001}}"#,
            r#"{"at_ms":1501,"conn":1,"received":{"kind":"close","code":1001}}"#,
            r#"{"at_ms":1502,"conn":1,"drop":"fin"}"#,
            r#"{"at_ms":2500,"conn":2,"received":{"kind":"open","path":"/ws"}}"#,
            r#"{"at_ms":2501,"conn":2,"refuse":{"status":503}}"#,
            r#"{"at_ms":3500,"conn":3,"received":{"kind":"open","path":"/ws"}}"#,
            r#"{"at_ms":3501,"conn":3,"accept":{}}"#,
            r#"{"at_ms":4500,"end":true}"#,
        ]
    );
}

#[test]
fn a_whole_tape_trimmed_to_its_own_length_is_the_same_tape() {
    let (status, shown, _) = {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let files = [("a.jsonl", CONNECTIONS)];
        let trim = ["trim", "a.jsonl", "--to", "7s", "--out", "b.jsonl"];
        assert_eq!(run_in(path, &files, &trim).0, Some(0));
        run_in(path, &files, &["diff", "a.jsonl", "b.jsonl"])
    };
    assert_eq!(
        (status, shown.as_str()),
        (Some(0), "17 steps, all the same\n")
    );
}

#[test]
fn a_tape_that_comes_by_a_pipe_is_trimmed_like_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.jsonl"), STATES).expect("a file");
    let program = env!("CARGO_BIN_EXE_wstape");
    let command = format!("cat a.jsonl | {program} trim /dev/stdin --from 0s --out -");
    let output = Command::new("sh")
        .args(["-c", &command])
        .current_dir(folder.path())
        .output()
        .expect("sh runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let (_, expected, _) = run(
        &[("a.jsonl", STATES)],
        &["trim", "a.jsonl", "--from", "0s", "--out", "-"],
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
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

#[test]
fn what_cannot_be_trimmed_is_said_and_nothing_is_written() {
    let table: &[(&[&str], &str)] = &[
        (
            &["--from", "5s", "--to", "5s"],
            "nothing lies between 5.000000 s and 5.000000 s",
        ),
        (
            &["--from", "mark:none"],
            "a.jsonl: there is no mark \"none\"",
        ),
        (&["--to", "mark:none"], "a.jsonl: there is no mark \"none\""),
        (
            &["--from", "soon"],
            "expected a time such as 90s, or mark:NAME",
        ),
        (&[], "--to <PLACE>"),
    ];
    for (arguments, sentence) in table {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = [&["trim", "a.jsonl", "--out", "b.jsonl"], *arguments].concat();
        let (status, _, said) = run_in(folder.path(), &[("a.jsonl", STATES)], &arguments);
        assert_eq!(status, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(sentence), "{arguments:?}: {said}");
        let left = fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(left, 1, "{arguments:?} left something");
    }
}

#[test]
fn a_section_that_holds_nothing_is_said_and_leaves_no_tape() {
    for (from, to, sentence) in [
        (
            "90s",
            "2m",
            "a.jsonl: nothing is kept: the section starts at 90.000000 s, but the tape's last \
             step is at 6.000000 s",
        ),
        (
            "4100ms",
            "4200ms",
            "a.jsonl: nothing is kept: the section holds no step",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let tape =
            "{\"tape\":1}\n{\"at_ms\":4000,\"mark\":\"a\"}\n{\"at_ms\":6000,\"mark\":\"b\"}\n";
        let arguments = [
            "trim", "a.jsonl", "--from", from, "--to", to, "--out", "b.jsonl",
        ];
        let (status, _, said) = run_in(folder.path(), &[("a.jsonl", tape)], &arguments);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains(sentence), "{said}");
        assert!(!folder.path().join("b.jsonl").exists());
    }
}
