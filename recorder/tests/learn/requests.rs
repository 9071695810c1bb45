//! Requests and what answers them: matches, ids, what is not learnt.

use crate::session::{Line, in_virtual_time, learn_to, learnt, served, session};

/// A feed that takes requests as lists, acknowledges by number and then goes by the channel's name.
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
        r#"the answer to {"id":5,"method":"nothing"}: the session has none (1)"#,
        "Closes of the engine (1)",
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
        said.starts_with("session: no text message of a client is answered in it"),
        "{said}"
    );
    assert!(
        said.contains("serve the session as it is (wstape serve session)"),
        "{said}"
    );
    assert!(!path.exists());
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

#[test]
fn bytes_behind_a_handshake_of_text_are_named_with_what_to_do() {
    let session = session(&[(
        "/hub",
        &[
            (1, '>', "{\"protocol\":\"messagepack\",\"version\":1}\u{1e}"),
            (2, '<', "{}\u{1e}"),
        ],
    )]);
    let binary =
        "{\"at_ms\":100003,\"conn\":1,\"received\":{\"kind\":\"binary\",\"binary\":\"ApEG\"}}\n";
    let (_, learnt) = learnt(&(session + binary));
    assert_eq!(
        learnt.unlearnt,
        [
            "binary messages of clients (1): record with a client that uses the protocol's text \
             form (SignalR's JSON)"
        ]
    );
}

#[test]
fn a_second_close_of_a_client_is_nothing_that_could_be_learnt() {
    let session = session(&[(
        "/ws",
        &[(1, '>', r#"{"op":"ping"}"#), (2, '<', r#"{"op":"pong"}"#)],
    )]);
    let close = r#"{"at_ms":100003,"conn":1,"received":{"kind":"close","code":1000}}"#;
    let again = r#"{"at_ms":100003,"conn":1,"received":{"kind":"bytes","binary":"iIKW58YylQ8="}}"#;
    let (_, learnt) = learnt(&format!("{session}{close}\n{again}\n"));
    assert_eq!(learnt.unlearnt, Vec::<String>::new());
}
