//! Paths: which of them upgrade to a `WebSocket`, and whose numbers and steps they have.

use wstape_mock_engine::Engine;

use crate::talk::{playing, upgrade_of};
use crate::world::{Arm, World, in_memory, upgrade_request};

#[test]
fn a_path_has_its_own_numbers_and_steps_and_any_other_is_a_websocket_too() {
    let lines: &[&str] = &[
        r#"{"on_connect":1,"path":"/private","text":"first private, ${path} ${query:who} #${conn}"}"#,
        r#"{"on_connect":{"from":2},"path":"/private","text":"a later private"}"#,
        r#"{"on_message":{},"path":"/public/*","text":"public"}"#,
        r#"{"on_message":{},"path":"/private","conn":2,"text":"second private"}"#,
        r#"{"at_ms":0,"path":"/closed","refuse":{"status":403,"headers":{"x-path":"${path}","retry-after":"${date:65}","x-now":"${date}"}}}"#,
        r#"{"at_ms":50,"path":"/private","json":{"to":"all private"}}"#,
        r#"{"at_ms":60,"path":"/private","conn":2,"drop":"fin"}"#,
    ];
    in_memory(async {
        let world = playing(lines).await;
        let mut public = world.connect_at("/public/a?x=1").await;
        let mut one = world.connect_at("/private?who=%C3%A9+b").await;
        let mut two = world.connect_at("/private").await;
        assert_eq!(one.hear().await, "first private, /private é b #2");
        assert_eq!(two.hear().await, "a later private");
        assert_eq!(public.ask("x").await, "public");
        assert_eq!(two.ask("x").await, "second private");
        one.say("x").await;
        let mut refused = world.dial().await.unwrap();
        refused.send(&upgrade_of("/closed")).await;
        let head = refused.head().await.unwrap();
        assert!(
            head.contains("403") && head.contains("x-path: /closed"),
            "{head}"
        );
        // The tape's own clock: its epoch is the beginning of 2026, a Thursday.
        for line in [
            "retry-after: Thu, 01 Jan 2026 00:01:05 GMT",
            "x-now: Thu, 01 Jan 2026 00:00:00 GMT",
        ] {
            assert!(head.contains(line), "{head}");
        }
        assert_eq!(
            one.hear_until(&world, 100).await,
            [r#"50 {"to":"all private"}"#]
        );
        assert_eq!(two.hear().await, r#"{"to":"all private"}"#);
        assert_eq!(two.read().await, Err("eof".to_owned()));
        assert_eq!(public.hear_until(&world, 200).await, Vec::<String>::new());
    });
}

#[test]
fn a_list_in_the_query_starts_a_scene_a_part_and_none_for_a_part_that_is_not_there() {
    let lines = [
        r#"{"on_connect":"each","after_frames":0,"start":{"scene":"one","as":"${query:streams/0}"}}"#,
        r#"{"on_connect":"each","after_frames":0,"start":{"scene":"two","as":"${query:streams/1}"}}"#,
        r#"{"on_connect":"each","after_frames":0,"start":{"scene":"three","as":"${query:streams/2}"}}"#,
        r#"{"scene":"one","every_ms":1000,"text":"${query:streams/0} of ${query:streams}"}"#,
        r#"{"scene":"two","every_ms":1000,"text":"${query:streams/1}"}"#,
        r#"{"scene":"three","every_ms":1000,"text":"${query:streams/2}"}"#,
        r#"{"at_ms":9000,"end":true}"#,
    ];
    let (heard, alone, journal) = in_memory(async {
        let world = playing(&lines).await;
        let mut client = world.connect_at("/stream?streams=a@trade%2Fb@depth").await;
        let mut other = world.connect_at("/stream?streams=c/").await;
        let heard = client.hear_until(&world, 500).await;
        let alone = other.hear_until(&world, 501).await;
        let entries = world.engine.journal().take();
        let journal: Vec<String> = entries.iter().map(ToString::to_string).collect();
        (heard, alone, journal)
    });
    assert_eq!(heard, ["0 a@trade of a@trade/b@depth", "0 b@depth"]);
    assert!(alone.iter().all(|it| it.contains(" c of c/")), "{alone:?}");
    assert_eq!(alone.len(), 1);
    assert!(
        !journal.iter().any(|it| it.contains("leads to nothing")),
        "{journal:#?}"
    );
}

#[test]
fn only_the_paths_that_were_asked_for_are_websockets() {
    let seen = in_memory(async {
        let builder = Engine::builder().path("/a").path("/b");
        let world = World::build(Arm::Virtual, builder).await;
        assert_eq!(world.engine.url(), "ws://mock-engine/a");
        let mut seen = Vec::new();
        for target in ["/a", "/b?c", "/ws"] {
            let mut client = world.dial().await.unwrap();
            client.send(&upgrade_of(target)).await;
            seen.push(client.head().await.unwrap()[9..12].to_owned());
        }
        seen
    });
    assert_eq!(seen, ["101", "101", "404"]);
}

#[test]
fn a_recording_plays_at_the_path_that_it_was_made_at() {
    let lines: &[&str] = &[
        r#"{"at_ms":0,"answers":"held"}"#,
        r#"{"at_ms":5,"conn":1,"received":{"kind":"open","path":"/api/v5?t=1"}}"#,
        r#"{"at_ms":6,"conn":1,"accept":{}}"#,
    ];
    let url = in_memory(async { World::playing(Arm::Virtual, &[lines]).await.engine.url() });
    assert_eq!(url, "ws://mock-engine/api/v5");
}

#[test]
fn a_tape_whose_steps_name_paths_plays_at_the_first_that_is_whole() {
    let url = |lines: &'static [&'static str]| {
        in_memory(async { World::playing(Arm::Virtual, &[lines]).await.engine.url() })
    };
    let named: &[&str] = &[
        r#"{"on_connect":"each","path":"/feeds/*","text":"to all"}"#,
        r#"{"at_ms":1,"path":"/v1/market","text":"to some"}"#,
        r#"{"at_ms":2,"path":"/v1/user","text":"to others"}"#,
    ];
    assert_eq!(url(named), "ws://mock-engine/v1/market");
    assert_eq!(url(&named[..1]), "ws://mock-engine/ws");
}

#[test]
fn a_plain_request_gives_its_number_and_the_steps_of_it_back() {
    let lines: &[&str] = &[
        r#"{"on_connect":1,"after_ms":5,"text":"to the first"}"#,
        r#"{"on_connect":2,"text":"to the second"}"#,
        r#"{"on_message":{},"conn":1,"text":"you are the first"}"#,
        r#"{"at_ms":0,"http":{"path":"/status","body":{"ws":"${url}","path":"${path}"}}}"#,
        r#"{"at_ms":0,"conn":1,"latency_ms":3}"#,
        r#"{"at_ms":60,"conn":1,"text":"at 60"}"#,
    ];
    in_memory(async {
        let world = playing(lines).await;
        let mut get = world.dial().await.unwrap();
        get.send(b"GET /status?a HTTP/1.1\r\nHost: h\r\n\r\n").await;
        let head = get.head().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let body = r#"{"ws":"ws://mock-engine/ws","path":"/status"}"#;
        assert_eq!(get.exactly(body.len()).await, body.as_bytes());
        let mut one = world.connect().await;
        // A connection that is kept alive and asks again is another one.
        get.send(&upgrade_request("")).await;
        assert!(get.head().await.unwrap().starts_with("HTTP/1.1 101"));
        assert_eq!(get.hear().await, "to the second");
        assert_eq!(one.hear().await, "to the first");
        assert_eq!(one.ask("x").await, "you are the first");
        assert_eq!(one.hear_until(&world, 100).await, ["63 at 60"]);
        assert_eq!(get.hear_until(&world, 200).await, Vec::<String>::new());
    });
}
