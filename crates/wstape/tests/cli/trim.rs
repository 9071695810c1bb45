//! `wstape trim`: a section of a tape.

use std::fs;
use std::process::Command;

use wstape_tape::Tape;

use crate::files::{CONNECTIONS, STATES, run, run_in};

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
fn a_scene_that_goes_on_from_before_the_section_is_named_in_a_mark() {
    let tape = r#"{"tape":1,"needs":["dialogue"]}
{"scene":"trades","every_ms":100,"text":"t"}
{"at_ms":100,"conn":1,"start":"trades"}
{"at_ms":200,"start":{"scene":"trades","as":"all"}}
{"at_ms":300,"conn":2,"start":"trades"}
{"at_ms":400,"conn":2,"stop":{"any":2}}
{"at_ms":500,"conn":1,"drop":"fin"}
{"at_ms":600,"conn":2,"start":"trades"}
{"at_ms":900,"conn":2,"text":"a"}
{"at_ms":1000,"stop":"trades"}
{"at_ms":1100,"conn":2,"text":"b"}
{"at_ms":1200,"drop":"reset"}
{"at_ms":1300,"text":"c"}
{"at_ms":2000,"end":true}
"#;
    let said = |from: &str| {
        let lines = trimmed(tape, &["--from", from]);
        let marks = lines.into_iter().filter(|line| line.contains("\"mark\""));
        marks.collect::<Vec<_>>()
    };
    let mark = |runs: &[&str]| {
        let runs = runs.join("; ");
        let said = format!("scenes that do not go on in this section: {runs}");
        [format!(
            "{{\"at_ms\":0,\"mark\":{}}}",
            serde_json::json!(said)
        )]
    };
    let one = "\"trades\" on the connection that was number 1, started 0.350000 s before";
    let all = |ago: &str| format!("\"all\" on all connections, started {ago} s before");
    let two = |ago: &str| {
        format!("\"trades\" on the connection that was number 2, started {ago} s before")
    };
    assert_eq!(said("0s"), [""; 0]);
    assert_eq!(said("450ms"), mark(&[one, &all("0.250000")]));
    assert_eq!(said("550ms"), mark(&[&all("0.350000")]));
    assert_eq!(said("850ms"), mark(&[&all("0.650000"), &two("0.250000")]));
    assert_eq!(said("1050ms"), mark(&[&all("0.850000")]));
    assert_eq!(said("1250ms"), [""; 0]);
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
    let (_, expected, _) = run(
        &[("a.jsonl", STATES)],
        &["trim", "a.jsonl", "--from", "0s", "--out", "-"],
    );
    for command in [
        format!("cat a.jsonl | {program} trim /dev/stdin --from 0s --out -"),
        format!("cat a.jsonl | {program} trim - --from 0s --out -"),
        format!("{program} trim - --from 0s --out - < a.jsonl"),
    ] {
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(folder.path())
            .output()
            .expect("sh runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
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
