//! The reconnect ladder with one small subscriber: how long a run takes in three simulators.
//!
//! Nobody listens for a minute. The subscriber waits 0.5 s, 1 s, 2 s, … up to 30 s between its
//! dials, connects at 61.5 s, hears one message, and the run ends at 65 s. The subscriber is the
//! same code in all three; what differs is what it dials with.
//!
//! ```sh
//! cargo run --release
//! ```

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;
use wstape::{Scenario, Tape, subject};

/// The delays of the ladder: the first and the longest.
const INITIAL: Duration = Duration::from_millis(500);
const MAX: Duration = Duration::from_secs(30);
/// When the engine begins to listen, when it sends the message, and when the run ends.
const LISTENS: Duration = Duration::from_secs(61);
const SENDS: Duration = Duration::from_secs(62);
const ENDS: Duration = Duration::from_secs(65);
/// Dials that the ladder takes, at 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 and 61.5 s.
const DIALS: u64 = 8;

const TAPE: &str = r#"{"tape":1,"title":"The reconnect ladder"}
{"at_ms":0,"down":true}
{"at_ms":61000,"down":false}
{"at_ms":62000,"text":"hello"}
{"at_ms":65000,"end":true}
"#;

/// The result of a run. It must be the same everywhere, or the times can't be compared.
#[derive(Debug, Clone, Default)]
struct Seen {
    dials: Arc<AtomicU64>,
    messages: Arc<AtomicU64>,
}

/// Runs the subscriber.
async fn follow<S, D>(dial: impl Fn() -> D, seen: Seen)
where
    S: AsyncRead + AsyncWrite + Unpin,
    D: Future<Output = io::Result<S>>,
{
    let mut delay = INITIAL;
    loop {
        seen.dials.fetch_add(1, Ordering::Relaxed);
        if let Ok(stream) = dial().await
            && let Ok((mut socket, _)) =
                tokio_tungstenite::client_async("ws://engine:9000/ws", stream).await
        {
            while let Some(Ok(_)) = socket.next().await {
                delay = INITIAL;
                seen.messages.fetch_add(1, Ordering::Relaxed);
            }
        }
        sleep(delay).await;
        delay = (delay * 2).min(MAX);
    }
}

/// Runs the engine, for simulators without one: listens late, accepts one client, sends one
/// message.
async fn serve<S, A>(
    accept: impl Future<Output = io::Result<A>>,
    take: impl AsyncFn(&A) -> io::Result<S>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let listener = accept.await.expect("it listens");
    let stream = take(&listener).await.expect("it is dialled");
    let mut socket = tokio_tungstenite::accept_async(stream)
        .await
        .expect("an upgrade");
    sleep(
        SENDS
            .saturating_sub(LISTENS)
            .saturating_sub(Duration::from_millis(500)),
    )
    .await;
    socket
        .send(Message::text("hello"))
        .await
        .expect("it is sent");
    std::future::pending::<()>().await;
}

fn wstape(seen: &Seen) {
    let seen = seen.clone();
    let subscriber = subject(move |_| {
        let seen = seen.clone();
        async move { follow(|| wstape_dial::dial("engine", 9000), seen).await }
    });
    let tape = Tape::parse("ladder", TAPE).expect("a tape");
    let outcome = Scenario::new(tape).run(&subscriber).expect("it plays");
    assert!(
        outcome.to_string().contains("61.500000  #1    accepted"),
        "{outcome}"
    );
}

fn turmoil_net(seen: &Seen) {
    use turmoil_net::fixture::ClientServer;
    use turmoil_net::shim::tokio::net::{TcpListener, TcpStream};

    let seen = seen.clone();
    let engine = async {
        sleep(LISTENS).await;
        serve(
            TcpListener::bind("0.0.0.0:9000"),
            async |listener: &TcpListener| Ok(listener.accept().await?.0),
        )
        .await;
    };
    ClientServer::new()
        .server("engine", engine)
        .run("subscriber", async move {
            tokio::select! {
                () = follow(|| TcpStream::connect("engine:9000"), seen) => {}
                () = sleep(ENDS) => {}
            }
        });
}

fn turmoil(seen: &Seen) {
    let mut sim = turmoil::Builder::new()
        .simulation_duration(ENDS + Duration::from_secs(5))
        .build();
    sim.host("engine", || async {
        sleep(LISTENS).await;
        serve(
            turmoil::net::TcpListener::bind("0.0.0.0:9000"),
            async |listener: &turmoil::net::TcpListener| Ok(listener.accept().await?.0),
        )
        .await;
        Ok(())
    });
    let seen = seen.clone();
    sim.client("subscriber", async move {
        tokio::select! {
            () = follow(|| turmoil::net::TcpStream::connect("engine:9000"), seen) => {}
            () = sleep(ENDS) => {}
        }
        Ok(())
    });
    sim.run().expect("it plays");
}

/// Returns the median duration of this many runs, in milliseconds.
fn median(runs: usize, run: impl Fn(&Seen)) -> f64 {
    let mut took: Vec<f64> = (0..runs)
        .map(|_| {
            let seen = Seen::default();
            let began = Instant::now();
            run(&seen);
            let took = began.elapsed().as_secs_f64() * 1_000.0;
            let found = (
                seen.dials.load(Ordering::Relaxed),
                seen.messages.load(Ordering::Relaxed),
            );
            assert_eq!(found, (DIALS, 1), "dials and messages");
            took
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[runs / 2]
}

fn main() {
    // The simulators take turns, so that other load on the machine affects all three alike.
    let rounds = 5;
    let mut best = [f64::MAX; 3];
    for _ in 0..rounds {
        let took = [
            median(200, wstape),
            median(5, turmoil_net),
            median(3, turmoil),
        ];
        best = std::array::from_fn(|n| best[n].min(took[n]));
    }
    let [wstape, turmoil_net, turmoil] = best;
    println!("the 65 s reconnect ladder, one run, best of {rounds} medians");
    println!("  wstape, plain time  {wstape:>9.3} ms");
    for (name, took) in [("turmoil-net 0.1", turmoil_net), ("turmoil 0.7", turmoil)] {
        println!(
            "  {name:<18}  {took:>9.3} ms, {:>6.0} times as long",
            took / wstape
        );
    }
}
