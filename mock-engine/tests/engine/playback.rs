//! The player: time, order, speed, repetition, ends.

use std::io::BufReader;

use wstape_mock_engine::{Engine, EngineError, Layer, Speed, StartAt};
use wstape_tape::{Micros, TapeReader};

use crate::world::{Arm, World, in_memory, tape};

#[test]
fn at_one_time_the_base_comes_first_then_overlays_in_their_order() {
    let lines = in_memory(async {
        let tapes: &[&[&str]] = &[
            &[
                r#"{"at_ms":5,"mark":"base 1"}"#,
                r#"{"at_ms":5,"mark":"base 2"}"#,
                r#"{"at_ms":9,"end":true}"#,
            ],
            &[
                r#"{"at_ms":4,"mark":"first early"}"#,
                r#"{"at_ms":5,"mark":"first"}"#,
            ],
            &[r#"{"at_ms":5,"mark":"second"}"#],
        ];
        let world = World::playing(Arm::Virtual, tapes).await;
        let end = world.engine.finished().await.unwrap();
        assert_eq!((end.last_step_at, end.ended), (Micros::from_ms(9), true));
        world.lines()
    });
    let expected = [
        "0.004000 mark \"first early\"",
        "0.005000 mark \"base 1\"",
        "0.005000 mark \"base 2\"",
        "0.005000 mark \"first\"",
        "0.005000 mark \"second\"",
        "0.009000 end",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_emit_with_nobody_connected_is_lost_and_journalled() {
    let lines = in_memory(async {
        let world =
            World::playing(Arm::Virtual, &[&[r#"{"at_ms":5,"emit":{"event":"risk"}}"#]]).await;
        let end = world.engine.finished().await.unwrap();
        assert!(!end.ended);
        world.lines()
    });
    assert_eq!(lines, ["0.005000 lost risk"]);
}

#[test]
fn steps_of_another_engine_are_not_played() {
    let lines = in_memory(async {
        let tape = tape(&[
            r#"{"at_ms":1,"engine":"a","mark":"a"}"#,
            r#"{"at_ms":1,"engine":"b","mark":"b"}"#,
            r#"{"at_ms":1,"mark":"all"}"#,
        ]);
        let world = World::build(Arm::Virtual, Engine::builder().layer(tape).name("b")).await;
        world.engine.start();
        world.engine.finished().await.unwrap();
        world.lines()
    });
    assert_eq!(lines, ["0.001000 mark \"b\"", "0.001000 mark \"all\""]);
}

#[test]
fn speed_scales_the_tapes_time_and_the_length_of_its_states() {
    let lines = in_memory(async {
        let tape = tape(&[
            r#"{"at_ms":100,"refuse":{"status":500},"for_ms":50}"#,
            r#"{"at_ms":1000,"end":true}"#,
        ]);
        let world = World::build(
            Arm::Virtual,
            Engine::builder().layer(tape).speed("2.5".parse().unwrap()),
        )
        .await;
        world.engine.start();
        world.engine.finished().await.unwrap();
        world.lines()
    });
    assert_eq!(
        lines,
        [
            "0.040000 refuse 500",
            "0.060000 refuse none",
            "0.400000 end"
        ]
    );
}

#[test]
fn a_looped_tape_begins_anew_where_it_ended_and_keeps_its_prologue() {
    let seen = in_memory(async {
        let tape = tape(&[
            r#"{"on_connect":"each","after_frames":0,"text":"hi"}"#,
            r#"{"at_ms":10,"text":"tick"}"#,
            r#"{"at_ms":100,"end":true}"#,
        ]);
        let world = World::build(Arm::Virtual, Engine::builder().layer(tape).looped(true)).await;
        world.engine.start();
        let mut client = world.connect().await;
        let mut seen = Vec::new();
        for len in [4, 6, 6, 6] {
            client.exactly(len).await;
            seen.push(world.engine.clock().now().0);
        }
        seen
    });
    assert_eq!(seen, [0, 10_000, 110_000, 210_000]);
}

#[test]
fn an_empty_looped_tape_does_not_spin() {
    in_memory(async {
        let world = World::build(
            Arm::Virtual,
            Engine::builder().layer(tape(&[])).looped(true),
        )
        .await;
        world.engine.start();
        world.engine.clock().sleep_until(Micros::from_ms(5)).await;
        let tape = tape(&[r#"{"at_ms":0,"mark":"m"}"#]);
        let world = World::build(Arm::Virtual, Engine::builder().layer(tape).looped(true)).await;
        world.engine.start();
        let clock = world.engine.clock();
        clock.sleep_until(Micros(clock.now().0 + 10_500)).await;
        assert_eq!(world.lines().len(), 11, "once a millisecond at most");
    });
}

#[test]
fn a_tape_at_full_speed_waits_for_its_reader_and_loses_nothing() {
    in_memory(async {
        let text = "x".repeat(100_000);
        let lines: Vec<String> = (0..100)
            .map(|n| format!(r#"{{"at_ms":{},"text":"{text}"}}"#, n * 60_000))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let builder = Engine::builder()
            .layer(tape(&lines))
            .speed(Speed::Max)
            .start_at(StartAt::FirstConnection);
        let world = World::build(Arm::Virtual, builder).await;
        let mut client = world.connect().await;
        for _ in 0..100 {
            let frame = client.exactly(10 + text.len()).await;
            assert!(frame.ends_with(b"xxx"));
        }
        assert_eq!(world.engine.clock().now(), Micros::ZERO, "no time went by");
        world.engine.finished().await.unwrap();
        assert_eq!(
            world
                .lines()
                .iter()
                .filter(|line| line.contains("→ text"))
                .count(),
            100
        );
    });
}

#[test]
fn a_tape_at_full_speed_never_gets_far_ahead_of_its_reader() {
    in_memory(async {
        let text = "x".repeat(100_000);
        let lines: Vec<String> = (0..100)
            .map(|_| format!(r#"{{"at_ms":0,"text":"{text}"}}"#))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let builder = Engine::builder()
            .layer(tape(&lines))
            .speed(Speed::Max)
            .start_at(StartAt::FirstConnection);
        let world = World::build(Arm::Virtual, builder).await;
        let _client = world.connect().await;
        world.engine.clock().sleep_until(Micros(1)).await;
        let sent = world
            .lines()
            .iter()
            .filter(|line| line.contains("→ text"))
            .count();
        assert!((5..=12).contains(&sent), "about a megabyte, {sent} frames");
    });
}

#[test]
fn time_begins_with_the_first_connection_where_told_so() {
    let seen = in_memory(async {
        let tape = tape(&[
            r#"{"at_ms":0,"refuse":{"status":500},"for_ms":5}"#,
            r#"{"at_ms":10,"drop":"fin"}"#,
        ]);
        let world = World::build(
            Arm::Virtual,
            Engine::builder()
                .layer(tape)
                .start_at(StartAt::FirstConnection),
        )
        .await;
        let clock = world.engine.clock();
        clock.sleep_until(Micros::from_ms(1_000)).await;
        assert_eq!(world.engine.started_at(), None);
        let first = world.observe().await;
        assert_eq!(world.engine.started_at(), Some(Micros::from_ms(1_000)));
        clock.sleep_until(Micros::from_ms(1_005)).await;
        [first, world.observe().await].concat()
    });
    assert_eq!(seen, ["500", "101", "1.010000 eof"]);
}

#[test]
fn time_begins_at_once_where_the_tape_begins_with_the_port_down() {
    let seen = in_memory(async {
        let tape = tape(&[
            r#"{"at_ms":0,"down":true}"#,
            r#"{"at_ms":20,"down":false}"#,
            r#"{"at_ms":30,"drop":"fin"}"#,
        ]);
        let world = World::build(
            Arm::Virtual,
            Engine::builder()
                .layer(tape)
                .start_at(StartAt::FirstConnection),
        )
        .await;
        let refused = world.observe().await;
        world.engine.clock().sleep_until(Micros::from_ms(20)).await;
        [refused, world.observe().await].concat()
    });
    assert_eq!(seen, ["ConnectionRefused", "101", "0.030000 eof"]);
}

#[test]
fn a_bad_step_ends_the_tape_with_its_place_after_what_came_before() {
    in_memory(async {
        let text = "{\"tape\":1}\n{\"at_ms\":1,\"mark\":\"a\"}\n{\"at_ms\":2,\"dorp\":\"fin\"}\n";
        let reader = TapeReader::new("bad.jsonl", BufReader::new(text.as_bytes())).unwrap();
        let world = World::build(Arm::Virtual, Engine::builder().layer(reader)).await;
        world.engine.start();
        let error = world.engine.finished().await.unwrap_err();
        assert!(error.to_string().starts_with("bad.jsonl:3:"), "{error}");
        world.engine.clock().sleep_until(Micros::from_ms(2)).await;
        assert_eq!(world.lines(), ["0.001000 mark \"a\""]);
    });
}

#[test]
fn a_torn_tape_plays_up_to_there_and_says_so() {
    in_memory(async {
        let text = "{\"tape\":1}\n{\"at_ms\":1,\"mark\":\"a\"}\n{\"at_ms\":2,\"ma";
        let reader = TapeReader::new("torn.jsonl", BufReader::new(text.as_bytes())).unwrap();
        let world = World::build(Arm::Virtual, Engine::builder().layer(reader)).await;
        world.engine.start();
        let end = world.engine.finished().await.unwrap();
        assert_eq!(
            end.torn.iter().map(|torn| torn.line).collect::<Vec<_>>(),
            [3]
        );
        assert!(!end.ended);
    });
}

#[test]
fn a_looped_tape_is_read_from_its_file_once_and_plays_round_after_round() {
    in_memory(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl");
        std::fs::write(
            &path,
            "{\"tape\":1,\"title\":\"a tape\"}\n{\"at_ms\":1,\"mark\":\"a\"}\n",
        )
        .unwrap();
        let layer = Layer::from_path(&path).unwrap();
        assert_eq!(layer.header().title.as_deref(), Some("a tape"));
        let world = World::build(Arm::Virtual, Engine::builder().layer(layer).looped(true)).await;
        world.engine.start();
        world.engine.clock().sleep_until(Micros(1_500)).await;
        std::fs::remove_file(&path).unwrap();
        world.engine.clock().sleep_until(Micros(3_500)).await;
        assert_eq!(world.lines().len(), 3);
    });
}

#[test]
fn whoever_waits_for_the_end_is_told_when_the_engine_goes_first() {
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[&[r#"{"at_ms":1000,"end":true}"#]]).await;
        world.engine.shutdown().await;
        assert!(matches!(
            world.engine.finished().await,
            Err(EngineError::ShutDown)
        ));
    });
}

#[test]
fn a_long_wait_goes_beyond_what_the_runtime_sleeps_at_once() {
    in_memory(async {
        let year_ms = 365_u64 * 24 * 3_600 * 1_000;
        let line = format!(r#"{{"at_ms":{year_ms},"mark":"a year on"}}"#);
        let world = World::playing(Arm::Virtual, &[&[&line]]).await;
        world.engine.finished().await.unwrap();
        assert_eq!(world.engine.clock().now(), Micros::from_ms(year_ms));
    });
}

#[test]
fn runs_of_the_same_tapes_are_the_same_to_the_last_line() {
    let base: &[&str] = &[
        r#"{"on_connect":"each","after_frames":0,"emit":{"event":"heartbeat"}}"#,
        r#"{"on_connect":3,"after_bytes":10,"drop":"reset"}"#,
        r#"{"at_ms":0,"refuse":{"status":503},"times":2}"#,
        r#"{"at_ms":100,"latency_ms":{"base_ms":20,"jitter_ms":15},"seed":3}"#,
        r#"{"at_ms":4000,"end":true}"#,
    ];
    let overlay: &[&str] = &[
        r#"{"at_ms":1000,"partition":"both","for_ms":700}"#,
        r#"{"at_ms":2000,"down":true,"for_ms":300}"#,
    ];
    let run = || {
        in_memory(async {
            let world = World::playing(Arm::Virtual, &[base, overlay]).await;
            let clock = world.engine.clock();
            let mut seen = Vec::new();
            for attempt in 0..12 {
                clock.sleep_until(Micros(attempt * 250_000)).await;
                let client = world.dial().await;
                if let Ok(mut client) = client {
                    client.send(&crate::world::upgrade_request("")).await;
                    seen.push(format!("{:?}", client.read().await));
                }
            }
            world.engine.finished().await.unwrap();
            seen.extend(world.lines());
            seen
        })
    };
    let first = run();
    assert!(first.len() > 40, "much happens: {first:#?}");
    for _ in 0..50 {
        assert_eq!(run(), first);
    }
}

#[test]
fn every_canned_tape_plays_to_its_end_with_clients_coming_and_going() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/tapes");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "jsonl"));
    paths.sort();
    assert!(!paths.is_empty(), "tapes in {folder}");
    for path in paths {
        in_memory(async {
            let layer = Layer::from_path(&path).unwrap();
            let world = World::build(Arm::Virtual, Engine::builder().layer(layer)).await;
            world.engine.start();
            let clock = world.engine.clock();
            let clients = async {
                loop {
                    world.observe().await;
                    clock.sleep_until(Micros(clock.now().0 + 500_000)).await;
                }
            };
            tokio::select! {
                biased;
                end = world.engine.finished() => assert!(end.is_ok(), "{}: {end:?}", path.display()),
                () = clients => {}
            }
        });
    }
}

#[test]
fn a_tape_is_over_when_the_last_step_that_its_jitter_put_off_was_played() {
    in_memory(async {
        let put_off = r#"{"at_ms":1,"mark":"late","jitter_ms":1000,"seed":1}"#;
        let world = World::playing(Arm::Virtual, &[&[put_off]]).await;
        world.engine.finished().await.unwrap();
        assert!(
            world.lines()[0].ends_with("mark \"late\""),
            "{:?}",
            world.lines()
        );
        // The base's end ends it all the same.
        let tape: &[&str] = &[put_off, r#"{"at_ms":2,"end":true}"#];
        let world = World::playing(Arm::Virtual, &[tape]).await;
        assert!(world.engine.finished().await.unwrap().ended);
        assert_eq!(world.lines().len(), 1);
    });
}
