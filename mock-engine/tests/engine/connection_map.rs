//! A tape that knows its connections, under one that ends them: which client takes whose place.

use proptest::prelude::*;
use wstape_mock_engine::{Engine, JournalKind};
use wstape_tape::{End, Micros};

use crate::world::{Arm, World, in_memory, over_tcp, tape, upgrade_request};

/// One connection of a recording, a message every 10 ms, and a second from 200 ms on.
const BASE: &[&str] = &[
    r#"{"at_ms":0,"answers":"held"}"#,
    r#"{"at_ms":0,"conn":1,"accept":{"headers":{"x-place":"1"}}}"#,
    r#"{"at_ms":10,"conn":1,"text":"a"}"#,
    r#"{"at_ms":20,"conn":1,"text":"b"}"#,
    r#"{"at_ms":30,"conn":1,"text":"c"}"#,
    r#"{"at_ms":40,"conn":1,"text":"d"}"#,
    r#"{"at_ms":100,"conn":1,"drop":"fin"}"#,
    r#"{"at_ms":200,"conn":2,"accept":{}}"#,
    r#"{"at_ms":210,"conn":2,"text":"e"}"#,
    r#"{"at_ms":250,"conn":2,"drop":"fin"}"#,
];

/// What a client sees that dials at these times, or once its previous connection is over.
fn seen(base: &[&str], overlay: &[&str], dials: &[u64]) -> Vec<String> {
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[base, overlay]).await;
        let mut seen = Vec::new();
        for &at in dials {
            let clock = world.engine.clock();
            clock.sleep_until(Micros::from_ms(at)).await;
            seen.push(world.observe().await.join(" "));
        }
        seen
    })
}

const A: &str = "0.010000 \\x81\\x01a";
const D: &str = "0.040000 \\x81\\x01d";
const SECOND: &str = "101 0.210000 \\x81\\x01e 0.250000 eof";

#[test]
fn the_next_to_come_takes_the_place_of_a_connection_that_an_overlay_ended() {
    let expected = [
        format!("101 {A} 0.015000 reset"),
        // What was sent while nobody was there is lost, as with any engine.
        format!("101 {D} 0.100000 eof"),
        SECOND.to_owned(),
    ];
    for overlay in [
        r#"{"at_ms":15,"drop":"reset"}"#,
        r#"{"at_ms":15,"down":true,"for_ms":5}"#,
        r#"{"at_ms":15,"conn":1,"drop":"reset"}"#,
        r#"{"on_connect":1,"after_ms":15,"drop":"reset"}"#,
    ] {
        assert_eq!(seen(BASE, &[overlay], &[0, 35, 110]), expected, "{overlay}");
    }
}

#[test]
fn a_connection_that_an_overlay_kept_from_its_answer_leaves_its_place_and_what_is_held_for_it() {
    let whole = "101 0.025000 \\x81\\x01a\\x81\\x01b 0.030000 \\x81\\x01c 0.040000 \\x81\\x01d \
                 0.100000 eof";
    for (overlay, first) in [
        (r#"{"at_ms":0,"refuse":{"status":503},"times":1}"#, "503"),
        (r#"{"at_ms":0,"accept":{"status":200},"times":1}"#, "200"),
        (
            r#"{"at_ms":0,"garbage":{"text":"?","then":"fin"},"times":1}"#,
            "? eof",
        ),
    ] {
        let seen = seen(BASE, &[overlay], &[0, 25, 110]);
        assert_eq!(seen, [first, whole, SECOND], "{overlay}");
    }
}

#[test]
fn a_place_that_the_tape_ended_while_nobody_was_in_it_is_nobodys() {
    let drop = r#"{"at_ms":15,"drop":"reset"}"#;
    let first = format!("101 {A} 0.015000 reset");
    assert_eq!(seen(BASE, &[drop], &[0, 150]), [&first, SECOND]);
    let left: Vec<&str> = BASE
        .iter()
        .map(|line| match *line {
            r#"{"at_ms":100,"conn":1,"drop":"fin"}"# => {
                r#"{"at_ms":100,"conn":1,"received":{"kind":"fin"}}"#
            }
            other => other,
        })
        .collect();
    assert_eq!(seen(&left, &[drop], &[0, 150]), [&first, SECOND]);
}

#[test]
fn a_client_that_a_partition_drove_away_takes_its_place_again() {
    let overlay: &[&str] = &[
        r#"{"at_ms":12,"partition":"both"}"#,
        r#"{"at_ms":35,"partition":"none"}"#,
    ];
    let test = async {
        let world = World::playing(Arm::Virtual, &[BASE, overlay]).await;
        let mut first = world.connect().await;
        assert_eq!(first.exactly(3).await, b"\x81\x01a");
        let clock = world.engine.clock();
        clock.sleep_until(Micros::from_ms(20)).await;
        drop(first);
        // One more that gives up, and one that is there when the partition heals.
        let mut second = world.dial().await.unwrap();
        second.send(&upgrade_request("")).await;
        clock.sleep_until(Micros::from_ms(25)).await;
        drop(second);
        world.observe().await.join(" ")
    };
    assert_eq!(in_memory(test), format!("101 {D} 0.100000 eof"));
}

#[test]
fn without_interference_each_dial_is_the_next_of_the_tape() {
    // What a recording begins with, before its answers are held, is its own.
    let base = [&[r#"{"at_ms":0,"pongs":"withheld"}"#], BASE].concat();
    let test = async |arm| {
        let world = World::playing(arm, &[&base]).await;
        let mut first = world.connect().await;
        assert_eq!(first.exactly(3).await, b"\x81\x01a");
        drop(first);
        let mut second = world.connect().await;
        assert_eq!(second.all().await.0, b"\x81\x01e");
        world.engine.shutdown().await;
    };
    in_memory(test(Arm::Virtual));
    over_tcp(test(Arm::Tcp));
}

#[test]
fn where_several_are_open_nobody_takes_the_place_of_one() {
    let base: &[&str] = &[
        r#"{"at_ms":0,"answers":"held"}"#,
        r#"{"at_ms":0,"conn":1,"accept":{}}"#,
        r#"{"at_ms":0,"conn":2,"accept":{}}"#,
        r#"{"at_ms":50,"conn":1,"text":"one"}"#,
        r#"{"at_ms":50,"conn":2,"text":"two"}"#,
        r#"{"at_ms":60,"conn":3,"accept":{}}"#,
        r#"{"at_ms":70,"conn":3,"text":"three"}"#,
        r#"{"at_ms":90,"drop":"fin"}"#,
    ];
    let overlay: &[&str] = &[r#"{"at_ms":15,"conn":1,"drop":"fin"}"#];
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[base, overlay]).await;
        let (mut first, mut second) = (world.connect().await, world.connect().await);
        assert_eq!(first.all().await.0, b"");
        let mut third = world.connect().await;
        assert_eq!(second.all().await.0, b"\x81\x03two");
        assert_eq!(third.all().await.0, b"\x81\x05three");
    });
}

#[test]
fn what_a_control_ends_leaves_its_place_too() {
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[BASE]).await;
        let mut first = world.connect().await;
        assert_eq!(first.exactly(3).await, b"\x81\x01a");
        world.engine.drop_connections(End::Reset);
        let seen = world.observe().await.join(" ");
        assert!(seen.starts_with("101 0.020000 \\x81\\x01b"), "{seen}");
    });
}

