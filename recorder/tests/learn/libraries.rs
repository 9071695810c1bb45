//! Sessions of published libraries serve other clients of the same libraries.

use crate::session::{in_virtual_time, learn_to, learnt, served};

/// Sessions of real libraries: `inputs/README.md` says which.
const SOCKET_IO: &str = include_str!("../inputs/learn/socketio.jsonl");
const SIGNALR: &str = include_str!("../inputs/learn/signalr.jsonl");
const CENTRIFUGE: &str = include_str!("../inputs/learn/centrifuge.jsonl");
const PHOENIX: &str = include_str!("../inputs/learn/phoenix.jsonl");
const STOMP: &str = include_str!("../inputs/learn/stomp.jsonl");
const OCPP: &str = include_str!("../inputs/learn/ocpp.jsonl");
const CCXT_BINANCE: &str = include_str!("../inputs/learn/ccxt_binance.jsonl");
const PUSHER: &str = include_str!("../inputs/learn/pusher.jsonl");
const GRAPHQL_OF_OLD: &str = include_str!("../inputs/learn/stws.jsonl");

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
        // It lives, which is no request.
        ("\"id\":13", "{}"),
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
    assert_eq!(marks, ["no answer is due"]);
}

#[test]
fn a_session_of_phoenix_serves_a_client_with_other_numbers_in_another_order() {
    let (tape, learnt) = learnt(PHOENIX);
    let says = [
        ("", r#"["11","21","room:book","phx_join",{"since":0}]"#),
        (
            r#"["11","21","room:book","phx_reply",{"status":"ok""#,
            r#"["11","22","room:book","echo",{"say":"zebra"}]"#,
        ),
        (
            r#"["11","22","room:book","phx_reply",{"status":"ok","response":{"said":"zebra"}}]"#,
            r#"["31","31","room:trades","phx_join",{"since":0}]"#,
        ),
        (
            r#"[null,null,"room:trades","trade","#,
            r#"["31","32","room:trades","nonsense",{}]"#,
        ),
        (
            r#"["31","32","room:trades","phx_reply",{"status":"error""#,
            r#"[null,"33","phoenix","heartbeat",{}]"#,
        ),
        (
            r#"[null,"33","phoenix","phx_reply",{"status":"ok""#,
            r#"["11","34","room:book","phx_leave",{}]"#,
        ),
    ];
    let last = r#"["11","34","room:book","phx_reply",{"status":"ok","response":{}}]"#;
    let path = "/socket/websocket?lang=de&vsn=2.0.0";
    let (got, marks) = in_virtual_time(served(&tape, path, &says, last));
    let joined = r#"["31","31","room:trades","phx_reply",{"status":"ok","response":{"last":7}}]"#;
    assert!(got.contains(&joined.to_owned()), "{got:#?}");
    let state = r#"["31",null,"room:trades","presence_state",{}]"#;
    assert!(got.contains(&state.to_owned()), "{got:#?}");
    assert!(
        got.iter()
            .any(|text| text.contains(r#""room:book","trade""#)),
        "{got:#?}"
    );
    assert_eq!(marks, Vec::<String>::new());
    assert_eq!(learnt.unlearnt, Vec::<String>::new());
}

#[test]
fn a_session_of_stomp_serves_a_client_with_other_numbers_in_another_order() {
    let (tape, learnt) = learnt(STOMP);
    let says = [
        (
            "",
            "CONNECT\nlogin:eve\npasscode:pw\naccept-version:1.2\nheart-beat:0,0\n\n\0",
        ),
        (
            "CONNECTED\nversion:1.2\n",
            "SUBSCRIBE\nreceipt:q1\nid:sub-7\nack:auto\ndestination:/topic/book\n\n\0",
        ),
        (
            "RECEIPT\nreceipt-id:q1\n",
            "SUBSCRIBE\nreceipt:q2\nid:sub-8\ndestination:/topic/trades\n\n\0",
        ),
        (
            "MESSAGE\nsubscription:sub-7\n",
            "UNSUBSCRIBE\nid:sub-7\n\n\0",
        ),
    ];
    let last = "MESSAGE\nsubscription:sub-8\n";
    let (got, marks) = in_virtual_time(served(&tape, "/stomp", &says, last));
    let mut of_trades = got
        .iter()
        .filter(|text| text.contains("subscription:sub-8"));
    assert!(
        of_trades.all(|text| text.contains("destination:/topic/trades")),
        "{got:#?}"
    );
    assert!(
        !got.iter().any(|text| text.contains("content-length")),
        "{got:#?}"
    );
    assert!(got.iter().any(|text| text.contains("\"px\":")), "{got:#?}");
    assert_eq!(marks, Vec::<String>::new());
    let named = learnt.unlearnt.join("; ");
    assert!(
        named.starts_with("/session of the answer to CONNECT\\n"),
        "{named}"
    );
    assert_eq!(learnt.unlearnt[1..], ["Closes of the engine (2)"]);
}

#[test]
fn a_session_of_pusher_serves_a_client_of_other_channels_order() {
    let (tape, _) = learnt(PUSHER);
    let says = [
        (
            "",
            r#"{"event":"pusher:subscribe","data":{"auth":"","channel":"book"}}"#,
        ),
        (
            r#""event":"pusher_internal:subscription_succeeded","data":"{}","channel":"book""#,
            r#"{"event":"pusher:subscribe","data":{"auth":"","channel":"trades"}}"#,
        ),
    ];
    let last = r#""event":"trade","channel":"trades""#;
    let path = "/app/appkey123?protocol=7&client=js";
    let (got, marks) = in_virtual_time(served(&tape, path, &says, last));
    let greeted = |text: &String| text.contains("pusher:connection_established");
    assert!(got.iter().any(greeted), "{got:#?}");
    assert_eq!(marks, Vec::<String>::new());
}

#[test]
fn a_session_of_graphqls_first_protocol_serves_a_client_with_other_numbers() {
    let (tape, learnt) = learnt(GRAPHQL_OF_OLD);
    let trades = r#"{"id":"9","type":"start","payload":{"query":"subscription($channel: String) { trades(channel: $channel) { px at channel } }","variables":{"channel":"book"}}}"#;
    let says = [
        (
            "",
            r#"{"type":"connection_init","payload":{"authToken":"x"}}"#,
        ),
        (r#"{"type":"connection_ack"}"#, trades),
        (r#""type":"data","id":"9""#, r#"{"id":"9","type":"stop"}"#),
    ];
    let (got, marks) = in_virtual_time(served(
        &tape,
        "/graphql",
        &says,
        r#""type":"complete","id":"9""#,
    ));
    assert!(
        got.iter().any(|text| text.contains(r#""channel":"book""#)),
        "{got:#?}"
    );
    assert_eq!(marks, Vec::<String>::new());
    assert_eq!(learnt.unlearnt, ["Closes of the engine (1)"]);
}

#[test]
fn a_session_in_bytes_says_what_to_do_instead() {
    let session = r#"{"tape":1,"needs":["connections"]}
{"at_ms":1,"conn":1,"received":{"kind":"binary","binary":"EAwABE1RVFQEAgA8AAA="}}
{"at_ms":2,"conn":1,"binary":"IAIAAA=="}
"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("learnt.jsonl");
    let error = learn_to(session, &path).unwrap_err().to_string();
    assert!(error.contains("1 binary messages"), "{error}");
    assert!(error.contains("wstape serve session"), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_session_of_ocpp_serves_a_charge_point_of_another_name_and_numbers() {
    let (tape, _) = learnt(OCPP);
    let says = [
        (
            "",
            r#"[2,"0f-a","BootNotification",{"chargePointModel":"M9","chargePointVendor":"V"}]"#,
        ),
        (
            r#"[3,"0f-a",{"currentTime""#,
            r#"[2,"0f-b","Authorize",{"idTag":"ANOTHER"}]"#,
        ),
        (r#"[3,"0f-b",{"idTagInfo""#, r#"[2,"0f-c","Heartbeat",{}]"#),
        ("TriggerMessage", r#"[3,"srv-1",{"status":"Accepted"}]"#),
        (
            r#"[3,"0f-c",{"currentTime""#,
            r#"[2,"0f-d","StatusNotification",{"connectorId":2,"errorCode":"NoError","status":"Charging"}]"#,
        ),
    ];
    let last = r#"[3,"0f-d",{}]"#;
    let (_, marks) = in_virtual_time(served(&tape, "/CP_another", &says, last));
    assert_eq!(marks, ["the client answers a call of the engine's"]);
}

#[test]
fn paths_that_a_library_numbers_serve_a_client_that_asks_on_another() {
    let (tape, _) = learnt(CCXT_BINANCE);
    let says = [(
        "",
        r#"{"method":"SUBSCRIBE","params":["ethusdt@trade"],"id":7}"#,
    )];
    let (got, marks) = in_virtual_time(served(&tape, "/ws/5", &says, "ETHUSDT"));
    assert!(
        got.iter().any(|text| text.contains(r#""id": 7"#)),
        "{got:#?}"
    );
    assert_eq!(marks, Vec::<String>::new());
}
