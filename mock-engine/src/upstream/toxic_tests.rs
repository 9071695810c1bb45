//! Toxics over a real engine's traffic, in virtual time.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wstape_tape::{Micros, Tape};

use super::config::Upstream;
use crate::engine::Engine;
use crate::ids::PortId;
use crate::link::ClientEnd;
use crate::memory::MemoryNet;
use crate::toxics::{Poison, Stream, Toxic};

const REQUEST: &[u8] =
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A client's message `x`.
const MESSAGE: &[u8] = b"\x81\x81\0\0\0\0x";

/// What the real engine answers to it.
const ANSWER: &[u8] = b"\x81\x0812345678";

struct Between {
    real: Engine,
    engine: Engine,
    net: MemoryNet,
    laid: u64,
}

impl Between {
    fn new() -> Self {
        let tape = concat!(
            r#"{"tape":1,"needs":["dialogue"]}"#,
            "\n",
            r#"{"on_message":{"text":"x"},"text":"12345678"}"#,
            "\n",
            r#"{"on_message":{"text":"bye"},"drop":"fin"}"#,
            "\n",
        );
        let tape = Tape::parse("real", tape).unwrap();
        let (real, net) = Engine::builder().layer(tape).in_memory().unwrap();
        let upstream = Upstream::new(Arc::new(net));
        let (engine, net) = Engine::builder().upstream(upstream).in_memory().unwrap();
        Self {
            real,
            engine,
            net,
            laid: 0,
        }
    }

    /// Replaces the toxics of the engine's own port.
    fn lay(&mut self, stream: Stream, poisons: &[Poison]) {
        self.laid += 1;
        let toxic = |poison: &Poison| Toxic {
            number: self.laid,
            stream,
            toxicity: 1.0,
            poison: *poison,
            since: self.engine.clock().now(),
        };
        let toxics = poisons.iter().map(toxic).collect();
        self.engine
            .core()
            .lay_toxics(PortId::OWN, toxics, "laid".to_owned());
    }

    /// Connects and upgrades a client.
    async fn connect(&self) -> ClientEnd {
        let mut client = self.net.connect().await.unwrap();
        client.write_all(REQUEST).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        client
    }

    /// How many milliseconds a message takes to be answered.
    async fn asks(&self, client: &mut ClientEnd) -> u64 {
        let start = self.engine.clock().now();
        client.write_all(MESSAGE).await.unwrap();
        let mut answer = [0; ANSWER.len()];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, ANSWER);
        (self.engine.clock().now().0 - start.0) / 1_000
    }

    /// What follows a message until the stream's end, how it ends, and after how many milliseconds.
    async fn ends(&self, client: &mut ClientEnd, message: &[u8]) -> (Vec<u8>, &'static str, u64) {
        let start = self.engine.clock().now();
        client.write_all(message).await.unwrap();
        let mut came = Vec::new();
        let end = match client.read_to_end(&mut came).await {
            Ok(_) => "fin",
            Err(_) => "reset",
        };
        (came, end, (self.engine.clock().now().0 - start.0) / 1_000)
    }

    fn says(&self, text: &str) -> bool {
        let lines = self.engine.journal().lines();
        lines.iter().any(|line| line.ends_with(text))
    }
}

fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(test)
}

#[test]
fn latencies_of_both_directions_add_up_on_connections_there_are_and_to_come() {
    run(async {
        let mut between = Between::new();
        let mut client = between.connect().await;
        assert_eq!(between.asks(&mut client).await, 0);
        let slow = Poison::Latency {
            base: Micros::from_ms(100),
            jitter: Micros::ZERO,
        };
        between.lay(Stream::Downstream, &[slow]);
        assert_eq!(between.asks(&mut client).await, 100);
        between.lay(Stream::Upstream, &[slow, slow]);
        assert_eq!(between.asks(&mut client).await, 200);
        let mut other = between.connect().await;
        assert_eq!(between.asks(&mut other).await, 200);
        between.lay(Stream::Upstream, &[]);
        assert_eq!(between.asks(&mut client).await, 0);
    });
}

#[test]
fn bandwidth_and_slices_take_their_time() {
    run(async {
        let mut between = Between::new();
        let mut client = between.connect().await;
        between.lay(Stream::Downstream, &[Poison::Bandwidth(Some(1_000))]);
        assert_eq!(between.asks(&mut client).await, 10);
        let slicer = Poison::Slicer {
            bytes: 2,
            variation: 0,
            gap: Micros::from_ms(4),
        };
        between.lay(Stream::Downstream, &[slicer]);
        assert_eq!(
            between.asks(&mut client).await,
            20,
            "five pieces, 4 ms each"
        );
    });
}

