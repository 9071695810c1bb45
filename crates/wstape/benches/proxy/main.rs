//! What standing between costs: our proxy, which records, beside a bare TCP relay, which records
//! nothing, and beside mitmproxy, which records too; on loopback, in turn, in one run, each a
//! process of its own.
//!
//! `cargo bench --package wstape --bench proxy`
//!
//! `MITMDUMP` names mitmproxy's `mitmdump`, where that is not on the `PATH`.

mod between;
mod engine;
mod subscriber;

use std::process::ExitCode;
use std::time::Duration;

use between::{Between, Kind};
use engine::{Engine, Pace};
use hdrhistogram::Histogram;

/// Rounds of each kind; the median counts.
const ROUNDS: usize = 7;
/// Rounds at which mitmproxy takes part: it takes its time.
const SLOW_ROUNDS: usize = 3;
/// Frames of a round.
const FRAMES: usize = 200_000;
/// Frames of a round of mitmproxy's.
const SLOW_FRAMES: usize = 20_000;
/// Frames of a recording that lasts longer than any queue holds.
const SUSTAINED_FRAMES: usize = 3_000_000;
/// Frames a write, where they are batched.
const BATCH: usize = 128;
/// Frames for latency, and the pause between two.
const PACED_FRAMES: usize = 4_000;
const PACE: Duration = Duration::from_millis(1);

/// A positions event as the engine sends it: two positions, 331 bytes.
pub(crate) const EVENT: &str = concat!(
    r#"{"event": "positions", "ts": "2026-04-22T12:19:29.563466+00:00", "data": {"positions": ["#,
    r#"{"coin": "TRX", "direction": "LONG", "entry_price": 0.33444, "size_coins": 149.0, "#,
    r#""lens_id": "lens_flow"}, {"coin": "BTC", "direction": "SHORT", "entry_price": 63450.0, "#,
    r#""size_coins": 0.00125, "size_usd": 76.1412}], "account_value": 581.49647}}"#,
);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some([_, listen, upstream]) = arguments
        .iter()
        .position(|argument| argument == between::RELAY)
        .and_then(|at| arguments.get(at..at + 3))
    {
        between::relay(listen, upstream);
    }
    // `cargo test --benches` asks only whether it runs.
    if arguments.iter().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    let mitmdump = between::mitmdump();
    println!(
        "{} bytes an event, {FRAMES} events a round, {ROUNDS} rounds",
        EVENT.len()
    );
    if mitmdump.is_none() {
        println!("mitmproxy is left out: no mitmdump on the PATH, nor named by MITMDUMP");
    }
    let kinds = |all: bool| {
        let mut kinds = vec![Kind::Nothing, Kind::Relay, Kind::Proxy];
        kinds.extend(mitmdump.clone().filter(|_| all).map(Kind::Mitmproxy));
        kinds
    };
    let mut lost = 0;
    for (name, batch) in [("a write a frame", 1), ("128 frames a write", BATCH)] {
        println!("\nframes per second, {name}");
        let mut rates = vec![Vec::new(); 4];
        for round in 0..=ROUNDS {
            for (kind, rates) in kinds(round < SLOW_ROUNDS).iter().zip(&mut rates) {
                let frames = match kind {
                    Kind::Mitmproxy(_) => SLOW_FRAMES,
                    _ => FRAMES,
                };
                let (took, missing) = throughput(kind, frames, batch);
                lost += missing;
                // The first round warms up.
                if round > 0 {
                    rates.push(rate(frames, took));
                }
            }
        }
        let medians: Vec<f64> = rates.iter_mut().map(|rates| median(rates)).collect();
        for (kind, median) in kinds(true).iter().zip(&medians) {
            let (relay, slowest) = (medians[1], medians[3]);
            let beside = match kind {
                Kind::Proxy if slowest > 0.0 => {
                    format!(
                        "{:.2} of the relay, {:.1} × mitmproxy",
                        median / relay,
                        median / slowest
                    )
                }
                _ => format!("{:.2} of the relay", median / relay),
            };
            println!("{:<18} {median:>10.0}   {beside}", kind.name());
        }
    }
    println!("\nlatency in microseconds, a frame each {PACE:?}");
    let mut direct = None;
    for kind in kinds(true) {
        let (seen, missing) = latency(&kind);
        lost += missing;
        let [p50, p99] = [0.5, 0.99].map(|quantile| seen.value_at_quantile(quantile) / 1_000);
        let (base50, base99) = *direct.get_or_insert((p50, p99));
        println!(
            "{:<18} p50 {p50:>6}   p99 {p99:>6}   added p50 {:>6}   p99 {:>6}",
            kind.name(),
            p50.saturating_sub(base50),
            p99.saturating_sub(base99)
        );
    }
    lost += sustained();
    println!("\nframes missing from tapes that should have all: {lost}");
    if lost == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Many more frames than a queue holds, as fast as they go; gives those that a lossless tape lacks.
fn sustained() -> usize {
    println!("\n{SUSTAINED_FRAMES} frames, {BATCH} a write");
    let mut lost = 0;
    for kind in [Kind::Proxy, Kind::Lossless] {
        let engine = Engine::start(SUSTAINED_FRAMES, Pace::Full { batch: BATCH });
        let between = Between::start(&kind, engine.addr());
        let took = subscriber::throughput(between.addr(), SUSTAINED_FRAMES);
        let recorded = between.finish_weighed(SUSTAINED_FRAMES);
        let missing = recorded.missing;
        if matches!(kind, Kind::Lossless) {
            lost += missing;
        }
        let seconds = recorded.seconds.unwrap_or(f64::NAN);
        println!(
            "{:<18} {:>10.0} a second, {missing} missing, {:.0} recorded a second of processor \
             time, {} MiB at most",
            kind.name(),
            rate(SUSTAINED_FRAMES, took),
            rate(
                SUSTAINED_FRAMES - missing,
                Duration::from_secs_f64(seconds.max(0.01))
            ),
            recorded.peak_kib.unwrap_or_default() >> 10,
        );
    }
    lost
}

/// How long the frames take to the subscriber, and how many are missing from the tape.
fn throughput(kind: &Kind, frames: usize, batch: usize) -> (Duration, usize) {
    let engine = Engine::start(frames, Pace::Full { batch });
    let between = Between::start(kind, engine.addr());
    let took = subscriber::throughput(between.addr(), frames);
    (took, between.finish(frames))
}

/// How long each frame takes, in nanoseconds, and how many are missing from the tape.
fn latency(kind: &Kind) -> (Histogram<u64>, usize) {
    let engine = Engine::start(PACED_FRAMES, Pace::Each(PACE));
    let between = Between::start(kind, engine.addr());
    let seen = subscriber::latency(between.addr(), PACED_FRAMES, &engine);
    (seen, between.finish(PACED_FRAMES))
}

#[expect(clippy::cast_precision_loss, reason = "a rate to show")]
fn rate(frames: usize, took: Duration) -> f64 {
    frames as f64 / took.as_secs_f64()
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}
