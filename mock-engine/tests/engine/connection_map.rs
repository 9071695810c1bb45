//! A tape that knows its connections, under another that ends them: who takes whose place.

use wstape_tape::{End, Micros};

use crate::world::{Arm, World, in_memory, over_tcp, upgrade_request};

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

/// What a client sees that dials at these times, or when what it saw before is over.
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
