//! What was imported plays: each connection gets what it got.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wstape_mock_engine::Engine;
use wstape_recorder::ImportFormat::{self, Har, Mitmproxy};
use wstape_tape::{Micros, Tape};

use crate::{import, input};

/// Longest that a connection may take, in the engine's time.
const BOUND: Micros = Micros::from_ms(60_000);

/// The Close that ends a connection for good, masked with zeros.
const CLOSE: [u8; 6] = [0x88, 0x80, 0, 0, 0, 0];

/// What a client gets if it dials as often as the tape has connections, one after the other: the
/// status, then the frames, then how it ended.
async fn played(format: ImportFormat, name: &str, connections: usize) -> Vec<Vec<String>> {
    let text = import(format, &input(name)).unwrap();
    let tape = Tape::parse(name, &text).unwrap();
    let (engine, net) = Engine::builder().layer(tape).in_memory().unwrap();
    engine.start();
    let mut seen = Vec::new();
    for _ in 0..connections {
        let mut stream = net.connect().await.unwrap();
        let request = "GET /ws HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let read = async {
            loop {
                if stream.read_buf(&mut bytes).await? == 0 {
                    return Ok::<_, std::io::Error>(());
                }
                let frames = frames(&bytes);
                if frames.last().is_some_and(|last| last.starts_with("close")) {
                    stream.write_all(&CLOSE).await?;
                }
            }
        };
        let clock = engine.clock();
        let end = tokio::select! {
            read = read => read.map_or("reset", |()| "eof"),
            () = clock.sleep_until(Micros(clock.now().0 + BOUND.0)) => "nothing more",
        };
        let mut lines = frames(&bytes);
        lines.push(end.to_owned());
        seen.push(lines);
    }
    seen
}

/// The status of an answer, and the frames after it, all of them short.
fn frames(bytes: &[u8]) -> Vec<String> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(head) = head else {
        return Vec::new();
    };
    let status = String::from_utf8_lossy(&bytes[9..12]).into_owned();
    let mut frames = vec![status];
    let mut rest = &bytes[head + 4..];
    while frames[0] == "101"
        && let [first, len, tail @ ..] = rest
    {
        let len = usize::from(*len);
        assert!(len < 126, "a short frame");
        if tail.len() < len {
            break;
        }
        let (payload, tail) = tail.split_at(len);
        frames.push(match first {
            0x81 => String::from_utf8(payload.to_vec()).unwrap(),
            0x82 => format!("binary {payload:?}"),
            0x88 => format!("close {}", payload.escape_ascii()),
            other => panic!("opcode {other:#x}"),
        });
        rest = tail;
    }
    frames
}

fn in_virtual_time<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}

#[test]
fn each_connection_gets_what_it_got() {
    const HEARTBEAT: &str = r#"{"event":"heartbeat","ts":"2026-11-24T23:00:00Z","data":{}}"#;
    const RISK: &str = r#"{"event":"risk","data":{"account_value":10250.5,"halted":false}}"#;
    const LINES: &str = "two\nlines, and é € 😀";
    const BINARY: &str = "binary [0, 1, 2, 3, 255]";
    let restart = format!("close {}restart", 1012_u16.to_be_bytes().escape_ascii());
    let enough = format!("close {}", 4001_u16.to_be_bytes().escape_ascii());
    let made_up = "made up for the client";
    let flows = in_virtual_time(played(Mitmproxy, "mitmproxy.flows", 4));
    let common = ["101", HEARTBEAT, RISK, made_up, BINARY, ""];
    assert_eq!(flows[0], [&common[..], &[&restart, "eof"]].concat());
    assert_eq!(flows[1], [&common[..], &["eof"]].concat());
    assert_eq!(flows[2], [&common[..], &[&enough, "eof"]].concat());
    assert_eq!(flows[3], ["503", "eof"]);

    let chrome = in_virtual_time(played(Har, "chrome.har", 4));
    for connection in &chrome[..3] {
        assert_eq!(
            *connection,
            ["101", HEARTBEAT, RISK, LINES, BINARY, "", "eof"]
        );
    }
    assert_eq!(chrome[3], ["503", "eof"]);
}
