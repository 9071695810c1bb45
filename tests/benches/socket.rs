//! From socket to mirror: our subscriber against a bare tungstenite reader that decodes nothing,
//! taking turns on the same bytes over loopback in one run.
//!
//! `cargo bench --package wstape-tests --bench socket`

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use engine_client::{EngineState, WsSubscriber};
use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::tungstenite::accept;

/// Frames of a round.
const FRAMES: usize = 200_000;
/// Frames written at once.
const BATCH: usize = 128;
/// Rounds of each kind; the median counts.
const ROUNDS: usize = 7;
/// The longest that a round may take.
const ROUND_TIMEOUT: Duration = Duration::from_mins(1);

/// A positions event as the engine sends it: two positions, 331 bytes.
const EVENT: &str = concat!(
    r#"{"event": "positions", "ts": "2026-04-22T12:19:29.563466+00:00", "data": {"positions": ["#,
    r#"{"coin": "TRX", "direction": "LONG", "entry_price": 0.33444, "size_coins": 149.0, "#,
    r#""lens_id": "lens_flow"}, {"coin": "BTC", "direction": "SHORT", "entry_price": 63450.0, "#,
    r#""size_coins": 0.00125, "size_usd": 76.1412}], "account_value": 581.49647}}"#,
);

fn main() {
    // `cargo test --benches` only checks that it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!(
        "{} bytes an event, {FRAMES} events a round, {BATCH} a write",
        EVENT.len()
    );
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut ratios = Vec::new();
    for round in 0..=ROUNDS {
        let bare = rate(bare(&runtime));
        let ours = rate(ours(&runtime));
        // The first round warms up.
        if round > 0 {
            println!(
                "bare {bare:>9.0} frames/s   ours {ours:>9.0} frames/s   {:.3}",
                ours / bare
            );
            ratios.push(ours / bare);
        }
    }
    ratios.sort_by(f64::total_cmp);
    println!("ours / bare, median of {ROUNDS}: {:.3}", ratios[ROUNDS / 2]);
}

#[expect(clippy::cast_precision_loss, reason = "a rate to show")]
fn rate(took: Duration) -> f64 {
    FRAMES as f64 / took.as_secs_f64()
}

/// Accepts one connection, writes a round of frames in batches, and closes.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let addr = listener.local_addr().expect("it listens");
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut socket = accept(stream).expect("a handshake");
        let mut frame = vec![0x81, 126];
        frame.extend(
            u16::try_from(EVENT.len())
                .expect("a short event")
                .to_be_bytes(),
        );
        frame.extend(EVENT.as_bytes());
        let batch = frame.repeat(BATCH);
        let stream = socket.get_mut();
        for _ in 0..FRAMES / BATCH {
            stream.write_all(&batch).expect("a reader");
        }
        stream
            .write_all(&frame.repeat(FRAMES % BATCH))
            .expect("a reader");
        // The client may leave first, because it has everything it wants.
        let _ = socket.close(None);
        while socket.read().is_ok() {}
    });
    addr
}

fn bare(runtime: &Runtime) -> Duration {
    let addr = serve();
    runtime.block_on(async {
        let stream = TcpStream::connect(addr).await.expect("it listens");
        let url = format!("ws://{addr}/ws");
        let (mut socket, _) = tokio_tungstenite::client_async(url, stream)
            .await
            .expect("a handshake");
        let start = Instant::now();
        let mut frames = 0;
        while let Some(Ok(message)) = socket.next().await {
            frames += usize::from(message.is_text());
        }
        let took = start.elapsed();
        assert_eq!(frames, FRAMES);
        took
    })
}

fn ours(runtime: &Runtime) -> Duration {
    let addr = serve();
    runtime.block_on(async {
        let mirror = EngineState::shared();
        let subscriber = WsSubscriber::spawn(&format!("ws://{addr}/ws"), None, mirror.clone())
            .expect("a good url");
        let bounded = tokio::time::timeout(ROUND_TIMEOUT, async {
            subscriber
                .wait_until(|state| state.connection.ws_connected)
                .await;
            let start = Instant::now();
            subscriber
                .wait_until(|state| state.connection.last_end.is_some())
                .await;
            start.elapsed()
        });
        let took = bounded.await.expect("a round in time");
        subscriber.shutdown().await.expect("no panic");
        let state = mirror.read();
        let positions = state.positions.as_ref().expect("positions came");
        assert_eq!(positions.value.items.len(), 2);
        assert_eq!(state.connection.undecodable, 0);
        took
    })
}
