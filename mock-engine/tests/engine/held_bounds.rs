//! How much is held for connections that have not come.

use crate::held::HELD;
use crate::world::{Arm, World, in_memory};

#[test]
fn more_than_is_held_for_a_connection_is_lost_in_the_journal() {
    // 24 MiB each: two fit, and what is smaller may not overtake the third, which it follows.
    let big = format!(
        r#"{{"at_ms":1,"conn":1,"text":"{}"}}"#,
        "x".repeat(24 << 20)
    );
    let lines: &[&str] = &[
        HELD,
        &big,
        &big,
        &big,
        r#"{"at_ms":2,"conn":1,"text":"small"}"#,
        r#"{"at_ms":2,"conn":1,"drop":"fin"}"#,
        r#"{"at_ms":2,"conn":1,"accept":{}}"#,
    ];
    let (journal, len) = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        world.engine.finished().await.unwrap();
        let lines = world.lines();
        (lines, world.connect().await.all().await.0.len())
    });
    assert_eq!(
        journal[1..],
        [
            "0.001000 #1 held: no more room",
            "0.001000 #1 lost text",
            "0.002000 #1 lost text",
            "0.002000 #1 accept changed",
        ]
    );
    assert_eq!(len, 2 * ((24 << 20) + 10));
}

#[test]
fn nothing_is_held_for_more_connections_than_the_bound() {
    let most = wstape_mock_engine::MAX_HELD_CONNECTIONS;
    let accepts = (1..=most + 1).map(|n| format!(r#"{{"at_ms":1,"conn":{n},"accept":{{}}}}"#));
    let texts = (most..=most + 1).map(|n| format!(r#"{{"at_ms":2,"conn":{n},"text":"x"}}"#));
    let lines: Vec<String> = std::iter::once(HELD.to_owned())
        .chain(accepts)
        .chain(texts)
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let journal = in_memory(async {
        let world = World::playing(Arm::Virtual, &[&lines]).await;
        world.engine.finished().await.unwrap();
        world.lines()
    });
    let beyond = most + 1;
    assert_eq!(
        journal[most + 1..],
        [
            format!("0.001000 #{beyond} held: no more room"),
            format!("0.001000 #{beyond} lost accept"),
            format!("0.002000 #{beyond} held: no more room"),
            format!("0.002000 #{beyond} lost text"),
        ]
    );
}