#[test]
fn a_step_that_its_jitter_put_off_reaches_whoever_has_its_connections_place_by_then() {
    // With this seed the step is put off past the end of the first connection.
    let base: &[&str] = &[
        r#"{"at_ms":0,"answers":"held"}"#,
        r#"{"at_ms":0,"conn":1,"accept":{}}"#,
        r#"{"at_ms":10,"conn":1,"text":"late","jitter_ms":1000,"seed":1}"#,
        r#"{"at_ms":10,"conn":1,"pongs":"withheld","for_ms":2000}"#,
        r#"{"at_ms":3000,"conn":1,"drop":"fin"}"#,
    ];
    let drop = r#"{"at_ms":15,"drop":"reset"}"#;
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[base, &[drop]]).await;
        assert_eq!(world.connect().await.all().await.1, "reset");
        let (bytes, _) = world.connect().await.all().await;
        assert_eq!(bytes.escape_ascii().to_string(), "\\x81\\x04late");
        let lines = world.lines();
        assert!(
            lines.contains(&"2.010000 #2 pongs auto".to_owned()),
            "{lines:#?}"
        );
    });
}

/// A tape of three connections; of each, what is sent to it and a state that clears by itself.
/// Times in milliseconds after the connection's answer; those with a jitter come up to it later.
#[derive(Debug, Clone)]
struct Sends {
    texts: Vec<(u64, u64)>,
    state: Option<(u64, u64, u64)>,
    dropped: bool,
}

fn sends() -> impl Strategy<Value = Sends> {
    (
        prop::collection::vec((0..80_u64, 0..120_u64), 0..4),
        prop::option::of((0..80_u64, 0..120_u64, 1..80_u64)),
        any::<bool>(),
    )
        .prop_map(|(texts, state, dropped)| Sends {
            texts,
            state,
            dropped,
        })
}

