//! Timestamps that are shifted to when they are played.

use wstape_mock_engine::{Engine, StartAt, Timestamps};

use crate::world::{Arm, World, in_memory};

#[test]
fn timestamps_move_to_the_time_they_are_played_at() {
    let got = in_memory(async {
        let text = "{\"tape\":1,\"epoch\":\"2026-04-21T19:00:00Z\"}\n{\"at_ms\":1000,\"emit\":{\"event\":\"x\", \"ts\":\"2026-04-21T19:00:01.25\"}}\n{\"at_ms\":1000,\"drop\":\"fin\"}\n";
        let tape = wstape_tape::Tape::parse("t", text).unwrap();
        let clock = wstape_mock_engine::Clock::virtual_at("2030-01-01T00:00:00Z".parse().unwrap());
        let builder = Engine::builder()
            .layer(tape)
            .clock(clock)
            .timestamps(Timestamps::Shift);
        let world = World::build(Arm::Virtual, builder).await;
        world.engine.start();
        world.connect().await.all().await.0
    });
    assert_eq!(
        got[2..],
        *br#"{"event":"x", "ts":"2030-01-01T00:00:01.25"}"#
    );
}

/// The `ts` of what a client gets, from a tape of 2026 played on a clock of 2030, at this speed.
fn shifted(speed: &str, looped: bool, lines: &[&str], most: usize) -> Vec<String> {
    let header = r#"{"tape":1,"recorded_at":"2026-01-01T00:00:00Z"}"#;
    let text: String = std::iter::once(&header)
        .chain(lines)
        .flat_map(|line| [line, "\n"])
        .collect();
    in_memory(async {
        let tape = wstape_tape::Tape::parse("t", &text).unwrap();
        let clock = wstape_mock_engine::Clock::virtual_at("2030-01-01T00:00:00Z".parse().unwrap());
        let builder = Engine::builder()
            .layer(tape)
            .clock(clock)
            .speed(speed.parse().unwrap())
            .looped(looped)
            .start_at(StartAt::FirstConnection)
            .timestamps(Timestamps::Shift);
        let world = World::build(Arm::Virtual, builder).await;
        let mut client = world.connect().await;
        let mut all = Vec::new();
        if looped {
            while all.windows(4).filter(|four| four == b"\"ts\"").count() < most {
                all.extend(client.read().await.expect("a tape that goes on"));
            }
        } else {
            all = client.all().await.0;
        }
        let text = String::from_utf8_lossy(&all).into_owned();
        text.split(r#""ts":""#)
            .skip(1)
            .filter_map(|rest| Some(rest.split('"').next()?.to_owned()))
            .collect()
    })
}

#[test]
fn at_any_speed_each_timestamp_moves_to_when_it_is_played() {
    let lines = [
        r#"{"at_ms":1000,"emit":{"event":"x","ts":"2026-01-01T00:00:01.000Z"}}"#,
        // Made a tenth of a second before it was recorded: so far back it stays.
        r#"{"at_ms":20000,"emit":{"event":"x","ts":"2026-01-01T00:00:19.900Z"}}"#,
        r#"{"at_ms":20000,"drop":"fin"}"#,
    ];
    for (speed, expected) in [
        (
            "1",
            ["2030-01-01T00:00:01.000Z", "2030-01-01T00:00:19.900Z"],
        ),
        (
            "10",
            ["2030-01-01T00:00:00.100Z", "2030-01-01T00:00:01.900Z"],
        ),
        (
            "0.5",
            ["2030-01-01T00:00:02.000Z", "2030-01-01T00:00:39.900Z"],
        ),
        (
            "max",
            ["2030-01-01T00:00:00.000Z", "2029-12-31T23:59:59.900Z"],
        ),
    ] {
        assert_eq!(shifted(speed, false, &lines, 2), expected, "speed {speed}");
    }
}

#[test]
fn each_round_of_a_looped_tape_has_timestamps_of_its_own() {
    let lines = [
        r#"{"at_ms":1000,"emit":{"event":"x","ts":"2026-01-01T00:00:01Z"}}"#,
        r#"{"at_ms":2000,"mark":"over"}"#,
    ];
    assert_eq!(
        shifted("1", true, &lines, 3),
        [
            "2030-01-01T00:00:01Z",
            "2030-01-01T00:00:03Z",
            "2030-01-01T00:00:05Z"
        ]
    );
}

#[test]
fn what_each_connection_gets_has_the_time_at_which_it_gets_it() {
    let lines = [
        r#"{"on_connect":"each","after_ms":500,"emit":{"event":"x","ts":"2026-01-01T02:00:00.0+02:00"}}"#,
        r#"{"at_ms":2000,"drop":"fin"}"#,
    ];
    assert_eq!(
        shifted("1", false, &lines, 1),
        ["2030-01-01T02:00:00.5+02:00"]
    );
}

#[test]
fn a_timestamp_that_a_control_sends_stays_as_it_stands() {
    in_memory(async {
        let text = "{\"tape\":1,\"recorded_at\":\"2026-01-01T00:00:00Z\"}\n{\"at_ms\":9000,\"mark\":\"over\"}\n";
        let clock = wstape_mock_engine::Clock::virtual_at("2030-01-01T00:00:00Z".parse().unwrap());
        let builder = Engine::builder()
            .layer(wstape_tape::Tape::parse("t", text).unwrap())
            .clock(clock)
            .timestamps(Timestamps::Shift);
        let world = World::build(Arm::Virtual, builder).await;
        world.engine.start();
        let mut client = world.connect().await;
        world.engine.emit("x", 1).unwrap();
        world
            .engine
            .emit_json(r#"{"event":"y","ts":"1999-12-31T00:00:00Z"}"#);
        world.engine.drop_connections(wstape_tape::End::Fin);
        let got = String::from_utf8_lossy(&client.all().await.0).into_owned();
        assert!(
            got.contains(r#""ts":"2030-01-01T00:00:00.000000+00:00""#),
            "{got}"
        );
        assert!(got.contains(r#""ts":"1999-12-31T00:00:00Z""#), "{got}");
    });
}
