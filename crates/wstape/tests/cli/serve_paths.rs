//! `serve` of a tape that lacks what a client asks for: messages for its path, or a subprotocol.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::serving::{Running, folder, upgrade_request};

#[test]
fn a_path_that_no_message_of_the_tape_is_for_is_said_once_and_its_client_stays_connected() {
    let dir = folder();
    let tape = r#"{"tape":1,"needs":["dialogue"]}
{"on_connect":"each","after_frames":0,"path":"/ws","text":"hi"}
{"at_ms":3600000,"path":"/ws/book","text":"late"}
"#;
    std::fs::write(dir.path().join("paths.jsonl"), tape).unwrap();
    let args = [
        "paths.jsonl",
        "--listen",
        "127.0.0.1:0",
        "--journal",
        "j.jsonl",
    ];
    let running = Running::start(dir.path(), &args);
    let request = String::from_utf8(upgrade_request("")).unwrap();
    let dial = |path: &str| {
        let mut stream = TcpStream::connect(&running.addr).unwrap();
        let request = request.replacen("GET /ws ", &format!("GET {path} "), 1);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 101", "{path}");
        stream
    };
    let strangers = ["/ws/boook", "/ws/boook", "/"].map(dial);
    // Nothing is said about clients on paths that the tape knows.
    let known = [running.greet(""), dial("/ws/book?depth=5")];
    running.interrupt();
    let (_, said, status) = running.end();
    let heard = "such clients are connected but get nothing";
    let expected = format!(
        "wstape: no message of the tape is for \"/ws/boook\" (did you mean /ws/book?); its paths are /ws, /ws/book; {heard}\n\
         wstape: no message of the tape is for \"/\"; its paths are /ws, /ws/book; {heard}\n"
    );
    assert_eq!((said, status), (expected, Some(0)));
    let journal = std::fs::read_to_string(dir.path().join("j.jsonl")).unwrap();
    let notes = journal.lines().filter(|line| line.contains("\"note\""));
    // Each of these connections has the remark in its own lane.
    assert_eq!(notes.clone().count(), 3, "{journal}");
    assert!(
        notes
            .clone()
            .all(|line| line.contains("no message of the tape is for")),
        "{journal}"
    );
    drop((strangers, known));
}

#[test]
fn a_subprotocol_that_the_tape_does_not_choose_is_said_once_without_its_name() {
    let dir = folder();
    let choosing = r#"{"on_connect":"each","accept":{"headers":{"sec-websocket-protocol":"v12.stomp"}}}
"#;
    for (name, choosing) in [("plain.jsonl", ""), ("choosing.jsonl", choosing)] {
        let tape = format!(
            "{{\"tape\":1}}\n{choosing}\
             {{\"on_connect\":\"each\",\"after_frames\":0,\"text\":\"hi\"}}\n\
             {{\"at_ms\":3600000,\"end\":true}}\n"
        );
        std::fs::write(dir.path().join(name), tape).unwrap();
    }
    // A name may be a token.
    let offer = "Sec-WebSocket-Protocol: v12.stomp, bearer.hunter2hunter2\r\n";
    let said_of = |tape: &str| {
        let args = [tape, "--listen", "127.0.0.1:0"];
        let running = Running::start(dir.path(), &args);
        let links = [
            running.greet(""),
            running.greet(offer),
            running.greet(offer),
        ];
        running.interrupt();
        let (_, said, status) = running.end();
        assert_eq!(status, Some(0), "{said}");
        drop(links);
        said
    };
    assert_eq!(
        said_of("plain.jsonl"),
        "wstape: the client offers subprotocols, and the tape chooses none: browsers and many \
         libraries then end the connection; choose one as in {\"on_connect\":\"each\",\
         \"accept\":{\"headers\":{\"sec-websocket-protocol\":\"NAME\"}}}\n"
    );
    assert_eq!(said_of("choosing.jsonl"), "");
}
