//! `wstape learn` makes a dialogue of a session, and says which parts it could not learn.

use std::process::{Command, Output};

/// Learns from a session of one request, with `rest` after it.
fn learn(rest: &str) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("session.jsonl");
    let out = folder.path().join("engine.jsonl");
    let text = format!(
        "{}\n{}\n{}\n{rest}",
        r#"{"tape":1,"needs":["connections"]}"#,
        r#"{"at_ms":1,"conn":1,"received":{"kind":"text","text":"{\"id\":7,\"method\":\"ping\"}"}}"#,
        r#"{"at_ms":2,"conn":1,"text":"{\"id\":7,\"result\":\"pong\"}"}"#,
    );
    std::fs::write(&session, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_wstape"))
        .arg("learn")
        .args([session.as_os_str(), "--out".as_ref(), out.as_os_str()])
        .output()
        .unwrap();
    (output, std::fs::read_to_string(out).unwrap_or_default())
}

#[test]
fn a_session_that_is_learnt_whole_is_status_0() {
    let (output, tape) = learn("");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        tape.contains(r#""json":{"id":"${/id}","result":"pong"}"#),
        "{tape}"
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("learnt 1 answer and 0 streams from 1 connection: "),
        "{said}"
    );
}

#[test]
fn what_is_not_learnt_is_said_and_status_1() {
    let (output, tape) = learn(r#"{"at_ms":3,"conn":1,"binary":"AAEC"}"#);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    let named = "wstape: not learnt: binary messages of the engine (1)";
    assert!(said.lines().any(|line| line == named), "{said}");
    assert!(tape.contains("binary messages of the engine (1)"), "{tape}");
}

#[test]
fn a_client_that_leaves_is_nothing_to_learn_and_an_engine_that_ends_it_is() {
    let says = r#"{"at_ms":3,"conn":1,"received":{"kind":"close","code":1000}}"#;
    let closes = r#"{"at_ms":3,"conn":1,"close":{"code":1000}}"#;
    let (output, _) = learn(&format!("{says}\n{closes}\n"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (output, _) = learn(&format!("{closes}\n{says}\n"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("not learnt: Closes of the engine (1)"),
        "{said}"
    );
}

#[test]
fn a_tape_without_questions_is_status_2_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("session.jsonl");
    std::fs::write(&session, "{\"tape\":1}\n{\"at_ms\":1,\"text\":\"x\"}\n").unwrap();
    let out = folder.path().join("engine.jsonl");
    let output = Command::new(env!("CARGO_BIN_EXE_wstape"))
        .arg("learn")
        .args([session.as_os_str(), "--out".as_ref(), out.as_os_str()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!out.exists());
}
