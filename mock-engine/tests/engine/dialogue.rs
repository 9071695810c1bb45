//! Dialogues: what an engine answers to what a client says.

use std::time::Duration;

use wstape_mock_engine::{Engine, StartAt};
use wstape_tape::{Action, Match, Micros, Step, Tape};

use crate::world::{Arm, Client, World, in_memory, masked, over_tcp, tape, upgrade_request};

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;

/// An upgrade of another path than the usual.
fn upgrade_of(target: &str) -> Vec<u8> {
    String::from_utf8(upgrade_request(""))
        .unwrap()
        .replace("/ws", target)
        .into_bytes()
}

impl World {
    async fn connect_at(&self, target: &str) -> Client {
        let mut client = self.dial().await.unwrap();
        client.send(&upgrade_of(target)).await;
        let head = client.head().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }

    async fn sleep_until(&self, ms: u64) {
        self.engine.clock().sleep_until(Micros::from_ms(ms)).await;
    }
}

impl Client {
    async fn say(&mut self, text: &str) {
        let frame = if text.len() < 126 {
            masked(TEXT, text.as_bytes())
        } else {
            let len = u16::try_from(text.len()).unwrap().to_be_bytes();
            [
                &[0x81, 0x80 | 0x7e, len[0], len[1], 0, 0, 0, 0],
                text.as_bytes(),
            ]
            .concat()
        };
        self.send(&frame).await;
    }

    /// The next frame: what it says, a control frame by its kind, and how it ended.
    async fn hear(&mut self) -> String {
        let head = self.exactly(2).await;
        let len = match head[1] {
            126 => {
                let len = self.exactly(2).await;
                usize::from(u16::from_be_bytes([len[0], len[1]]))
            }
            short => usize::from(short),
        };
        let payload = self.exactly(len).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match head[0] {
            0x81 => text(&payload),
            0x82 => format!("binary {}", payload.escape_ascii()),
            0x88 => match payload.get(..2) {
                Some(code) => {
                    let code = u16::from_be_bytes([code[0], code[1]]);
                    format!("close {code} {}", text(&payload[2..]))
                }
                None => "close".to_owned(),
            },
            0x89 => format!("ping {}", text(&payload)),
            0x8a => format!("pong {}", text(&payload)),
            first => format!("frame {first:x} {}", text(&payload)),
        }
    }

    async fn ask(&mut self, text: &str) -> String {
        self.say(text).await;
        self.hear().await
    }

    /// All that comes up to a time, each with its time in milliseconds; then what is silence is
    /// over.
    async fn hear_until(&mut self, world: &World, ms: u64) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let clock = world.engine.clock();
            tokio::select! {
                biased;
                frame = self.hear() => {
                    heard.push(format!("{} {frame}", clock.now().to_ms_text()));
                }
                () = clock.sleep_until(Micros::from_ms(ms)) => return heard,
            }
        }
    }
}

async fn playing(lines: &[&str]) -> World {
    World::playing(Arm::Virtual, &[lines]).await
}

/// What a client that says these hears, each answer in its turn.
fn answers(lines: &[&str], said: &[&str]) -> Vec<String> {
    in_memory(async {
        let world = playing(lines).await;
        let mut client = world.connect().await;
        let mut heard = Vec::new();
        for text in said {
            heard.push(client.ask(text).await);
        }
        heard
    })
}

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

const FEED: &[&str] = &[
    r#"{"on_message":{"json":{"op":"subscribe"}},"start":{"scene":"feed","as":"${/channel}"}}"#,
    r#"{"on_message":{"json":{"op":"unsubscribe"}},"stop":"${/channel}"}"#,
    r#"{"scene":"feed","every_ms":100,"json":["${/channel}","${count}"]}"#,
    r#"{"scene":"feed","after_ms":50,"text":"once"}"#,
];

