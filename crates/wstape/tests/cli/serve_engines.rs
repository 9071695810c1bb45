//! `serve` of a tape for several engines.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use crate::serving::{Running, command, folder, run, upgrade_request};

#[test]
fn each_engine_that_a_tape_names_listens_on_a_port_of_its_own() {
    let dir = folder();
    std::fs::write(
        dir.path().join("two.jsonl"),
        "{\"tape\":1}\n{\"on_connect\":\"each\",\"engine\":\"left\",\"text\":\"hi\"}\n\
         {\"on_connect\":\"each\",\"engine\":\"right\",\"text\":\"ho\"}\n{\"at_ms\":60000,\"end\":true}\n",
    )
    .unwrap();
    let mut child = command(dir.path())
        .args(["two.jsonl", "--listen", "127.0.0.1:0", "--path", "/a"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let said = ["left", "right"].map(|name| {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let addr = line
            .trim_end()
            .strip_prefix("listening on ws://")
            .and_then(|rest| rest.strip_suffix(&format!("/a for {name:?}")));
        let mut stream = TcpStream::connect(addr.unwrap_or_else(|| panic!("{line:?}"))).unwrap();
        let request = String::from_utf8(upgrade_request("")).unwrap();
        stream
            .write_all(request.replace("/ws", "/a").as_bytes())
            .unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"\x81\x02hi") && !got.ends_with(b"\x81\x02ho") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            got.push(byte[0]);
        }
        got.split_off(got.len() - 2)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(said, [b"hi", b"ho"]);
}

#[test]
fn an_engine_that_no_step_is_for_is_bad_input_with_the_names_there_are() {
    let dir = folder();
    std::fs::write(
        dir.path().join("two.jsonl"),
        "{\"tape\":1}\n{\"at_ms\":1,\"engine\":\"left\",\"mark\":\"a\"}\n{\"at_ms\":2,\"engine\":\"right\",\"mark\":\"b\"}\n",
    )
    .unwrap();
    let table = [
        (
            "two.jsonl",
            "no step is for the engine \"middle\"; the tape names \"left\", \"right\"",
        ),
        (
            "good.jsonl",
            "no step is for the engine \"middle\"; the tape names no engine",
        ),
    ];
    for (tape, said) in table {
        let args = [
            tape,
            "--listen",
            "127.0.0.1:0",
            "--engine",
            "middle",
            "--start",
            "now",
            "--exit",
        ];
        let output = run(dir.path(), &args);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), err.contains(said)),
            (Some(2), true),
            "{err}"
        );
    }
    let args = [
        "two.jsonl",
        "--listen",
        "127.0.0.1:0",
        "--engine",
        "right",
        "--start",
        "now",
        "--exit",
    ];
    assert_eq!(Running::start(dir.path(), &args).end().2, Some(0));
}
