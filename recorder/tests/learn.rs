//! What is learnt of a session serves another client.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wstape_mock_engine::{Engine, JournalKind};
use wstape_recorder::{Learnt, Output, RecordError, Redactor, Rules, learn};
use wstape_tape::{Micros, Tape, TapeReader};

/// Longest that a conversation may take, in the engine's time.
const BOUND: Micros = Micros::from_ms(60_000);

/// When something is said, in milliseconds, by whom (`>` a client, `<` the engine), and what.
type Line = (u64, char, &'static str);

/// A session as a proxy records it: the messages of each connection at their milliseconds, `>` what
/// its client says and `<` what the engine does.
fn session(conversations: &[(&str, &[Line])]) -> String {
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

fn learnt(session: &str) -> (String, Learnt) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("learnt.jsonl");
    let learnt = learn_to(session, &path).unwrap();
    (std::fs::read_to_string(path).unwrap(), learnt)
}

fn learn_to(session: &str, path: &std::path::Path) -> Result<Learnt, RecordError> {
    let reader = TapeReader::new("session", session.as_bytes()).unwrap();
    let redactor = Redactor::new(Rules::default(), [7; 32]);
    learn(reader, Output::whole(path, false)?, redactor)
}

/// A frame of text, masked with zeros.
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let head = match length {
        0..126 => vec![0x81, 0x80 | length],
        _ => vec![0x81, 0xfe, 0, length],
    };
    [head.as_slice(), &[0; 4], text.as_bytes()].concat()
}

