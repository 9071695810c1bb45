//! Dialogues: what an engine answers to what a client says.

use std::time::Duration;

use wstape_mock_engine::{Engine, StartAt};
use wstape_tape::{Action, Match, Step};

use crate::talk::{CLOSE, PING, TEXT, answers, playing};
use crate::world::{Arm, World, in_memory, masked, over_tcp, tape};

#[test]
fn an_answer_takes_the_id_of_the_message_as_it_stands_in_both_worlds() {
    let lines: &[&str] = &[
        r##"{"on_message":{"json":{"op":"subscribe"}},"json":{"id":"${/id}","ok":"#${/args/0}: ${/args}", "n":"${count}"}}"##,
        r#"{"on_message":{"text":"ping"},"text":"pong"}"#,
    ];
    let talk = |arm| async move {
        let world = World::playing(arm, &[lines]).await;
        let mut client = world.connect().await;
        let first = client
            .ask(r#"{"args":["a\"b", 1.50],"id":1.50e1,"op":"subscribe"}"#)
            .await;
        (
            first,
            client.ask("ping").await,
            client.ask(r#"{"op":"subscribe"}"#).await,
            world.lines(),
        )
    };
    for (first, pong, second, journal) in [in_memory(talk(Arm::Virtual)), over_tcp(talk(Arm::Tcp))]
    {
        assert_eq!(
            first,
            r##"{"id":1.50e1,"ok":"#a\"b: [\"a\\\"b\", 1.50]", "n":1}"##
        );
        assert_eq!(pong, "pong");
        assert_eq!(second, r##"{"id":null,"ok":"#: ", "n":2}"##);
        let noted = journal
            .iter()
            .filter(|line| line.contains("leads to nothing"));
        assert_eq!(noted.count(), 3, "{journal:?}");
    }
}

#[test]
fn every_step_that_holds_happens_by_layer_and_line_and_unmatched_where_none_does() {
    let base: &[&str] = &[
        r#"{"on_message":{"contains":"a"},"text":"contains ${count}"}"#,
        r#"{"on_message":{"regex":"^(?<first>.)(?<rest>.*)$"},"json":["${rest}","${first}!"]}"#,
        r#"{"on_message":{"contains":"a","nth":2},"text":"second"}"#,
        r#"{"on_message":{"unmatched":true},"text":"never"}"#,
    ];
    let over: &[&str] = &[
        r#"{"on_message":{"text":"xa"},"text":"over"}"#,
        r#"{"on_message":{"unmatched":true},"text":"unmatched"}"#,
        r#"{"on_message":{"unmatched":true,"contains":"b"},"text":"and has a b"}"#,
    ];
    let heard = in_memory(async {
        let world = World::playing(Arm::Virtual, &[base, over]).await;
        let mut client = world.connect().await;
        let mut heard = Vec::new();
        for (text, many) in [("xa", 3), ("ab", 5)] {
            client.say(text).await;
            for _ in 0..many {
                heard.push(client.hear().await);
            }
        }
        heard
    });
    assert_eq!(
        heard,
        [
            "contains 1",
            r#"["a","x!"]"#,
            "over",
            "contains 2",
            r#"["b","a!"]"#,
            "second",
            "unmatched",
            "and has a b",
        ]
    );
}

#[test]
fn an_overlay_that_answers_instead_hides_the_message_from_the_layers_below() {
    let base: &[&str] = &[r#"{"on_message":{},"text":"base ${count}"}"#];
    let over: &[&str] = &[r#"{"on_message":{"text":"x"},"instead":true,"times":1,"text":"over"}"#];
    let heard = in_memory(async {
        let world = World::playing(Arm::Virtual, &[base, over]).await;
        let mut client = world.connect().await;
        [
            client.ask("x").await,
            client.ask("x").await,
            client.ask("y").await,
        ]
    });
    assert_eq!(heard, ["over", "base 1", "base 2"]);
}

#[test]
fn fragments_are_one_message_and_control_frames_are_heard_by_name_only() {
    let lines: &[&str] = &[
        r#"{"on_message":{"nth":1},"text":"first"}"#,
        r#"{"on_message":{"text":"ab"},"text":"whole"}"#,
        r#"{"on_message":{"kind":"ping","text":"p"},"pong":"mine"}"#,
        r#"{"on_message":{"kind":"ping","text":"q"},"text":"besides"}"#,
        r#"{"on_message":{"kind":"close"},"close":{"code":4000,"reason":"you said: ${/why}"}}"#,
    ];
    let (heard, end) = in_memory(async {
        let world = playing(lines).await;
        let mut client = world.connect().await;
        let mut first = masked(TEXT, b"a");
        first[0] &= 0x7f;
        client.send(&first).await;
        client.send(&masked(PING, b"p")).await;
        client.send(&masked(0, b"b")).await;
        client.send(&masked(PING, b"q")).await;
        client
            .send(&masked(CLOSE, b"\x03\xe8{\"why\":\"bye\"}"))
            .await;
        let mut heard = Vec::new();
        for _ in 0..6 {
            heard.push(client.hear().await);
        }
        (heard, client.read().await)
    });
    assert_eq!(
        heard,
        [
            "pong mine",
            "first",
            "whole",
            "besides",
            "pong q",
            "close 4000 you said: bye"
        ]
    );
    assert_eq!(end, Err("eof".to_owned()));
}

#[test]
fn a_close_that_is_answered_later_is_answered_once_and_then_the_connection_ends() {
    let lines: &[&str] = &[
        r#"{"on_message":{"kind":"close"},"after_ms":200,"close":{"code":1001}}"#,
        r#"{"at_ms":100,"text":"meanwhile"}"#,
    ];
    let seen = in_memory(async {
        let world = playing(lines).await;
        let mut client = world.connect().await;
        client.send(&masked(CLOSE, b"\x03\xe8")).await;
        client.reads().await
    });
    assert_eq!(
        seen,
        [
            "0.100000 \\x81\\tmeanwhile",
            "0.200000 \\x88\\x02\\x03\\xe9",
            "0.200000 eof"
        ]
    );
}

#[test]
fn answers_come_so_long_after_their_message_and_only_so_often() {
    let lines: &[&str] =
        &[r#"{"on_message":{"text":"a"},"after_ms":20,"times":2,"text":"late ${count}"}"#];
    let heard = in_memory(async {
        let world = playing(lines).await;
        let mut client = world.connect().await;
        client.say("a").await;
        world.sleep_until(5).await;
        client.say("a").await;
        client.say("a").await;
        client.hear_until(&world, 1_000).await
    });
    assert_eq!(heard, ["20 late 1", "25 late 2"]);
}

#[test]
fn a_silence_is_told_once_and_each_frame_begins_another() {
    let lines: &[&str] = &[
        r#"{"on_silence_ms":100,"text":"silent ${count}"}"#,
        r#"{"on_silence_ms":250,"conn":1,"times":1,"drop":"fin"}"#,
        r#"{"on_silence_ms":50,"conn":{"from":2},"text":"another's"}"#,
    ];
    let (heard, end) = in_memory(async {
        let world = playing(lines).await;
        let mut client = world.connect().await;
        world.sleep_until(60).await;
        client.send(&masked(PING, b"")).await;
        assert_eq!(client.hear().await, "pong ");
        let mut heard = client.hear_until(&world, 300).await;
        client.send(&masked(PING, b"")).await;
        assert_eq!(client.hear().await, "pong ");
        heard.extend(client.hear_until(&world, 540).await);
        (heard, client.reads().await)
    });
    assert_eq!(heard, ["160 silent 1", "400 silent 2"]);
    assert_eq!(end, ["0.550000 eof"]);
}

#[test]
fn an_overlay_answers_for_a_tape_that_holds_its_answers_and_ends_its_wait_for_a_close() {
    let base: &[&str] = &[
        r#"{"at_ms":0,"answers":"held"}"#,
        r#"{"at_ms":1,"conn":1,"accept":{}}"#,
        r#"{"at_ms":5000,"end":true}"#,
    ];
    let over: &[&str] = &[
        r#"{"on_message":{"text":"ping"},"text":"pong ${conn}"}"#,
        r#"{"on_message":{"kind":"close"},"close":{"code":1000}}"#,
    ];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[base, over]).await;
        let mut client = world.connect().await;
        let pong = client.ask("ping").await;
        client.send(&masked(CLOSE, b"\x03\xe8")).await;
        (pong, client.reads().await)
    });
    assert_eq!(seen.0, "pong 1");
    assert_eq!(seen.1, ["0.001000 \\x88\\x02\\x03\\xe8", "0.001000 eof"]);
}

#[test]
fn an_action_of_a_dialogue_is_on_its_connection_only() {
    let lines: &[&str] = &[
        r#"{"on_message":{"text":"stall"},"partition":"to_client","for_ms":100}"#,
        r#"{"on_message":{"text":"die"},"drop":"reset"}"#,
        r#"{"on_message":{"text":"all die"},"down":true}"#,
        r#"{"at_ms":50,"text":"to all"}"#,
    ];
    in_memory(async {
        let world = playing(lines).await;
        let (mut one, mut two, mut three) = (
            world.connect().await,
            world.connect().await,
            world.connect().await,
        );
        one.say("stall").await;
        two.say("die").await;
        assert_eq!(two.read().await, Err("reset".to_owned()));
        assert_eq!(three.hear_until(&world, 60).await, ["50 to all"]);
        assert_eq!(one.hear_until(&world, 150).await, ["100 to all"]);
        one.say("all die").await;
        assert_eq!(three.read().await, Err("reset".to_owned()));
        assert!(world.dial().await.is_err());
    });
}

#[test]
fn steps_posted_to_a_running_engine_hold_for_open_connections_too() {
    in_memory(async {
        let world = World::bare().await;
        let mut client = world.connect().await;
        client.say("x").await;
        let answer = Action::Json(r#"{"you":"${/id}"}"#.into());
        let hello = Match::new().json(r#"{"op":"hello"}"#).unwrap();
        world.engine.apply(Step::on_message(hello, answer));
        assert_eq!(
            client.ask(r#"{"op":"hello","id":"a"}"#).await,
            r#"{"you":"a"}"#
        );
    });
}

#[test]
fn nothing_is_played_to_the_first_while_the_others_dial() {
    for speed in ["1", "max"] {
        let events: Vec<String> = (0..600)
            .map(|n| format!(r#"{{"at_ms":0,"text":"{n}"}}"#))
            .collect();
        let lines: Vec<&str> = events.iter().map(String::as_str).collect();
        let heard = in_memory(async {
            let builder = Engine::builder()
                .layer(tape(&lines))
                .speed(speed.parse().unwrap())
                .start_at(StartAt::Connections(4));
            let world = World::build(Arm::Virtual, builder).await;
            let mut clients = Vec::new();
            for _ in 0..4 {
                clients.push(world.connect().await);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let mut heard = Vec::new();
            for mut client in clients {
                heard.push((client.hear().await, world.engine.accepted()));
            }
            heard
        });
        assert_eq!(heard, vec![("0".to_owned(), 4); 4], "at {speed}");
    }
}

#[test]
fn a_tape_with_dialogues_is_played_to_a_client_that_sends_anything_without_a_panic() {
    // What no step is for, what is no JSON, and what is cut in the middle.
    let said = [
        "",
        "{",
        "[1,2",
        "null",
        "{\"id\":{}}",
        "{\"id\":\"\\ud83d\\ude00\"}",
    ];
    let lines: &[&str] = &[
        r#"{"on_message":{},"text":"<${/id}>"}"#,
        r#"{"on_message":{"jsonpath":"$..*"},"mark":"path"}"#,
    ];
    let heard = answers(lines, &said);
    assert_eq!(heard, ["<>", "<>", "<>", "<>", "<{}>", "<😀>"]);
}
