//! A real engine behind the port, played here by another engine in memory.

use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use wstape_mock_engine::{
    Engine, EngineBuilder, EngineError, Outcome, Upstream, UpstreamDialer, UpstreamDialing,
};
use wstape_tape::Partition;

use crate::world::{Arm, World, in_memory, masked, tape, upgrade_request};

/// A real engine and what stands before it.
pub(crate) struct Between {
    real: Engine,
    pub(crate) world: World,
}

impl Between {
    /// Before an engine that plays these lines, under these overlays.
    async fn of(real: &[&str], overlays: &[&[&str]]) -> Self {
        let overlays = overlays.iter().fold(Engine::builder(), |builder, lines| {
            builder.layer(tape(lines))
        });
        Self::build(real, overlays, |upstream| upstream).await
    }

    pub(crate) async fn build(
        real: &[&str],
        overlays: EngineBuilder,
        with: impl FnOnce(Upstream) -> Upstream,
    ) -> Self {
        let (real, net) = Engine::builder().layer(tape(real)).in_memory().unwrap();
        real.start();
        let builder = overlays.upstream(with(Upstream::new(Arc::new(net))));
        let world = World::build(Arm::Virtual, builder).await;
        world.engine.start();
        Self { real, world }
    }

    /// What both journals say of one kind of thing.
    fn both(&self, kind: &str) -> [usize; 2] {
        [&self.real, &self.world.engine].map(|engine| {
            let entries = engine.journal().entries();
            entries
                .iter()
                .filter(|entry| entry.kind.name() == kind)
                .count()
        })
    }

