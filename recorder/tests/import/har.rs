//! Archives in other shapes than the genuine ones.

use std::fs;

use wstape_recorder::ImportFormat::Har;

use crate::{import, import_bytes, steps, zipped};

pub(crate) const STARTED: &str = r#""startedDateTime":"2026-11-24T00:00:00.000Z""#;
pub(crate) const REQUEST: &str = r#""request":{"url":"wss://engine/ws","headers":[]}"#;
pub(crate) const OPENED: &str = r#""response":{"status":101,"headers":[]}"#;

/// An archive of one entry of these members, which begins at 1795478400 seconds.
pub(crate) fn archive(members: &[&str]) -> String {
    format!(r#"{{"log":{{"entries":[{{{}}}]}}}}"#, members.join(","))
}

/// The steps behind the handshake of an archive whose entry has these members beside the usual.
fn body(members: &[&str]) -> Vec<String> {
    let members = [&[STARTED, REQUEST, OPENED][..], members].concat();
    let tape = import_bytes(Har, archive(&members).as_bytes()).unwrap();
    let lines = steps(&tape);
    assert!(lines[1].ends_with(r#""accept":{}}"#), "{tape}");
    lines[2..].iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn seconds_and_milliseconds_give_the_same_microseconds() {
    for (first, second) in [
        ("1795478400.000125", "1795478401.5"),
        ("1795478400000.125", "1795478401500"),
        ("1.795478400000125e9", "1795478401.50000004"),
        ("1795478400.0001247", "1795478401500.0004"),
        ("\"1795478400.000125\"", "\"2026-11-24T00:00:01.5Z\""),
    ] {
        let message =
            |time: &str| format!(r#"{{"type":"receive","time":{time},"opcode":1,"data":"x"}}"#);
        let list = format!("[{},{}]", message(first), message(second));
        assert_eq!(
            body(&[&format!(r#""_webSocketMessages":{list}"#)]),
            [
                r#"{"at_ms":0.125,"conn":1,"text":"x"}"#,
                r#"{"at_ms":1500,"conn":1,"text":"x"}"#,
            ]
        );
    }
}

#[test]
fn a_close_ends_the_connection_as_it_says() {
    for (close, line) in [
        (
            r#"{"code":1012,"reason":"restart","timestamp":1795478402.5}"#,
            r#"{"at_ms":2500,"conn":1,"close":{"code":1012,"reason":"restart"}}"#,
        ),
        (r#"{"code":1005}"#, r#"{"at_ms":3000,"conn":1,"close":{}}"#),
        ("{}", r#"{"at_ms":3000,"conn":1,"close":{}}"#),
        (
            r#"{"code":1006}"#,
            r#"{"at_ms":3000,"conn":1,"drop":"fin"}"#,
        ),
        (r#""aborted""#, r#"{"at_ms":3000,"conn":1,"drop":"reset"}"#),
    ] {
        let close = format!(r#""_webSocketClose":{close}"#);
        assert_eq!(body(&[r#""time":3000"#, &close]), [line]);
    }
    assert!(body(&[r#""time":3000"#, r#""_webSocketMessages":[]"#]).is_empty());
}

#[test]
fn times_that_are_missing_or_step_back_keep_the_order() {
    let list = r#""_webSocketMessages":[
        {"type":"receive","time":1795478401,"opcode":1,"data":"a"},
        {"type":"send","time":1795478400.5,"opcode":2,"data":"Yg"},
        {"type":"receive","time":-1,"opcode":1,"data":"c"},
        {"type":"receive","opcode":10,"data":"ZA=="},
        {"type":"error","time":1795478402,"opcode":-1,"data":"gone"}]"#;
    assert_eq!(
        body(&[list]),
        [
            r#"{"at_ms":1000,"conn":1,"text":"a"}"#,
            r#"{"at_ms":1000,"conn":1,"received":{"kind":"binary","binary":"Yg=="}}"#,
            r#"{"at_ms":1000,"conn":1,"text":"c"}"#,
            r#"{"at_ms":1000,"conn":1,"pong":"d"}"#,
            r#"{"at_ms":2000,"conn":1,"mark":"gone"}"#,
            r#"{"at_ms":2000,"conn":1,"drop":"reset"}"#,
        ]
    );
}

#[test]
fn base64_may_be_of_the_letters_that_a_url_may_have() {
    let list =
        r#""_webSocketMessages":[{"type":"receive","time":1795478401,"opcode":2,"data":"__77"}]"#;
    assert_eq!(
        body(&[list]),
        [r#"{"at_ms":1000,"conn":1,"binary":"//77"}"#]
    );
}

#[test]
fn what_another_program_exports_is_said_with_what_to_do_instead() {
    let fiddlers: [(&str, &[u8]); 2] = [("_index.htm", b"x"), ("raw/1_c.txt", b"GET / HTTP/1.1")];
    for (file, sentence) in [
        (
            br#"[{"status":"COMPLETE","scheme":"https","actualPort":443,"request":{}}]"#.to_vec(),
            "a Charles session",
        ),
        (b"\xac\xed\x00\x05sr".to_vec(), "a Charles session"),
        (zipped::zip(&fiddlers), "a Fiddler session archive"),
        (
            br#"{"info":{"name":"c"},"item":[]}"#.to_vec(),
            "a Postman collection",
        ),
        (
            br#"[{"_index":"packets","_source":{"layers":{}}}]"#.to_vec(),
            "wstape import pcap",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n".to_vec(),
            "git lfs pull",
        ),
    ] {
        let said = import_bytes(Har, &file).unwrap_err();
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn an_entry_that_is_no_web_socket_may_be_anything() {
    let socket = format!("{{{STARTED},{REQUEST},{OPENED},\"_webSocketMessages\":[]}}");
    let alone = import_bytes(
        Har,
        format!(r#"{{"log":{{"entries":[{socket}]}}}}"#).as_bytes(),
    );
    let alone = alone.unwrap();
    for other in [
        "null",
        "7",
        "1e999",
        r#"["\ud800"]"#,
        r#"{"\ud800":1}"#,
        r#"{"startedDateTime":7,"time":null,"timings":[],"request":7,"response":[]}"#,
        r#"{"request":{"url":7,"headers":{}},"response":{"status":"200","content":7}}"#,
        r#"{"request":{"url":"http://x/","headers":[7,"websocket"]},"request":null}"#,
        r#"{"request":{"url":"http://x/"},"_webSocketMessages":false,"_resourceType":{}}"#,
        r#"{"response":{"status":true,"httpVersion":{},"_failureText":7,"content":{"_file":7}}}"#,
    ] {
        let archive = format!(r#"{{"log":{{"creator":7,"entries":[{other},{socket},{other}]}}}}"#);
        let tape = import_bytes(Har, archive.as_bytes());
        assert_eq!(tape.as_deref().map(steps), Ok(steps(&alone)), "{other}");
    }
}

#[test]
fn what_other_writers_plainly_mean_is_read() {
    let list = r#""_webSocketMessages":[{"type":"receive","time":1795478401,"opcode":1,"data":"a"},
        {"type":"receive","time":1795478402,"opcode":"1","data":null}],"time":"3000",
        "_webSocketClose":{"code":"1000","timestamp":"1795478402.5"}"#;
    let plain = import_bytes(Har, archive(&[STARTED, REQUEST, OPENED, list]).as_bytes());
    let plain = plain.unwrap();
    assert!(
        plain.contains(r#"{"at_ms":2500,"conn":1,"close":{"code":1000}}"#),
        "{plain}"
    );
    for members in [
        [r#""startedDateTime":1795478400"#, REQUEST, OPENED],
        [r#""startedDateTime":1795478400000.0"#, REQUEST, OPENED],
        [r#""startedDateTime":"1795478400""#, REQUEST, OPENED],
        [STARTED, REQUEST, r#""response":{"status":"101"}"#],
        [STARTED, REQUEST, r#""response":{"status":101.0}"#],
        [
            STARTED,
            REQUEST,
            r#""response":{"status":"200","httpVersion":2}"#,
        ],
        [
            STARTED,
            REQUEST,
            r#""timings":{"wait":"1","receive":-1},"response":{"status":101,"_error":null}"#,
        ],
    ] {
        let archive = archive(&[&members[..], &[list]].concat());
        let tape = import_bytes(Har, archive.as_bytes());
        assert_eq!(tape.as_deref().map(steps), Ok(steps(&plain)), "{members:?}");
    }
    let status = r#""response":{"status":"101","headers":[{"name":"x-limit","value":7}]}"#;
    let tape = import_bytes(Har, archive(&[STARTED, REQUEST, status]).as_bytes()).unwrap();
    assert!(tape.contains(r#""x-limit":"7""#), "{tape}");
}

#[test]
fn a_handshake_that_failed_fails_in_the_tape() {
    for (response, messages, last) in [
        (
            r#"{"status":429,"headers":[{"name":"Retry-After","value":"2"},{"name":"Content-Length","value":"9"}]}"#,
            "",
            r#""refuse":{"status":429,"headers":{"Retry-After":"2"}}}"#,
        ),
        (
            r#"{"status":200,"httpVersion":"HTTP/1.1"}"#,
            "",
            r#""refuse":{"status":200}}"#,
        ),
        (
            r#"{"status":403,"content":{"size":12,"mimeType":"application/json","text":"{\"code\":7}"}}"#,
            "",
            r#""refuse":{"status":403,"body":{"code":7}}}"#,
        ),
        (
            r#"{"status":403,"content":{"size":2,"text":"/wA=","encoding":"base64"}}"#,
            "",
            r#""refuse":{"status":403,"body_b64":"/wA="}}"#,
        ),
        (
            r#"{"status":200,"httpVersion":"h2"}"#,
            "",
            r#""accept":{}}"#,
        ),
        (r#"{"status":0}"#, "", r#""drop":"reset"}"#),
        (
            r#"{"status":-1,"_failureText":"... Unexpected response code: 503"}"#,
            "",
            r#""refuse":{"status":503}}"#,
        ),
        (
            r#"{"status":-1,"_failureText":"net::ERR_CONNECTION_REFUSED"}"#,
            "",
            r#""drop":"reset"}"#,
        ),
        (
            r#"{"status":0}"#,
            r#"{"type":"receive","opcode":1,"data":"x"}"#,
            r#""text":"x"}"#,
        ),
    ] {
        let response = format!(r#""response":{response}"#);
        let messages = format!(r#""_webSocketMessages":[{messages}]"#);
        let archive = archive(&[STARTED, REQUEST, &response, &messages]);
        let tape = import_bytes(Har, archive.as_bytes()).unwrap();
        let steps = steps(&tape);
        assert!(steps.last().unwrap().ends_with(last), "{tape}");
    }
}

#[test]
fn connections_at_once_are_merged_by_time() {
    let entry = |started: &str, messages: &[(&str, &str)]| {
        let messages: Vec<String> = messages
            .iter()
            .map(|(time, data)| {
                format!(r#"{{"type":"receive","time":{time},"opcode":1,"data":"{data}"}}"#)
            })
            .collect();
        let messages = messages.join(",");
        format!(
            r#"{{"startedDateTime":"2026-11-24T00:00:{started}Z",{REQUEST},{OPENED},"_webSocketMessages":[{messages}]}}"#
        )
    };
    // The second entry begins first; the third has a message older than its beginning.
    let entries = [
        entry("01", &[("1795478401.5", "b1"), ("1795478403", "b2")]),
        r#"{"request":{"url":"https://engine/","headers":[]},"response":{"status":200}}"#
            .to_owned(),
        entry("00", &[("1795478400.5", "a1"), ("1795478403", "a2")]),
        entry("04", &[("1795478402", "c1")]),
    ];
    let text = format!(
        "\u{feff}{{\"log\":{{\"entries\":[{}]}}}}",
        entries.join(",")
    );
    let tape = import_bytes(Har, text.as_bytes()).unwrap();
    let texts: Vec<&str> = steps(&tape)
        .into_iter()
        .filter(|line| line.contains("\"text\""))
        .collect();
    assert_eq!(
        texts,
        [
            r#"{"at_ms":500,"conn":1,"text":"a1"}"#,
            r#"{"at_ms":1500,"conn":2,"text":"b1"}"#,
            r#"{"at_ms":2000,"conn":3,"text":"c1"}"#,
            r#"{"at_ms":3000,"conn":1,"text":"a2"}"#,
            r#"{"at_ms":3000,"conn":2,"text":"b2"}"#,
        ]
    );
    assert!(
        tape.contains(r#"{"at_ms":2000,"conn":3,"received":{"kind":"open""#),
        "{tape}"
    );
}

#[test]
fn messages_beside_the_archive_are_looked_for_in_its_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty.jsonl"), "\n").unwrap();
    fs::write(
        folder.path().join("torn.jsonl"),
        "{\"type\":\"send\",\"opcode\":1}\n{\"ty",
    )
    .unwrap();
    fs::write(
        folder.path().join("old.jsonl"),
        "{\"type\":\"send\",\"opcode\":1,\"time\":5}\n",
    )
    .unwrap();
    let said = |file: &str| {
        let response = format!(r#""response":{{"status":101,"content":{{"_file":"{file}"}}}}"#);
        let path = folder.path().join("session.har");
        fs::write(&path, archive(&[STARTED, REQUEST, &response])).unwrap();
        import(Har, &path)
    };
    assert_eq!(steps(&said("empty.jsonl").unwrap()).len(), 2);
    assert_eq!(steps(&said("image.png").unwrap()).len(), 2);
    for (file, sentence) in [
        (
            "gone.jsonl",
            "gone.jsonl, which can't be read: No such file or directory",
        ),
        (
            "../secret.jsonl",
            "._file: expected a file in the HAR's own folder, found \"../secret.jsonl\"",
        ),
        (
            "/etc/secret.jsonl",
            "expected a file in the HAR's own folder",
        ),
        (
            "torn.jsonl",
            "torn.jsonl:2: expected {\"type\", \"time\", \"opcode\", \"data\"}",
        ),
        (
            "old.jsonl",
            "old.jsonl:1: time: expected seconds or milliseconds since 1970, found \"5\"",
        ),
    ] {
        let said = said(file).unwrap_err();
        assert!(said.contains(sentence), "{file}: {said}");
    }
}

#[test]
fn a_connection_is_not_taken_to_have_been_open_for_years_after_its_last_message() {
    let archive = r#"{"log":{"entries":[{"startedDateTime":"2026-11-27T10:00:00Z","time":1e13,
        "request":{"url":"ws://h/ws"},"response":{"status":101},"_webSocketMessages":[
        {"type":"receive","time":1795773601,"opcode":1,"data":"a"}]}]}}"#;
    let tape = import_bytes(Har, archive.as_bytes()).unwrap();
    let last = tape.lines().last();
    assert_eq!(last, Some(r#"{"at_ms":1000,"end":true}"#));
}