/// The lines of the tape with their times in microseconds, sorted. Each jittered step has a seed
/// of its own.
fn jittered_lines(conns: &[Sends]) -> Vec<(u64, String)> {
    let mut lines = vec![(0, r#""answers":"held""#.to_owned())];
    let mut seed = 0;
    let mut at = |ms: u64| {
        seed += 1;
        // No two steps at one time: what was put off comes before what is new.
        (ms * 1_000 + seed, seed)
    };
    for (n, conn) in (1_u64..).zip(conns) {
        let start = (n - 1) * 300;
        let (us, _) = at(start);
        lines.push((us, format!(r#""conn":{n},"accept":{{}}"#)));
        for &(ms, jitter) in &conn.texts {
            let (us, seed) = at(start + ms);
            lines.push((
                us,
                format!(r#""conn":{n},"text":"{n}.{seed}","jitter_ms":{jitter},"seed":{seed}"#),
            ));
        }
        if let Some((ms, jitter, length)) = conn.state {
            let (us, seed) = at(start + ms);
            lines.push((us, format!(
                r#""conn":{n},"pongs":"withheld","for_ms":{length},"jitter_ms":{jitter},"seed":{seed}"#
            )));
        }
        if conn.dropped {
            // Behind all that is put off: nothing is sent to what the tape has ended.
            let (us, _) = at(start + 250);
            lines.push((us, format!(r#""conn":{n},"drop":"fin""#)));
        }
    }
    // Behind all that is put off: who dials when the tape is over has no answer to wait for.
    lines.push((1_000_000, r#""mark":"over""#.to_owned()));
    lines.sort();
    lines
}

fn as_tape(lines: &[(u64, String)]) -> Vec<String> {
    let line = |(us, rest): &(u64, String)| {
        format!(r#"{{"at_ms":{}.{:03},{rest}}}"#, us / 1_000, us % 1_000)
    };
    lines.iter().map(line).collect()
}

/// The same lines without a jitter, each at the time that its own draws for it.
fn at_drawn_times(lines: &[(u64, String)]) -> Vec<(u64, String)> {
    // A mark in the step's line draws what the step draws, and the journal says when it came.
    let marks: Vec<(u64, String)> = (0..)
        .zip(lines)
        .map(|(n, (us, rest))| {
            let jitter = rest.find(r#","jitter_ms""#).map_or("", |at| &rest[at..]);
            (*us, format!(r#""mark":"{n}"{jitter}"#))
        })
        .collect();
    let marks = as_tape(&marks);
    let marks: Vec<&str> = marks.iter().map(String::as_str).collect();
    let entries = in_memory(async {
        let world = World::playing(Arm::Virtual, &[&marks]).await;
        let clock = world.engine.clock();
        clock.sleep_until(Micros::from_ms(10_000)).await;
        world.engine.journal().entries()
    });
    let mut drawn: Vec<(u64, String)> = entries
        .iter()
        .filter_map(|entry| {
            let JournalKind::Mark(name) = &entry.kind else {
                return None;
            };
            let rest = &lines[name.parse::<usize>().unwrap()].1;
            let cut = rest.find(r#","jitter_ms""#).unwrap_or(rest.len());
            Some((entry.at.0, rest[..cut].to_owned()))
        })
        .collect();
    drawn.sort();
    drawn
}

/// What the journal says where these dial, each until its connection is over.
fn journal_of(base: &[String], overlay: &[String], dials: &[u64]) -> Vec<String> {
    let base: Vec<&str> = base.iter().map(String::as_str).collect();
    let overlay: Vec<&str> = overlay.iter().map(String::as_str).collect();
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[&base, &overlay]).await;
        let dials = dials.iter().map(async |&ms| {
            let clock = world.engine.clock();
            clock.sleep_until(Micros(ms * 1_000 + 500)).await;
            world.observe().await
        });
        futures_util::future::join_all(dials).await;
        world.lines()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// However connections leave their places: a step that is put off comes to what one comes
    /// to that the tape has at that time.
    #[test]
    fn a_jittered_step_is_the_step_at_its_later_time_whatever_moves(
        conns in prop::collection::vec(sends(), 3),
        drops in prop::collection::vec(0..900_u64, 0..5),
        dials in prop::collection::vec(0..900_u64, 1..8),
    ) {
        let lines = jittered_lines(&conns);
        let drawn = at_drawn_times(&lines);
        prop_assume!(drawn.windows(2).all(|two| two[0].0 != two[1].0));
        let mut drops = drops;
        drops.sort_unstable();
        let drops: Vec<(u64, String)> = drops
            .into_iter()
            .map(|ms| (ms * 1_000 + 999, r#""drop":"reset""#.to_owned()))
            .collect();
        let overlay = as_tape(&drops);
        let jittered = journal_of(&as_tape(&lines), &overlay, &dials);
        let plain = journal_of(&as_tape(&drawn), &overlay, &dials);
        prop_assert_eq!(jittered, plain);
    }
}

#[test]
fn what_a_round_of_a_looped_tape_put_off_for_nobody_does_not_come_to_the_next_rounds_connection() {
    let base: &[&str] = &[
        r#"{"at_ms":0,"answers":"held"}"#,
        r#"{"at_ms":0,"conn":1,"accept":{}}"#,
        r#"{"at_ms":10,"conn":1,"text":"stale","jitter_ms":1000,"seed":1}"#,
        r#"{"at_ms":50,"mark":"end"}"#,
    ];
    in_memory(async {
        let builder = Engine::builder().layer(tape(base)).looped(true);
        let world = World::build(Arm::Virtual, builder).await;
        world.engine.start();
        let clock = world.engine.clock();
        clock.sleep_until(Micros::from_ms(60)).await;
        let lines = world.lines();
        assert!(
            lines.contains(&"0.050000 #1 lost text".to_owned()),
            "{lines:#?}"
        );
    });
}