    /// Returns once the real engine's journal has a line that ends so.
    pub(crate) async fn real_says(&self, line: &str) {
        for _ in 0..1_000 {
            if self
                .real
                .journal()
                .lines()
                .iter()
                .any(|said| said.ends_with(line))
            {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{line:?} is not in {:#?}", self.real.journal().lines());
    }
}

/// All that a client gets which sends `request` and then listens.
async fn gets(world: &World, request: &[u8]) -> (String, String) {
    let mut client = world.dial().await.unwrap();
    client.send(request).await;
    let (bytes, end) = client.all().await;
    (bytes.escape_ascii().to_string(), end)
}

#[test]
fn what_a_real_engine_answers_passes_byte_for_byte_and_so_does_how_it_ends() {
    let upgrade = upgrade_request("Sec-WebSocket-Protocol: v1\r\n");
    let get = b"GET /private?a=b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let table: &[(&[&str], &[u8])] = &[
        (
            &[
                r#"{"on_connect":"each","accept":{"headers":{"Sec-WebSocket-Protocol":"v1"}}}"#,
                r#"{"on_connect":"each","after_frames":0,"text":"one"}"#,
                r#"{"on_connect":"each","after_frames":1,"frame":{"opcode":1,"fin":false,"payload":"he"}}"#,
                r#"{"on_connect":"each","after_frames":2,"ping":"x"}"#,
                r#"{"on_connect":"each","after_frames":3,"frame":{"opcode":0,"payload":"llo"}}"#,
                r#"{"on_connect":"each","after_frames":4,"close":{"code":4001,"reason":"bye"}}"#,
            ],
            &upgrade,
        ),
        (
            &[
                r#"{"on_connect":"each","refuse":{"status":503,"headers":{"Retry-After":"2"},"body":"busy"}}"#,
            ],
            &upgrade,
        ),
        (
            &[r#"{"http":{"path":"/private","status":200,"body":{"a":1}},"at_ms":0}"#],
            get,
        ),
        (
            &[r#"{"on_connect":"each","garbage":{"text":"SSH-2.0","then":"fin"}}"#],
            &upgrade,
        ),
        (
            &[r#"{"on_connect":"each","garbage":{"text":"HTTP/1.1 1","then":"reset"}}"#],
            &upgrade,
        ),
        (
            &[r#"{"on_connect":"each","after_frames":0,"drop":"reset"}"#],
            &upgrade,
        ),
        (
            &[
                r#"{"on_connect":"each","after_frames":0,"text":"cut here"}"#,
                r#"{"on_connect":"each","after_bytes":5,"drop":"fin"}"#,
            ],
            &upgrade,
        ),
        (
            &[
                r#"{"on_connect":"each","after_frames":0,"bytes":"gX4ABXh4eHh4"}"#,
                r#"{"on_connect":"each","after_ms":5,"drop":"fin"}"#,
            ],
            &upgrade,
        ),
    ];
    in_memory(async {
        for (lines, request) in table {
            let direct = World::playing(Arm::Virtual, &[lines]).await;
            let expected = gets(&direct, request).await;
            let between = Between::of(lines, &[]).await;
            assert_eq!(gets(&between.world, request).await, expected, "{lines:?}");
        }
    });
}

#[test]
fn the_journal_says_what_a_real_connection_was() {
    in_memory(async {
        let real = &[
            r#"{"on_connect":"each","after_frames":0,"emit":{"event":"heartbeat"}}"#,
            r#"{"on_connect":"each","after_received":1,"close":{"code":1000,"reason":""}}"#,
        ];
        let between = Between::of(real, &[]).await;
        let mut client = between.world.connect().await;
        client.exactly(23).await;
        client.send(&masked(1, b"hi")).await;
        client.exactly(4).await;
        client.send(&masked(8, b"\x03\xe8")).await;
        assert_eq!(client.all().await.1, "eof");
        let lines = between.world.lines();
        let told: Vec<&str> = lines.iter().map(|line| &line[9..]).collect();
        assert_eq!(
            told,
            [
                "#1 accepted",
                "#1 upgraded",
                "#1 → heartbeat",
                "#1 ← text \"hi\"",
                "#1 → close 1000",
                "#1 ← close 1000",
            ]
        );
    });
}

#[test]
fn faults_lie_over_a_real_engines_traffic_in_both_directions() {
    in_memory(async {
        let real = &[r#"{"on_message":{"contains":""},"text":"${count}"}"#];
        let overlay: &[&str] = &[
            r#"{"at_ms":0,"latency_ms":100,"direction":"to_client"}"#,
            r#"{"at_ms":1000,"partition":"both","for_ms":500}"#,
            r#"{"at_ms":2000,"drop":"reset"}"#,
        ];
        let between = Between::of(real, &[overlay]).await;
        let mut client = between.world.connect().await;
        let clock = between.world.engine.clock();
        let start = clock.now().0;
        client.send(&masked(1, b"a")).await;
        assert_eq!(client.exactly(3).await, b"\x81\x011");
        assert_eq!(clock.now().0 - start, 100_000, "the answer is late");
        clock
            .sleep_until(wstape_tape::Micros(start + 1_000_000))
            .await;
        client.send(&masked(1, b"b")).await;
        assert_eq!(client.exactly(3).await, b"\x81\x012");
        assert!(
            clock.now().0 - start >= 1_500_000,
            "held until the partition's end"
        );
        assert_eq!(client.all().await, (Vec::new(), "reset".to_owned()));
        between.real_says("#1 client reset").await;
    });
}

#[test]
fn what_is_posted_or_laid_over_comes_between_whole_frames() {
    in_memory(async {
        let real = &[
            r#"{"on_connect":"each","after_ms":10,"bytes":"gQVoZQ=="}"#,
            r#"{"on_connect":"each","after_ms":30,"bytes":"bGxv"}"#,
        ];
        let overlay: &[&str] = &[
            r#"{"on_connect":"each","after_frames":0,"text":"first"}"#,
            r#"{"at_ms":20,"text":"mid"}"#,
        ];
        let between = Between::of(real, &[overlay]).await;
        let mut client = between.world.connect().await;
        let expected = b"\x81\x05first\x81\x03mid\x81\x05hello";
        assert_eq!(client.exactly(expected.len()).await, expected);
        between.world.engine.ping("p");
        assert_eq!(client.exactly(3).await, b"\x89\x01p");
    });
}

#[test]
fn no_message_is_laid_between_the_fragments_of_a_real_engines() {
    in_memory(async {
        let real = &[
            r#"{"on_connect":"each","after_ms":10,"frame":{"opcode":1,"fin":false,"payload":"he"}}"#,
            r#"{"on_connect":"each","after_ms":30,"frame":{"opcode":0,"fin":false,"payload":"l"}}"#,
            r#"{"on_connect":"each","after_ms":50,"frame":{"opcode":0,"payload":"lo"}}"#,
            r#"{"on_connect":"each","after_ms":70,"frame":{"opcode":2,"fin":false,"payload":"a"}}"#,
            r#"{"on_connect":"each","after_ms":90,"drop":"fin"}"#,
        ];
        let overlay: &[&str] = &[
            r#"{"at_ms":20,"text":"mid"}"#,
            r#"{"at_ms":25,"ping":"p"}"#,
            r#"{"at_ms":40,"emit":{"event":"a"}}"#,
            r#"{"at_ms":80,"text":"never"}"#,
        ];
        let between = Between::of(real, &[overlay]).await;
        let mut client = between.world.connect().await;
        let (bytes, end) = client.all().await;
        let expected = concat!(
            "\\x01\\x02he",
            "\\x89\\x01p",
            "\\x00\\x01l",
            "\\x80\\x02lo",
            "\\x81\\x03mid",
            "\\x81\\r{\\\"event\\\":\\\"a\\\"}",
            "\\x02\\x01a",
        );
        assert_eq!(bytes.escape_ascii().to_string(), expected);
        assert_eq!(end, "eof");
        assert_eq!(between.both("lost"), [0, 1], "what waited to the end");
    });
}

#[test]
fn what_is_laid_over_waits_for_the_end_of_a_long_frame() {
    in_memory(async {
        // Longer than a frame is held until it is whole.
        let payload = vec![b'x'; (1 << 20) + 1];
        let frame = wstape_wire::whole_frame(1, &payload);
        let (begun, rest) = frame.split_at(frame.len() / 2);
        let [begun, rest] = [begun, rest].map(|part| BASE64_STANDARD.encode(part));
        let real = [
            format!(r#"{{"on_connect":"each","after_ms":10,"bytes":"{begun}"}}"#),
            format!(r#"{{"on_connect":"each","after_ms":30,"bytes":"{rest}"}}"#),
        ];
        let overlay: &[&str] = &[r#"{"at_ms":20,"ping":"p"}"#, r#"{"at_ms":20,"text":"mid"}"#];
        let between = Between::of(&real.each_ref().map(String::as_str), &[overlay]).await;
        let mut client = between.world.connect().await;
        let expected = [&frame[..], b"\x89\x01p\x81\x03mid"].concat();
        assert!(client.exactly(expected.len()).await == expected);
    });
}

#[test]
fn handshakes_are_refused_before_the_real_engine_hears_of_them() {
    in_memory(async {
        let overlay: &[&str] = &[r#"{"at_ms":0,"refuse":{"status":503,"body":"no"},"times":1}"#];
        let between = Between::of(&[], &[overlay]).await;
        let (answer, end) = gets(&between.world, &upgrade_request("")).await;
        assert!(
            answer.starts_with("HTTP/1.1 503 Service Unavailable"),
            "{answer}"
        );
        assert!(answer.ends_with("no") && end == "eof", "{answer} {end}");
        assert_eq!(between.both("accepted"), [0, 1]);
        between.world.connect().await;
        assert_eq!(between.both("upgraded"), [1, 1]);
        assert_eq!(between.both("refused"), [0, 1]);
    });
}

#[test]
fn a_client_that_ends_its_stream_ends_the_real_one_in_the_same_way() {
    in_memory(async {
        let between = Between::of(&[], &[]).await;
        let client = between.world.connect().await;
        drop(client);
        between.real_says("#1 client fin").await;
        let end = between.world.dial_end().await;
        end.reset();
        between.real_says("#2 client reset").await;
        assert_eq!(between.both("client_reset"), [1, 1]);
    });
}

#[test]
fn pongs_of_the_real_engine_are_withheld_or_late() {
    in_memory(async {
        let overlay: &[&str] = &[
            r#"{"at_ms":0,"pongs":"withheld"}"#,
            r#"{"at_ms":1000,"pongs":{"delay_ms":70}}"#,
        ];
        let real = &[r#"{"on_message":{"kind":"ping"},"after_ms":0,"pong":"own"}"#];
        let between = Between::of(real, &[overlay]).await;
        let mut client = between.world.connect().await;
        let clock = between.world.engine.clock();
        client.send(&masked(9, b"a")).await;
        clock
            .sleep_until(wstape_tape::Micros(clock.now().0 + 1_500_000))
            .await;
        let start = clock.now().0;
        client.send(&masked(9, b"b")).await;
        assert_eq!(client.exactly(5).await, b"\x8a\x03own");
        assert_eq!(clock.now().0 - start, 70_000);
    });
}

#[test]
fn a_kept_alive_connection_asks_again_and_upgrades() {
    in_memory(async {
        let real = &[
            r#"{"on_connect":"each","after_frames":0,"text":"in"}"#,
            r#"{"at_ms":0,"http":{"path":"/login","method":"POST","status":200,"body":"token"}}"#,
        ];
        let overlay: &[&str] =
            &[r#"{"at_ms":0,"http":{"path":"/own","status":200,"body":"mine"}}"#];
        let between = Between::of(real, &[overlay]).await;
        let mut client = between.world.dial().await.unwrap();
        let login = b"POST /login HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
                      3\r\nabc\r\n0\r\n\r\n";
        for (request, body) in [
            (&login[..], "token"),
            (b"GET /own HTTP/1.1\r\nHost: h\r\n\r\n", "mine"),
        ] {
            client.send(request).await;
            let head = client.head().await.unwrap();
            assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
            assert_eq!(client.exactly(body.len()).await, body.as_bytes());
        }
        client.send(&upgrade_request("")).await;
        assert!(client.head().await.unwrap().starts_with("HTTP/1.1 101 "));
        assert_eq!(client.exactly(4).await, b"\x81\x02in");
        assert_eq!(between.both("http_answered"), [1, 2]);
        assert_eq!(between.both("accepted"), [1, 1]);
    });
}

#[test]
fn what_is_expected_of_clients_is_judged_before_a_real_engine() {
    in_memory(async {
        let overlay = &[
            r#"{"at_ms":0,"expect":{"received":{"kind":"text","text":"hi"},"after_ms":1000}}"#,
            r#"{"at_ms":0,"expect":{"received":{"kind":"binary"},"after_ms":1000}}"#,
        ];
        let overlays = Engine::builder().layer(tape(overlay)).judging(true);
        let between = Between::build(&[], overlays, |upstream| upstream).await;
        let mut client = between.world.connect().await;
        client.send(&masked(1, b"hi")).await;
        let engine = &between.world.engine;
        let outcomes = [engine.next_verdict().await, engine.next_verdict().await];
        assert_eq!(
            outcomes.map(|verdict| verdict.unwrap().outcome),
            [Outcome::Met, Outcome::Unmet]
        );
    });
}

#[test]
fn what_cannot_be_laid_over_a_real_engine_is_an_error_before_it_listens() {
    in_memory(async {
        for (line, word) in [
            (
                r#"{"on_connect":"each","accept":{"token":"t"}}"#,
                "`accept`",
            ),
            (r#"{"at_ms":0,"answers":"held"}"#, "`answers`"),
            (
                r#"{"on_message":{"text":"x"},"instead":true,"text":"y"}"#,
                "`instead`",
            ),
        ] {
            let (_real, net) = Engine::builder().in_memory().unwrap();
            let builder = Engine::builder().layer(tape(&[line]));
            let built = builder.upstream(Upstream::new(Arc::new(net))).in_memory();
            match built.map(|_| ()) {
                Err(error @ EngineError::Misfit { line: 2, .. }) => {
                    assert!(error.to_string().contains(word), "{error}");
                }
                other => panic!("{line}: {other:?}"),
            }
        }
    });
}

#[test]
fn an_engine_that_cannot_be_reached_is_a_reset_and_a_note() {
    #[derive(Debug)]
    struct Nowhere;
    impl UpstreamDialer for Nowhere {
        fn dial(&self) -> UpstreamDialing<'_> {
            Box::pin(async { Err("connection refused".to_owned()) })
        }
    }
    in_memory(async {
        let builder = Engine::builder().upstream(Upstream::new(Arc::new(Nowhere)));
        let world = World::build(Arm::Virtual, builder).await;
        let seen = gets(&world, &upgrade_request("")).await;
        assert_eq!(seen, (String::new(), "reset".to_owned()));
        let lines = world.lines();
        assert!(
            lines[1].ends_with("the engine can't be reached: connection refused"),
            "{lines:?}"
        );
        assert!(lines[2].ends_with("#1 reset"), "{lines:?}");
    });
}

#[test]
fn a_client_that_does_not_read_holds_the_real_engine_up_and_loses_nothing() {
    in_memory(async {
        let message = "x".repeat(600_000);
        let line = format!(r#"{{"on_connect":"each","after_frames":0,"text":"{message}"}}"#);
        let more = format!(r#"{{"at_ms":1000,"text":"{message}"}}"#);
        let mut lines = vec![line.as_str()];
        lines.extend([more.as_str(); 10]);
        lines.push(r#"{"at_ms":2000,"drop":"fin"}"#);
        let between = Between::of(&lines, &[]).await;
        let mut client = between.world.connect().await;
        between.world.engine.partition(Partition::ToClient);
        let clock = between.world.engine.clock();
        clock
            .sleep_until(wstape_tape::Micros(clock.now().0 + 60_000_000))
            .await;
        assert_eq!(between.world.engine.accepted(), 1);
        between.world.engine.heal();
        let (bytes, end) = client.all().await;
        assert_eq!((bytes.len(), end.as_str()), (11 * 600_010, "eof"));
    });
}

#[test]
fn only_the_host_is_rewritten_and_only_where_that_is_asked_for() {
    in_memory(async {
        for rewrite in [false, true] {
            let with = |upstream: Upstream| {
                if rewrite {
                    upstream.host("engine.example")
                } else {
                    upstream
                }
            };
            let between = Between::build(&[], Engine::builder(), with).await;
            between.world.connect().await;
            let hosts = [&between.real, &between.world.engine].map(|engine| {
                let entries = engine.journal().entries();
                entries.iter().find_map(|entry| match &entry.kind {
                    wstape_mock_engine::JournalKind::Requested(head) => {
                        head.header("host").map(str::to_owned)
                    }
                    _ => None,
                })
            });
            let expected = if rewrite {
                "engine.example"
            } else {
                "mock-engine"
            };
            assert_eq!(
                hosts,
                [expected, "mock-engine"].map(|host| Some(host.to_owned()))
            );
        }
    });
}

impl World {
    /// Dials, and hands out the bare end of the link behind an upgrade.
    async fn dial_end(&self) -> wstape_mock_engine::link::ClientEnd {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut end = self.net().connect().await.unwrap();
        end.write_all(&upgrade_request("")).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(end.read_u8().await.unwrap());
        }
        end
    }
}