#[test]
fn slices_with_a_variation_differ_in_length_and_hold_the_same_bytes() {
    run(async {
        let mut between = Between::new();
        let mut client = between.connect().await;
        let slicer = Poison::Slicer {
            bytes: 3,
            variation: 2,
            gap: Micros::ZERO,
        };
        between.lay(Stream::Downstream, &[slicer]);
        let (mut lengths, mut all) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            client.write_all(MESSAGE).await.unwrap();
            while !all.ends_with(ANSWER) || all.len() % ANSWER.len() != 0 {
                let mut piece = [0; 16];
                let read = client.read(&mut piece).await.unwrap();
                lengths.push(read);
                all.extend_from_slice(&piece[..read]);
            }
            all.clear();
        }
        assert!(lengths.iter().all(|length| (1..=5).contains(length)));
        // The rest of a message may be short by itself; lengths above the average are drawn.
        let longer = lengths.iter().filter(|length| **length > 3).count();
        assert!(longer > 10, "{lengths:?}");
    });
}

#[test]
fn a_timeout_loses_what_is_sent_and_closes_the_connection_when_it_is_over() {
    run(async {
        for stream in [Stream::Upstream, Stream::Downstream] {
            let mut between = Between::new();
            let mut client = between.connect().await;
            between.lay(stream, &[Poison::Timeout(Some(Micros::from_ms(300)))]);
            let ended = between.ends(&mut client, MESSAGE).await;
            assert_eq!(ended, (Vec::new(), "fin", 300), "{stream:?}");
            assert!(between.says("timeout toxic"));
            let received = between.real.journal().lines();
            let heard = received.iter().any(|line| line.contains("text \"x\""));
            assert_eq!(heard, stream == Stream::Downstream);
        }
    });
}

#[test]
fn a_timeout_without_an_end_lasts_until_it_is_taken_away_and_then_closes() {
    run(async {
        let mut between = Between::new();
        let mut client = between.connect().await;
        between.lay(Stream::Downstream, &[Poison::Timeout(None)]);
        client.write_all(MESSAGE).await.unwrap();
        let clock = between.engine.clock();
        clock.sleep_until(Micros(clock.now().0 + 60_000_000)).await;
        assert_eq!(between.engine.core().counts().open, 1);
        between.lay(Stream::Downstream, &[]);
        assert_eq!(between.ends(&mut client, b"").await, (Vec::new(), "fin", 0));
    });
}

#[test]
fn reset_peer_resets_both_sides_when_its_time_has_come() {
    run(async {
        let mut between = Between::new();
        let mut client = between.connect().await;
        between.lay(
            Stream::Downstream,
            &[Poison::ResetPeer(Micros::from_ms(200))],
        );
        let ended = between.ends(&mut client, MESSAGE).await;
        assert_eq!(ended, (ANSWER.to_vec(), "reset", 200));
        let is = |line: &String| line.ends_with("#1 client reset");
        for _ in 0..1_000 {
            if between.real.journal().lines().iter().any(is) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{:#?}", between.real.journal().lines());
    });
}

#[test]
fn limit_data_lets_so_many_bytes_through_and_then_closes() {
    run(async {
        let mut between = Between::new();
        let mut client = between.connect().await;
        between.lay(Stream::Downstream, &[Poison::LimitData(14)]);
        assert_eq!(between.asks(&mut client).await, 0);
        let ended = between.ends(&mut client, MESSAGE).await;
        assert_eq!(ended, (ANSWER[..4].to_vec(), "fin", 0));
        assert!(between.says("limit_data toxic"));

        between.lay(Stream::Downstream, &[]);
        let mut client = between.connect().await;
        between.lay(Stream::Upstream, &[Poison::LimitData(3)]);
        assert_eq!(
            between.ends(&mut client, MESSAGE).await,
            (Vec::new(), "fin", 0)
        );
    });
}

#[test]
fn slow_close_passes_the_end_on_later() {
    run(async {
        let mut between = Between::new();
        let mut client = between.connect().await;
        between.lay(
            Stream::Downstream,
            &[Poison::SlowClose(Micros::from_ms(500))],
        );
        let bye = b"\x81\x83\0\0\0\0bye";
        assert_eq!(
            between.ends(&mut client, bye).await,
            (Vec::new(), "fin", 500)
        );
    });
}

#[test]
fn a_port_that_is_disabled_closes_what_came_in_by_it() {
    run(async {
        let between = Between::new();
        let mut client = between.connect().await;
        between.engine.core().enable_port(PortId::OWN, false);
        assert_eq!(between.ends(&mut client, b"").await, (Vec::new(), "fin", 0));
    });
}