/// The texts in what an engine sent behind its answer.
fn texts(bytes: &[u8]) -> Vec<String> {
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
async fn served(
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

fn in_virtual_time<T>(what: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(what)
}

/// A feed that is asked in lists, acknowledges with the number and goes on by the channel's name.
const FEED: [(&str, &[Line]); 2] = [
    (
        "/ws",
        &[
            (1, '<', r#"{"event":"welcome","version":3}"#),
            (
                10,
                '>',
                r#"{"id":1,"method":"subscribe","params":["trades","book"]}"#,
            ),
            (12, '<', r#"{"id":1,"result":["trades","book"]}"#),
            (20, '<', r#"{"channel":"book","snapshot":[["9","1"]]}"#),
            (110, '<', r#"{"channel":"trades","price":"10.1"}"#),
            (150, '<', r#"{"channel":"book","update":[["9","2"]]}"#),
            (210, '<', r#"{"channel":"trades","price":"10.2"}"#),
            (250, '<', r#"{"channel":"book","update":[]}"#),
            (600, '>', r#"{"id":2,"method":"time"}"#),
            (601, '<', r#"{"id":2,"result":1767225600100}"#),
            (
                610,
                '>',
                r#"{"id":3,"method":"fee","params":{"coin":"BTC"}}"#,
            ),
            (612, '<', r#"{"id":3,"result":"0.01"}"#),
            (620, '>', "ping"),
            (621, '<', "pong"),
            (
                700,
                '>',
                r#"{"id":4,"method":"unsubscribe","params":["trades"]}"#,
            ),
            (702, '<', r#"{"id":4,"result":["trades"]}"#),
            (800, '>', r#"{"id":5,"method":"nothing"}"#),
        ],
    ),
    (
        "/ws",
        &[
            (1, '<', r#"{"event":"welcome","version":3}"#),
            (10, '>', r#"{"id":71,"method":"time"}"#),
            (11, '<', r#"{"id":71,"result":1767225602200}"#),
        ],
    ),
];

#[test]
fn requests_become_matches_answers_replies_and_streams_scenes() {
    let (tape, learnt) = learnt(&session(&FEED));
    insta::assert_snapshot!("learnt", tape);
    assert_eq!(
        (learnt.connections, learnt.replies, learnt.scenes),
        (2, 5, 3)
    );
}

#[test]
fn a_second_client_with_other_ids_and_another_order_is_served() {
    let (tape, _) = learnt(&session(&FEED));
    let says = [
        ("", r#"{"id":"a-9","method":"subscribe","params":["book"]}"#),
        ("snapshot", r#"{"id":"b-1","method":"time"}"#),
        (
            r#""b-1""#,
            r#"{"id":812,"method":"subscribe","params":["book","trades"]}"#,
        ),
        ("10.2", "ping"),
    ];
    let (got, _) = in_virtual_time(served(&tape, "/elsewhere", &says, "pong"));
    let of = |part: &str| got.iter().position(|text| text.contains(part));
    assert_eq!(got[0], r#"{"event":"welcome","version":3}"#);
    assert_eq!(got[1], r#"{"id":"a-9","result":["book"]}"#);
    assert!(
        got.contains(&r#"{"id":812,"result":["book","trades"]}"#.to_owned()),
        "{got:#?}"
    );
    let time = &got[of(r#""b-1""#).unwrap()];
    assert!(
        !time.contains("1767225600100") && !time.contains("${"),
        "{time}"
    );
    let trade = of("10.1").unwrap();
    assert!(
        of(r#""id":812"#).unwrap() < trade,
        "nothing of a channel before it is asked for: {got:#?}"
    );
    assert_eq!(
        got.iter().filter(|text| text.contains("snapshot")).count(),
        1,
        "{got:#?}"
    );
}

#[test]
fn a_request_that_the_session_never_had_is_answered_by_nothing_and_named() {
    let (tape, _) = learnt(&session(&FEED));
    let says = [
        (
            "welcome",
            r#"{"id":1,"method":"order","params":{"size":1}}"#,
        ),
        (
            "welcome",
            r#"{"id":2,"method":"fee","params":{"coin":"ETH"}}"#,
        ),
        (
            "welcome",
            r#"{"id":3,"method":"fee","params":{"coin":"BTC"}}"#,
        ),
    ];
    let (got, marks) = in_virtual_time(served(&tape, "/ws", &says, "0.01"));
    assert_eq!(got.len(), 2, "{got:#?}");
    assert_eq!(marks, ["not learnt: the session has no answer to this"; 2]);
}

#[test]
fn what_is_not_learnt_is_named() {
    let odd = session(&FEED).replace(
        r#"\"id\":71,\"result\":1767225602200"#,
        r#"\"id\":71,\"result\":\"soon\""#,
    );
    let odd = odd + r#"{"at_ms":300000,"conn":2,"close":{"code":1012}}"# + "\n";
    let (tape, learnt) = learnt(&odd);
    let expected = [
        r#"/result of the answer to {"id":2,"method":"time"}"#,
        r#"what answers {"id":5,"method":"nothing"}: nothing did in the session (1)"#,
        "Closes (1)",
    ];
    assert_eq!(learnt.unlearnt, expected);
    assert!(
        tape.contains("not learnt, sent as first seen: /result"),
        "{tape}"
    );
    assert!(
        tape.lines()
            .next()
            .unwrap()
            .contains("not learnt: /result of the answer"),
        "{tape}"
    );
}

#[test]
fn a_stream_that_the_engine_calls_by_a_name_of_its_own_goes_by_it_for_the_second_client() {
    let session = session(&[(
        "/",
        &[
            (
                1,
                '>',
                r#"{"id":1,"method":"eth_subscribe","params":["newHeads"]}"#,
            ),
            (2, '<', r#"{"id":1,"result":"0x9c"}"#),
            (
                3,
                '>',
                r#"{"id":2,"method":"eth_subscribe","params":["logs"]}"#,
            ),
            (4, '<', r#"{"id":2,"result":"0xa1"}"#),
            (
                10,
                '<',
                r#"{"method":"eth_subscription","params":{"subscription":"0xa1","result":{"log":1}}}"#,
            ),
            (
                20,
                '<',
                r#"{"method":"eth_subscription","params":{"subscription":"0x9c","result":{"head":7}}}"#,
            ),
            (
                30,
                '>',
                r#"{"id":3,"method":"eth_unsubscribe","params":["0x9c"]}"#,
            ),
            (31, '<', r#"{"id":3,"result":true}"#),
        ],
    )]);
    let (tape, learnt) = learnt(&session);
    assert_eq!(learnt.unlearnt, Vec::<String>::new(), "{tape}");
    assert!(
        tape.contains(r#"'0xa1']"},"stop":"logs""#),
        "the other stream stops so too: {tape}"
    );
    let says = [
        (
            "",
            r#"{"id":"x","method":"eth_subscribe","params":["logs"]}"#,
        ),
        (
            "log",
            r#"{"id":"y","method":"eth_subscribe","params":["newHeads"]}"#,
        ),
    ];
    let (got, _) = in_virtual_time(served(&tape, "/", &says, "head"));
    let expected = [
        r#"{"id":"x","result":"0xa1"}"#,
        r#"{"method":"eth_subscription","params":{"subscription":"0xa1","result":{"log":1}}}"#,
        r#"{"id":"y","result":"0x9c"}"#,
        r#"{"method":"eth_subscription","params":{"subscription":"0x9c","result":{"head":7}}}"#,
    ];
    assert_eq!(got, expected);
}

#[test]
fn a_stream_that_goes_by_the_number_of_its_request_goes_by_another_clients() {
    let session = session(&[(
        "/graphql",
        &[
            (1, '>', r#"{"type":"connection_init"}"#),
            (2, '<', r#"{"type":"connection_ack"}"#),
            (
                3,
                '>',
                r#"{"id":"1","type":"subscribe","payload":{"query":"prices"}}"#,
            ),
            (10, '<', r#"{"id":"1","type":"next","payload":{"p":"5"}}"#),
            (20, '<', r#"{"id":"1","type":"next","payload":{"p":"7"}}"#),
            (30, '>', r#"{"id":"1","type":"complete"}"#),
        ],
    )]);
    let (tape, _) = learnt(&session);
    assert!(tape.contains(r#""stop":"id ${/id}""#), "{tape}");
    let says = [
        ("", r#"{"type":"connection_init"}"#),
        (
            "connection_ack",
            r#"{"id":"mine","type":"subscribe","payload":{"query":"prices"}}"#,
        ),
        (
            r#""p":"7""#,
            r#"{"id":"other","type":"subscribe","payload":{"query":"prices"}}"#,
        ),
    ];
    let (got, _) = in_virtual_time(served(&tape, "/graphql", &says, r#""id":"other""#));
    assert_eq!(got[0], r#"{"type":"connection_ack"}"#);
    assert_eq!(got[1], r#"{"id":"mine","type":"next","payload":{"p":"5"}}"#);
}

#[test]
fn acknowledgements_of_each_channel_of_one_request_come_with_the_channel() {
    let session = session(&[(
        "/v2",
        &[
            (
                1,
                '>',
                r#"{"method":"subscribe","params":{"channel":"ticker","symbol":["A","B"]},"req_id":5}"#,
            ),
            (
                2,
                '<',
                r#"{"method":"subscribe","result":{"channel":"ticker","symbol":"A"},"success":true,"req_id":5}"#,
            ),
            (
                3,
                '<',
                r#"{"method":"subscribe","result":{"channel":"ticker","symbol":"B"},"success":true,"req_id":5}"#,
            ),
            (
                10,
                '<',
                r#"{"channel":"ticker","data":[{"symbol":"B","last":1}]}"#,
            ),
            (
                20,
                '<',
                r#"{"channel":"ticker","data":[{"symbol":"A","last":2}]}"#,
            ),
        ],
    )]);
    let (tape, _) = learnt(&session);
    let says = [(
        "",
        r#"{"method":"subscribe","params":{"channel":"ticker","symbol":["B"]},"req_id":9}"#,
    )];
    let (got, _) = in_virtual_time(served(&tape, "/v2", &says, "last"));
    let expected = [
        r#"{"method":"subscribe","result":{"channel":"ticker","symbol":"B"},"success":true,"req_id":9}"#,
        r#"{"channel":"ticker","data":[{"symbol":"B","last":1}]}"#,
    ];
    assert_eq!(got, expected);
}

#[test]
fn each_path_answers_what_it_answered() {
    let session = session(&[
        ("/public", &[(1, '>', "hello"), (2, '<', "public")]),
        ("/private?key=x", &[(1, '>', "hello"), (2, '<', "private")]),
    ]);
    let (tape, _) = learnt(&session);
    for (path, answer) in [("/public", "public"), ("/private", "private")] {
        let (got, _) = in_virtual_time(served(&tape, path, &[("", "hello")], "p"));
        assert_eq!(got, [answer]);
    }
}

#[test]
fn a_tape_in_which_no_client_speaks_teaches_nothing_and_leaves_no_file() {
    let silent = "{\"tape\":1}\n{\"at_ms\":0,\"end\":true}\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let said = learn_to(silent, &path).unwrap_err().to_string();
    assert!(
        said.starts_with("session: no client says a text in it"),
        "{said}"
    );
    assert!(!path.exists());
}

/// graphql-transport-ws, as graphql-ws 6 speaks it: a query ends at once, a subscription by itself.
const GRAPHQL: [(&str, &[Line]); 2] = [
    (
        "/graphql",
        &[
            (
                1,
                '>',
                r#"{"type":"connection_init","payload":{"token":"redacted-0123456789abcdef"}}"#,
            ),
            (2, '<', r#"{"type":"connection_ack"}"#),
            (
                10,
                '>',
                r#"{"id":"a1","type":"subscribe","payload":{"query":"{hello}"}}"#,
            ),
            (
                11,
                '<',
                r#"{"id":"a1","type":"next","payload":{"data":{"hello":"world"}}}"#,
            ),
            (11, '<', r#"{"id":"a1","type":"complete"}"#),
            (
                20,
                '>',
                r#"{"id":"a2","type":"subscribe","payload":{"query":"s","variables":{"p":"BTC"}}}"#,
            ),
            (
                120,
                '<',
                r#"{"id":"a2","type":"next","payload":{"data":{"p":"BTC","price":1}}}"#,
            ),
            (
                220,
                '<',
                r#"{"id":"a2","type":"next","payload":{"data":{"p":"BTC","price":2}}}"#,
            ),
            (221, '<', r#"{"id":"a2","type":"complete"}"#),
            (900, '>', r#"{"type":"ping"}"#),
            (901, '<', r#"{"type":"pong"}"#),
        ],
    ),
    (
        "/graphql",
        &[
            (
                1,
                '>',
                r#"{"type":"connection_init","payload":{"token":"redacted-0123456789abcdef"}}"#,
            ),
            (2, '<', r#"{"type":"connection_ack"}"#),
            (
                20,
                '>',
                r#"{"id":"b1","type":"subscribe","payload":{"query":"s","variables":{"p":"ETH"}}}"#,
            ),
            (
                120,
                '<',
                r#"{"id":"b1","type":"next","payload":{"data":{"p":"ETH","price":7}}}"#,
            ),
            (
                220,
                '<',
                r#"{"id":"b1","type":"next","payload":{"data":{"p":"ETH","price":8}}}"#,
            ),
            (221, '<', r#"{"id":"b1","type":"complete"}"#),
        ],
    ),
];

#[test]
fn a_subscription_that_ends_by_itself_is_not_ended_by_what_ends_a_query_and_comes_once() {
    let (tape, found) = learnt(&session(&GRAPHQL));
    assert_eq!(found.unlearnt, Vec::<String>::new(), "{tape}");
    let says = [
        (
            "",
            r#"{"type":"connection_init","payload":{"token":"other"}}"#,
        ),
        (
            "connection_ack",
            r#"{"id":"z1","type":"subscribe","payload":{"query":"s","variables":{"p":"ETH"}}}"#,
        ),
        (
            r#""id":"z1","type":"complete""#,
            r#"{"id":"z2","type":"subscribe","payload":{"query":"{hello}"}}"#,
        ),
    ];
    let last = r#""id":"z2","type":"complete""#;
    let (texts, marks) = in_virtual_time(served(&tape, "/graphql", &says, last));
    assert_eq!(marks, Vec::<String>::new());
    let expected = [
        r#"{"type":"connection_ack"}"#,
        r#"{"id":"z1","type":"next","payload":{"data":{"p":"ETH","price":7}}}"#,
        r#"{"id":"z1","type":"next","payload":{"data":{"p":"ETH","price":8}}}"#,
        r#"{"id":"z1","type":"complete"}"#,
        r#"{"id":"z2","type":"next","payload":{"data":{"hello":"world"}}}"#,
        r#"{"id":"z2","type":"complete"}"#,
    ];
    assert_eq!(texts, expected, "{tape}");
}

#[test]
fn a_login_of_socket_io_is_answered_whatever_the_secret_and_an_event_whatever_its_number() {
    let said: &[Line] = &[
        (1, '<', r#"0{"sid":"a","pingInterval":25000}"#),
        (5, '>', r#"40{"token":"redacted-0123456789abcdef"}"#),
        (6, '<', r#"40{"sid":"b"}"#),
        (10, '>', r#"420["subscribe","BTC"]"#),
        (11, '<', r#"430["ok"]"#),
    ];
    let path = "/socket.io/?EIO=4&transport=websocket";
    let (tape, _) = learnt(&session(&[(path, said)]));
    let says = [
        ("", r#"40{"token":"mine"}"#),
        (r#"40{"sid""#, r#"4271["subscribe","BTC"]"#),
    ];
    let (texts, _) = in_virtual_time(served(&tape, path, &says, "4371"));
    assert!(
        texts.iter().any(|text| text == r#"4371["ok"]"#),
        "{texts:?}"
    );
}

#[test]
fn requests_in_a_frame_that_is_not_known_are_named_with_what_to_write_by_hand() {
    let said: &[Line] = &[(1, '>', r#"SUB {"ch":"x"}"#), (2, '<', r#"OK {"ch":"x"}"#)];
    let (tape, found) = learnt(&session(&[("/ws", said)]));
    let named = |what: &String| what.contains(r#"("SUB {"#) && what.contains("named group");
    assert!(found.unlearnt.iter().any(named), "{:?}", found.unlearnt);
    let says = [("", r#"SUB {"ch":"x"}"#)];
    let (texts, _) = in_virtual_time(served(&tape, "/ws", &says, "OK"));
    assert_eq!(texts, [r#"OK {"ch":"x"}"#]);
}

/// Sessions of real libraries: `inputs/README.md` says which.
const SOCKET_IO: &str = include_str!("inputs/learn/socketio.jsonl");
const SIGNALR: &str = include_str!("inputs/learn/signalr.jsonl");
const CENTRIFUGE: &str = include_str!("inputs/learn/centrifuge.jsonl");

#[test]
fn a_session_of_socket_io_serves_a_client_with_other_numbers_in_another_order() {
    let (tape, _) = learnt(SOCKET_IO);
    let says = [
        ("", "40"),
        ("40{", r#"4270["subscribe",{"channel":"book"}]"#),
        (r#"4370[{"ok":true,"channel":"book"}]"#, r#"4271["time"]"#),
        (
            r#"42["trade",{"channel":"book""#,
            r#"4272["subscribe",{"channel":"trades"}]"#,
        ),
        (
            r#"42["trade",{"channel":"trades""#,
            r#"4273["unsubscribe",{"channel":"book"}]"#,
        ),
    ];
    let last = r#"4373[{"ok":true,"channel":"book"}]"#;
    let (got, marks) = in_virtual_time(served(
        &tape,
        "/socket.io/?EIO=4&transport=websocket",
        &says,
        last,
    ));
    assert!(got.iter().any(|text| text.starts_with("0{")), "{got:#?}");
    assert!(
        got.iter().any(|text| text.starts_with("4371[1")),
        "{got:#?}"
    );
    assert!(
        got.contains(&r#"4372[{"ok":true,"channel":"trades"}]"#.to_owned()),
        "{got:#?}"
    );
    let asks = tape.contains(r#","text":"2"}"#);
    assert!(asks, "engine.io asks who lives: {tape}");
    assert_eq!(marks, Vec::<String>::new());
}

#[test]
fn a_session_of_signalr_serves_a_client_with_other_numbers_in_another_order() {
    let (tape, _) = learnt(SIGNALR);
    let says = [
        ("", "{\"protocol\":\"json\",\"version\":1}\u{1e}"),
        (
            "{}\u{1e}",
            "{\"arguments\":[\"book\"],\"invocationId\":\"41\",\"target\":\"Subscribe\",\"type\":1}\u{1e}",
        ),
        (
            "{\"type\":3,\"invocationId\":\"41\",\"result\":{\"subscribed\":\"book\"}}\u{1e}",
            "{\"arguments\":[\"zebra\"],\"invocationId\":\"42\",\"target\":\"Echo\",\"type\":1}\u{1e}",
        ),
        (
            "{\"type\":3,\"invocationId\":\"42\",\"result\":\"zebra\"}\u{1e}",
            "{\"arguments\":[3],\"invocationId\":\"43\",\"target\":\"Count\",\"type\":4}\u{1e}",
        ),
        (
            "{\"type\":3,\"invocationId\":\"43\"}\u{1e}",
            "{\"arguments\":[\"book\"],\"invocationId\":\"44\",\"target\":\"Unsubscribe\",\"type\":1}\u{1e}",
        ),
    ];
    let last = "\"invocationId\":\"44\",\"result\":{\"unsubscribed\":\"book\"}";
    let (got, marks) = in_virtual_time(served(&tape, "/hub", &says, last));
    let items: Vec<&String> = got
        .iter()
        .filter(|text| text.contains("\"type\":2"))
        .collect();
    assert_eq!(items.len(), 3, "{got:#?}");
    assert!(
        items
            .iter()
            .all(|item| item.contains("\"invocationId\":\"43\"")),
        "{items:#?}"
    );
    assert!(
        got.iter()
            .any(|text| text.contains("Trade") && text.contains("book")),
        "{got:#?}"
    );
    assert_eq!(marks, Vec::<String>::new());
}

#[test]
fn a_session_of_centrifuge_serves_a_client_that_sends_its_commands_in_one_message() {
    let (tape, _) = learnt(CENTRIFUGE);
    let all = "{\"connect\":{\"name\":\"js\"},\"id\":11}\n{\"subscribe\":{\"channel\":\"book\",\"flag\":1},\"id\":12}";
    let says = [
        ("", all),
        (
            "\"push\":{\"channel\":\"book\"",
            r#"{"rpc":{"method":"echo","data":{"q":"zebra"}},"id":13}"#,
        ),
        ("\"id\":13", r#"{"unsubscribe":{"channel":"book"},"id":14}"#),
    ];
    let (got, marks) = in_virtual_time(served(&tape, "/connection/websocket", &says, "\"id\":14"));
    let with = |part: &str| got.iter().filter(|text| text.contains(part)).count();
    assert_eq!(
        (
            with("\"id\":11,\"connect\""),
            with("\"id\":12,\"subscribe\"")
        ),
        (1, 1),
        "{got:#?}"
    );
    assert_eq!(with(r#"{"echo":{"q":"zebra"}}"#), 1, "{got:#?}");
    assert_eq!(marks, Vec::<String>::new());
}
