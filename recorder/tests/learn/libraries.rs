//! Sessions of published libraries serve other clients of theirs.

use crate::session::{in_virtual_time, learnt, served};

/// Sessions of real libraries: `inputs/README.md` says which.
const SOCKET_IO: &str = include_str!("../inputs/learn/socketio.jsonl");
const SIGNALR: &str = include_str!("../inputs/learn/signalr.jsonl");
const CENTRIFUGE: &str = include_str!("../inputs/learn/centrifuge.jsonl");

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
