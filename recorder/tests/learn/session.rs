//! A recorded session, what is learnt from it, and a client that the result serves.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wstape_mock_engine::{Engine, JournalKind};
use wstape_recorder::{Learnt, Output, RecordError, Redactor, Rules, learn};
use wstape_tape::{Micros, Tape, TapeReader};

/// Longest that a conversation may take, in the engine's time.
pub(crate) const BOUND: Micros = Micros::from_ms(60_000);

/// When something is said, in milliseconds, by whom (`>` a client, `<` the engine), and what.
pub(crate) type Line = (u64, char, &'static str);

/// A session as a proxy records it: the messages of each connection at their milliseconds, `>` what
/// its client says and `<` what the engine does.
pub(crate) fn session(conversations: &[(&str, &[Line])]) -> String {
    let mut lines = vec![
        r#"{"tape":1,"source":"ws://engine/","needs":["connections"]}"#.to_owned(),
        r#"{"at_ms":0,"answers":"held"}"#.to_owned(),
    ];
    for (number, (path, said)) in (1..).zip(conversations) {
        let begin = 100_000 * number;
        let mut push = |at: u64, what: String| {
            let at = begin + at;
            lines.push(format!(r#"{{"at_ms":{at},"conn":{number},{what}}}"#));
        };
        push(
            0,
            format!(r#""received":{{"kind":"open","path":"{path}"}}"#),
        );
        push(0, r#""accept":{}"#.to_owned());
        for (at, by, text) in *said {
            let text = serde_json::Value::from(*text);
            push(
                *at,
                match by {
                    '>' => format!(r#""received":{{"kind":"text","text":{text}}}"#),
                    _ => format!(r#""text":{text}"#),
                },
            );
        }
    }
    lines.join("\n") + "\n"
}

pub(crate) fn learnt(session: &str) -> (String, Learnt) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("learnt.jsonl");
    let learnt = learn_to(session, &path).unwrap();
    (std::fs::read_to_string(path).unwrap(), learnt)
}

pub(crate) fn learn_to(session: &str, path: &std::path::Path) -> Result<Learnt, RecordError> {
    let reader = TapeReader::new("session", session.as_bytes()).unwrap();
    let redactor = Redactor::new(Rules::default(), [7; 32]);
    learn(reader, Output::whole(path, false)?, redactor)
}

/// A frame of text, masked with zeros.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let head = match length {
        0..126 => vec![0x81, 0x80 | length],
        _ => vec![0x81, 0xfe, 0, length],
    };
    [head.as_slice(), &[0; 4], text.as_bytes()].concat()
}

/// The texts in what an engine sent behind its answer.
pub(crate) fn texts(bytes: &[u8]) -> Vec<String> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let mut rest = head.map_or(&[][..], |head| &bytes[head + 4..]);
    let mut texts = Vec::new();
    while let [first, length, behind @ ..] = rest {
        let (length, behind) = match (*length, behind) {
            (126, [high, low, behind @ ..]) => (u16::from_be_bytes([*high, *low]).into(), behind),
            (length, behind) => (usize::from(length), behind),
        };
        let Some((payload, behind)) = behind.split_at_checked(length) else {
            break;
        };
        if *first == 0x81 {
            texts.push(String::from_utf8_lossy(payload).into_owned());
        }
        rest = behind;
    }
    texts
}

/// What a client gets on a path that says these things one after the other, each when it has got a text
/// that holds what stands before it, until one holds the last; and what the journal marks.
pub(crate) async fn served(
    tape: &str,
    path: &str,
    says: &[(&str, &str)],
    last: &str,
) -> (Vec<String>, Vec<String>) {
    let tape = Tape::parse("learnt", tape).unwrap();
    let (engine, net) = Engine::builder().layer(tape).in_memory().unwrap();
    engine.start();
    let mut stream = net.connect().await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let clock = engine.clock();
    let bound = Micros(clock.now().0 + BOUND.0);
    let mut bytes = Vec::new();
    let after = says.iter().map(|(after, _)| *after).skip(1).chain([last]);
    for ((_, says), wanted) in says.iter().zip(after) {
        stream.write_all(&frame(says)).await.unwrap();
        while !texts(&bytes).iter().any(|text| text.contains(wanted)) {
            let read = tokio::select! {
                read = stream.read_buf(&mut bytes) => read.unwrap(),
                () = clock.sleep_until(bound) => 0,
            };
            assert!(read > 0, "no {wanted} in {:#?}", texts(&bytes));
        }
    }
    let journal = engine.journal().entries();
    let marks = journal.into_iter().filter_map(|entry| match entry.kind {
        JournalKind::Mark(name) => Some(name),
        _ => None,
    });
    (texts(&bytes), marks.collect())
}

pub(crate) fn in_virtual_time<T>(what: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(what)
}
