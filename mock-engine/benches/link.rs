//! How fast frames go from a step to a client in memory, and what a whole run costs.

use divan::Bencher;
use divan::counter::ItemsCount;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wstape_mock_engine::{Engine, StartAt};
use wstape_tape::{Micros, Tape};

const FRAMES: usize = 10_000;

const REQUEST: &[u8] =
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn main() {
    divan::main();
}

fn in_memory<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(run)
}

/// A tape of `FRAMES` emits of about 330 bytes, a millisecond apart.
fn flood() -> Tape {
    let padding = "x".repeat(260);
    let lines = (0..FRAMES).map(|n| {
        let at = n + 1;
        format!("{{\"at_ms\":{at},\"emit\":{{\"event\":\"positions\",\"ts\":\"2026-04-21T19:05:36Z\",\"data\":{{\"x\":\"{padding}\"}}}}}}\n")
    });
    let end = format!("{{\"at_ms\":{},\"drop\":\"fin\"}}\n", FRAMES + 1);
    let text: String = std::iter::once("{\"tape\":1}\n".to_owned())
        .chain(lines)
        .chain([end])
        .collect();
    Tape::parse("flood", &text).expect("a tape")
}

/// From a tape's steps to the client's reads, each frame at its own time.
#[divan::bench(sample_count = 20)]
fn played_frames(bencher: Bencher<'_, '_>) {
    let tape = flood();
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        in_memory(async {
            let builder = Engine::builder()
                .layer(tape.clone())
                .start_at(StartAt::FirstConnection);
            let (_engine, net) = builder.in_memory().expect("an engine");
            let mut client = net.connect().await.expect("a connection");
            client.write_all(REQUEST).await.expect("a request");
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.expect("a stream");
            all.len()
        })
    });
}

/// From a control to the lane, and from the lane to the reader.
#[divan::bench(sample_count = 20, args = [1, 16])]
fn broadcast_frames(bencher: Bencher<'_, '_>, clients: usize) {
    let payload = "x".repeat(330);
    bencher
        .counter(ItemsCount::new(FRAMES * clients))
        .bench_local(|| {
            in_memory(async {
                let (engine, net) = Engine::builder().in_memory().expect("an engine");
                let mut ends = Vec::new();
                for _ in 0..clients {
                    let mut client = net.connect().await.expect("a connection");
                    client.write_all(REQUEST).await.expect("a request");
                    ends.push(client);
                }
                engine.wait_for_connections(clients as u64).await.unwrap();
                for _ in 0..FRAMES {
                    engine.text(&*payload);
                }
                engine.drop_connections(wstape_tape::End::Fin);
                let mut buf = vec![0; 1 << 16];
                let mut total = 0;
                for client in &mut ends {
                    loop {
                        match client.read(&mut buf).await.expect("a stream") {
                            0 => break,
                            len => total += len,
                        }
                    }
                }
                total
            })
        });
}

/// Twelve attempts, seven of them refused, over a virtual minute: the engine's share of a run.
#[divan::bench(sample_count = 100)]
fn bare_run(bencher: Bencher<'_, '_>) {
    let tape = Tape::parse(
        "run",
        "{\"tape\":1}\n{\"on_connect\":\"each\",\"after_frames\":0,\"emit\":{\"event\":\"heartbeat\"}}\n{\"on_connect\":\"each\",\"after_ms\":100,\"drop\":\"reset\"}\n{\"at_ms\":0,\"refuse\":{\"status\":503},\"times\":7}\n{\"at_ms\":68000,\"end\":true}\n",
    )
    .expect("a tape");
    bencher.bench_local(|| {
        in_memory(async {
            let (engine, net) = Engine::builder()
                .layer(tape.clone())
                .in_memory()
                .expect("an engine");
            engine.start();
            let clock = engine.clock();
            for attempt in 0..12 {
                clock.sleep_until(Micros(attempt * 5_000_000)).await;
                let mut client = net.connect().await.expect("a connection");
                client.write_all(REQUEST).await.expect("a request");
                let mut all = Vec::new();
                // A reset is how most of them end.
                let _ = client.read_to_end(&mut all).await;
            }
            engine.finished().await.expect("the tape's end");
            engine.journal().len()
        })
    });
}