fn subscribe(channel: &str) -> String {
    format!(r#"{{"op":"subscribe","channel":"{channel}"}}"#)
}

/// What a client hears up to a time that subscribes to `a` at 0, with these steps at their times.
fn fed(faults: &[&str], until: u64) -> Vec<String> {
    in_memory(async {
        let world = playing(&[FEED, faults].concat()).await;
        let mut client = world.connect().await;
        client.say(&subscribe("a")).await;
        client.hear_until(&world, until).await
    })
}

#[test]
fn a_scene_runs_for_who_asked_and_is_lost_with_its_connection() {
    let (first, second, third) = in_memory(async {
        let world = playing(FEED).await;
        let mut client = world.connect().await;
        client.say(&subscribe("a")).await;
        world.sleep_until(120).await;
        client.say(&subscribe("b")).await;
        // One run per name: this changes nothing.
        client.say(&subscribe("a")).await;
        client.say(r#"{"op":"unsubscribe","channel":"a"}"#).await;
        let first = client.hear_until(&world, 330).await;
        client.say(&subscribe("a")).await;
        let second = client.hear_until(&world, 450).await;
        drop(client);
        let mut again = world.connect().await;
        (first, second, again.hear_until(&world, 2_000).await)
    });
    assert_eq!(
        first,
        [
            r#"0 ["a",1]"#,
            "50 once",
            r#"100 ["a",2]"#,
            r#"120 ["b",1]"#,
            "170 once",
            r#"220 ["b",2]"#,
            r#"320 ["b",3]"#,
        ]
        .map(|line| {
            // What came while the client did something else is read when it listens again.
            let (at, rest) = line.split_once(' ').unwrap();
            let at: u64 = at.parse().unwrap();
            format!("{} {rest}", at.max(120))
        })
    );
    // Its count goes on, and one that happens once has happened.
    assert_eq!(
        second,
        [
            r#"330 ["a",3]"#,
            "380 once",
            r#"420 ["b",4]"#,
            r#"430 ["a",4]"#
        ]
    );
    assert_eq!(third, Vec::<String>::new());
}

#[test]
fn the_faults_of_scenes_leave_the_count_alone() {
    for (fault, heard) in [
        (
            r#"{"at_ms":150,"gap":{"scene":"a","next":2}}"#,
            &[
                r#"0 ["a",1]"#,
                "50 once",
                r#"100 ["a",2]"#,
                r#"400 ["a",5]"#,
            ][..],
        ),
        (
            r#"{"at_ms":150,"mute":{"any":1},"for_ms":200}"#,
            &[
                r#"0 ["a",1]"#,
                "50 once",
                r#"100 ["a",2]"#,
                r#"400 ["a",5]"#,
            ],
        ),
        (
            r#"{"at_ms":150,"repeat":"a"}"#,
            &[
                r#"0 ["a",1]"#,
                "50 once",
                r#"100 ["a",2]"#,
                r#"200 ["a",3]"#,
                r#"200 ["a",3]"#,
                r#"300 ["a",4]"#,
                r#"400 ["a",5]"#,
            ],
        ),
        (
            r#"{"at_ms":150,"conn":1,"late":{"scene":"a","by_ms":150}}"#,
            &[
                r#"0 ["a",1]"#,
                "50 once",
                r#"100 ["a",2]"#,
                r#"300 ["a",4]"#,
                r#"350 ["a",3]"#,
                r#"400 ["a",5]"#,
            ],
        ),
        (
            r#"{"at_ms":150,"stop":"a"}"#,
            &[r#"0 ["a",1]"#, "50 once", r#"100 ["a",2]"#],
        ),
    ] {
        assert_eq!(fed(&[fault], 450), heard, "{fault}");
    }
    // A repeated message is the same one, so that it can be told.
    assert_eq!(fed(&[r#"{"at_ms":50,"mute":"nobody"}"#], 60).len(), 2);
}

#[test]
fn scenes_beyond_the_bound_are_lost_and_the_journal_says_so() {
    let lines: &[&str] = &[
        r#"{"on_message":{},"start":{"scene":"s","as":"${/n}"}}"#,
        r#"{"scene":"s","text":"${/n}"}"#,
    ];
    let (last, journal) = in_memory(async {
        let world = playing(lines).await;
        let mut client = world.connect().await;
        let mut last = String::new();
        for n in 0..=wstape_mock_engine::MAX_SCENES {
            client.say(&format!(r#"{{"n":{n}}}"#)).await;
        }
        for _ in 0..wstape_mock_engine::MAX_SCENES {
            last = client.hear().await;
        }
        (last, world.lines())
    });
    assert_eq!(last, "63");
    assert!(
        journal.contains(&"0.000000 #1 lost start s as 64".to_owned()),
        "{journal:?}"
    );
}

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

#[test]
fn json_in_a_frame_of_socket_ios_or_signalrs_is_looked_at_like_any_other() {
    let lines = [
        r#"{"on_message":{"regex":"^42(?<ack>[0-9]+)\\[","jsonpath":"$[?$[0] == 'sub']"},"text":"43${ack}[\"${/1/channel}\"]"}"#,
        r#"{"on_message":{"json":{"target":"Sub"}},"text":"{\"type\":3,\"invocationId\":\"${/invocationId}\"}\u001e"}"#,
    ];
    let said = [
        r#"4217["sub",{"channel":"trades"}]"#,
        "{\"type\":1,\"target\":\"Sub\",\"invocationId\":\"9\"}\u{1e}",
    ];
    let expected = [
        r#"4317["trades"]"#,
        "{\"type\":3,\"invocationId\":\"9\"}\u{1e}",
    ];
    assert_eq!(answers(&lines, &said), expected);
}

#[test]
fn each_record_of_a_message_that_holds_several_is_looked_at_and_a_text_as_a_whole() {
    in_memory(async {
        let world = playing(&[
            r#"{"on_message":{"json":{"sub":{}}},"json":{"id":"${/id}","sub":{}}}"#,
            r#"{"on_message":{"contains":"sub"},"text":"once"}"#,
            r#"{"on_message":{"unmatched":true},"text":"${/id}?"}"#,
        ])
        .await;
        let mut client = world.connect().await;
        let records = "{\"id\":1,\"sub\":{}}\n{\"id\":2,\"none\":{}}\n{\"id\":3,\"sub\":{}}";
        let mut heard = vec![client.ask(records).await];
        for _ in 0..3 {
            heard.push(client.hear().await);
        }
        let expected = ["once", r#"{"id":1,"sub":{}}"#, "2?", r#"{"id":3,"sub":{}}"#];
        assert_eq!(heard, expected);
    });
}
