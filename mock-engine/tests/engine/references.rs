//! References: what `${…}` stands for in anything that a step sends.

use wstape_mock_engine::Engine;
use wstape_tape::Tape;

use crate::talk::playing;
use crate::world::{Arm, World, in_memory, tape};

#[test]
fn references_mean_nothing_in_a_tape_that_does_not_need_dialogues() {
    let plain = "{\"tape\":1}\n{\"on_connect\":\"each\",\"text\":\"${now} ${\"}\n\
                 {\"at_ms\":0,\"http\":{\"path\":\"/a\",\"body\":\"${now}\"}}\n";
    in_memory(async {
        let builder = Engine::builder().layer(Tape::parse("plain", plain).unwrap());
        let world = World::build(Arm::Virtual, builder).await;
        world.engine.start();
        let mut client = world.connect().await;
        assert_eq!(client.hear().await, "${now} ${");
        let mut get = world.dial().await.unwrap();
        get.send(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            .await;
        let (bytes, _) = get.all().await;
        assert!(
            bytes.ends_with(b"\r\n\r\n${now}"),
            "{}",
            bytes.escape_ascii()
        );
    });
}

#[test]
fn references_stand_for_time_and_connection_wherever_a_step_speaks() {
    let lines: &[&str] = &[
        r##"{"on_connect":"each","after_ms":7,"ping":"#${conn}"}"##,
        r#"{"on_message":{"regex":"(?<name>.*)"},"close":{"code":4001,"reason":"${name}${name}${name}"}}"#,
        r#"{"at_ms":5,"json":{"t":"${now}","ms":"${now_ms}","c":"${conn}","at":"at ${now_ms}","$":"$${conn}"}}"#,
    ];
    in_memory(async {
        let world = playing(lines).await;
        let (mut one, mut two) = (world.connect().await, world.connect().await);
        let said = |conn| {
            format!(
                r#"{{"t":"2026-01-01T00:00:00.005000Z","ms":1767225600005,"c":{conn},"at":"at 1767225600005","$":"${{conn}}"}}"#
            )
        };
        assert_eq!((one.hear().await, two.hear().await), (said(1), said(2)));
        assert_eq!(
            (one.hear().await, two.hear().await),
            ("ping #1".into(), "ping #2".into())
        );
        let close = one.ask(&"é".repeat(50)).await;
        // Three times a hundred bytes, cut to 123 and not within a character.
        assert_eq!(close, format!("close 4001 {}", "é".repeat(61)));
    });
}

#[test]
fn names_of_engines_stand_for_where_they_are_dialled() {
    let lines: &[&str] = &[r#"{"on_message":{},"json":["${url}","${url:other}","${url:nobody}"]}"#];
    in_memory(async {
        let urls = wstape_mock_engine::Urls::default();
        urls.set("other", "wss://other.example/ws");
        let builder = Engine::builder().urls(urls).layer(tape(lines));
        let world = World::build(Arm::Virtual, builder).await;
        world.engine.start();
        let mut client = world.connect().await;
        assert_eq!(
            client.ask("x").await,
            r#"["ws://mock-engine/ws","wss://other.example/ws",null]"#
        );
    });
}
