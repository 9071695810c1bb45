//! Streams identified by a name the engine gave, by the request's number, or by a channel.

use crate::session::{Line, in_virtual_time, learnt, served, session};

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

/// A client's request for a topic, its answer and a message, under the name that the engine gave.
macro_rules! subscribed {
    ($at:literal, $id:literal, $topic:literal, $name:literal) => {
        [
            (
                $at,
                '>',
                concat!(
                    r#"{"id":"#,
                    $id,
                    r#","method":"subscribe","params":{"topic":""#,
                    $topic,
                    r#""}}"#
                ),
            ),
            (
                $at,
                '<',
                concat!(
                    r#"{"id":"#,
                    $id,
                    r#","result":{"subscription":""#,
                    $name,
                    r#""}}"#
                ),
            ),
            (
                $at + 10,
                '<',
                concat!(
                    r#"{"method":"update","params":{"subscription":""#,
                    $name,
                    r#"","topic":""#,
                    $topic,
                    r#""}}"#
                ),
            ),
        ]
    };
}

#[test]
fn a_client_that_asks_for_both_gets_two_names_whether_or_not_the_engine_counts_them_anew() {
    // Both requests of the first came in one segment; the second's stream of trades is the longer.
    let mut both = [
        subscribed!(1, 4, "depth", "s-100"),
        subscribed!(1, 5, "trades", "s-101"),
    ]
    .concat();
    both.sort_by_key(|(at, by, _)| (*at, *by == '<'));
    let anew = subscribed!(1, 7, "trades", "s-100");
    let on = subscribed!(1, 7, "trades", "s-102");
    for (one, expected) in [(anew, "s-101"), (on, "s-102")] {
        let mut one = one.to_vec();
        one.push((21, '<', one[2].2));
        let (tape, learnt) = learnt(&session(&[("/", &both), ("/", &one)]));
        assert_eq!(learnt.unlearnt, Vec::<String>::new(), "{tape}");
        let says = [
            (
                "",
                r#"{"id":1,"method":"subscribe","params":{"topic":"trades"}}"#,
            ),
            (
                "update",
                r#"{"id":2,"method":"subscribe","params":{"topic":"depth"}}"#,
            ),
        ];
        let (got, _) = in_virtual_time(served(&tape, "/", &says, "depth"));
        let name_in = |text: &String| {
            let at = text.find("s-1").unwrap();
            text[at..at + 5].to_owned()
        };
        let depth = |text: &&String| text.contains(r#""id":2"#) || text.contains("depth");
        let (depth, trades): (Vec<&String>, Vec<&String>) = got.iter().partition(depth);
        let names = |texts: Vec<&String>| texts.into_iter().map(name_in).collect::<Vec<_>>();
        assert_eq!(names(depth), ["s-100", "s-100"], "{got:?}");
        assert!(trades.len() > 1, "{got:?}");
        assert!(names(trades).iter().all(|name| name == expected), "{got:?}");
    }
}

#[test]
fn one_name_for_two_things_is_told_where_no_connection_asked_for_both() {
    let depth = subscribed!(1, 4, "depth", "s-100");
    let trades = subscribed!(1, 5, "trades", "s-100");
    let (tape, learnt) = learnt(&session(&[("/", &depth), ("/", &trades)]));
    assert_eq!(
        learnt.unlearnt,
        [
            r#"the stream "trades" beside "depth": both are called "s-100", on different connections (record one client that asks for both)"#
        ],
        "{tape}"
    );
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
