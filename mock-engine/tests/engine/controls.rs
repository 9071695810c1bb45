//! Rust's controls: what a client sees of each fault that a program sets while the engine runs.

use bytes::Bytes;
use wstape_mock_engine::Engine;
use wstape_tape::{Direction, End, Garbage, Latency, Micros, Partition, Refusal};

use crate::world::{World, in_memory};

/// What the engine is told before the dial, and what the client sees.
type Control = (&'static str, fn(&Engine), &'static [&'static str]);

const BEFORE: &[Control] = &[
    ("C1", |engine| engine.down(), &["ConnectionRefused"]),
    ("C3", |engine| engine.hang(true), &["silence"]),
    ("H1", |engine| engine.refuse_next(1, 502), &["502"]),
    (
        "H2",
        |engine| {
            engine.refuse_with(
                Refusal {
                    headers: vec![("Retry-After".into(), "3".into())],
                    ..Refusal::new(429)
                },
                None,
            );
        },
        &["429 retry-after: 3"],
    ),
    (
        "H6",
        |engine| {
            engine.garbage(Some(Garbage {
                bytes: Bytes::from_static(b"?"),
                repeat: 3,
                then: Some(End::Reset),
            }));
        },
        &["???", "reset"],
    ),
    (
        "N4",
        |engine| engine.partition(Partition::Both),
        &["silence"],
    ),
];

#[test]
fn controls_do_what_steps_do_before_a_dial() {
    for (name, control, expected) in BEFORE {
        let seen = in_memory(async {
            let world = World::bare().await;
            control(&world.engine);
            world.observe().await
        });
        assert_eq!(seen, *expected, "{name}");
    }
}

/// What the engine is told while a client is connected, and what the client sees from then on.
const DURING: &[Control] = &[
    (
        "N1",
        |engine| engine.drop_connections(End::Reset),
        &["0.000000 reset"],
    ),
    (
        "N2",
        |engine| engine.drop_connections(End::Fin),
        &["0.000000 eof"],
    ),
    (
        "N4, healed",
        |engine| {
            engine.partition(Partition::ToClient);
            engine.text("held");
            engine.heal();
            engine.drop_connections(End::Fin);
        },
        &["0.000000 \\x81\\x04held", "0.000000 eof"],
    ),
    ("N7", |engine| engine.down(), &["0.000000 reset"]),
    (
        "N8",
        |engine| {
            let latency = Latency {
                base: Micros(1_500),
                jitter: Micros::ZERO,
                distribution: wstape_tape::Distribution::Uniform,
            };
            engine.latency(latency, Direction::ToClient, 0);
            engine.bandwidth(Some(1_000), Direction::ToClient);
            engine.slice(Some(3), Direction::ToClient);
            engine.text("abcd");
            engine.drop_connections(End::Fin);
        },
        &["0.004500 \\x81\\x04a", "0.007500 bcd", "0.007500 eof"],
    ),
    (
        "W1",
        |engine| engine.close(1013, "later"),
        &["0.000000 \\x88\\x07\\x03\\xf5later", "1.000000 eof"],
    ),
    (
        "W11, W12",
        |engine| {
            engine.ping("p");
            engine.pong("q");
            engine.binary("b");
            engine.bytes("raw");
            engine.drop_connections(End::Fin);
        },
        &[
            "0.000000 \\x89\\x01p\\x8a\\x01q\\x82\\x01braw",
            "0.000000 eof",
        ],
    ),
    (
        "A, an event with the clock's time",
        |engine| {
            engine
                .emit("risk", serde_json::json!({"halted": true}))
                .unwrap();
            engine.drop_connections(End::Fin);
        },
        &[
            "0.000000 \\x81O{\\\"event\\\":\\\"risk\\\",\\\"ts\\\":\\\"2026-01-01T00:00:00.000000+00:00\\\",\\\"data\\\":{\\\"halted\\\":true}}",
            "0.000000 eof",
        ],
    ),
];

#[test]
fn controls_do_what_steps_do_to_a_client() {
    for (name, control, expected) in DURING {
        let seen = in_memory(async {
            let world = World::bare().await;
            let mut client = world.connect().await;
            control(&world.engine);
            client.reads().await
        });
        assert_eq!(seen, *expected, "{name}");
    }
}
