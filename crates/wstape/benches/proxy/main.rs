//! What standing in between costs: our proxy, which records, compared with a bare TCP relay, which
//! records nothing, and with mitmproxy, which records too. All run on loopback, in turn, in one
//! run, each as a process of its own.
//!
//! `cargo bench --package wstape --bench proxy`
//!
//! `MITMDUMP` names mitmproxy's `mitmdump`, if that is not on the `PATH`.
//!
//! `cargo bench --package wstape --bench proxy -- --recorded [--beside PROGRAM]`
//!
//! With `--recorded`, what recording alone costs: frames recorded per second of processor time,
//! including the check of the finished tape, at a pace that loses none. `--beside` compares with
//! another build, whose verb `proxy` takes the same options.

mod between;
mod engine;
mod events;
#[path = "../latencies/mod.rs"]
mod latencies;
mod subscriber;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use between::{Between, Kind, Recorded};
use engine::{Engine, Pace};
use latencies::Latencies;

/// Rounds of each kind; the median counts.
const ROUNDS: usize = 7;
/// Rounds in which mitmproxy takes part, because it is slow.
const SLOW_ROUNDS: usize = 3;
/// Frames per round.
const FRAMES: usize = 200_000;
/// Frames per round of mitmproxy.
const SLOW_FRAMES: usize = 20_000;
/// Frames of a recording that lasts longer than any queue holds.
const SUSTAINED_FRAMES: usize = 3_000_000;
/// Rounds of such a recording; the median counts.
const SUSTAINED_ROUNDS: usize = 3;
/// Frames per write, if they are batched.
const BATCH: usize = 128;
/// Frames of a recording whose processor time is measured, and their pace: fast, but slow enough
/// for a writer that shares two cores with everything else.
const RECORDED_FRAMES: usize = 600_000;
const RECORDED_PACE: Pace = Pace::Batches {
    batch: BATCH,
    pause: Duration::from_millis(1),
};
/// Rounds of such a recording; the median counts.
const RECORDED_ROUNDS: usize = 5;
/// Frames for measuring latency, and the pause between two.
const PACED_FRAMES: usize = 4_000;
const PACE: Duration = Duration::from_millis(1);

/// The argument that asks for the processor time of recording alone, and the one before the other
/// build to compare with.
const RECORDED: &str = "--recorded";
const BESIDE: &str = "--beside";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some([_, listen, upstream]) = arguments
        .iter()
        .position(|argument| argument == between::RELAY)
        .and_then(|at| arguments.get(at..at + 3))
    {
        between::relay(listen, upstream);
    }
    // `cargo test --benches` only checks that it runs.
    if arguments.iter().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == RECORDED) {
        let beside = arguments.iter().position(|argument| argument == BESIDE);
        let beside = beside.and_then(|at| arguments.get(at + 1));
        return recorded(beside.map(PathBuf::from));
    }
    let mitmdump = between::mitmdump();
    println!(
        "{} bytes an event, {FRAMES} events a round, {ROUNDS} rounds",
        events::EVENT_BYTES
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
        let (mut seen, missing) = latency(&kind);
        lost += missing;
        let [p50, p99] = seen.of_a_hundred([50, 99]).map(|took| took / 1_000);
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

/// Measures the frames recorded per second of processor time, in turn with another build: of all
/// that the process takes, and of what it takes beyond a bare relay, which carries the same bytes.
fn recorded(beside: Option<PathBuf>) -> ExitCode {
    println!("{RECORDED_FRAMES} frames, {RECORDED_PACE:?}: seconds of processor time");
    let mut kinds = vec![Kind::Relay, Kind::Proxy];
    kinds.extend(beside.map(Kind::Other));
    let mut seconds = vec![Vec::new(); kinds.len()];
    let mut lost = 0;
    for round in 1..=RECORDED_ROUNDS {
        for (kind, seconds) in kinds.iter().zip(&mut seconds) {
            let engine = Engine::start(RECORDED_FRAMES, RECORDED_PACE);
            let between = Between::start(kind, engine.addr());
            subscriber::throughput(between.addr(), RECORDED_FRAMES);
            let recorded = between.finish_weighed(RECORDED_FRAMES);
            lost += recorded.missing;
            let took = recorded.seconds.unwrap_or(f64::NAN);
            seconds.push(took);
            let (name, missing) = (kind.name(), recorded.missing);
            println!("round {round}  {name:<18} {took:.2}   {missing} missing");
        }
    }
    let medians: Vec<f64> = seconds.iter_mut().map(|taken| median(taken)).collect();
    let of = |seconds: f64| rate(RECORDED_FRAMES, Duration::from_secs_f64(seconds.max(0.01)));
    for (kind, taken) in kinds.iter().zip(&medians).skip(1) {
        println!(
            "{:<18} {:>10.0} frames recorded a second of processor time, {:>10.0} of what it takes \
             beyond a bare relay",
            kind.name(),
            of(*taken),
            of(taken - medians[0])
        );
    }
    if lost == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Sends many more frames than a queue holds, as fast as possible, in turn with a bare relay;
/// returns how many of them a lossless tape lacks.
fn sustained() -> usize {
    println!("\n{SUSTAINED_FRAMES} frames, {BATCH} a write, {SUSTAINED_ROUNDS} rounds");
    let kinds = [Kind::Relay, Kind::Proxy, Kind::Lossless];
    let mut rounds = kinds.each_ref().map(|_| Vec::new());
    for _ in 0..SUSTAINED_ROUNDS {
        for (kind, rounds) in kinds.iter().zip(&mut rounds) {
            let engine = Engine::start(SUSTAINED_FRAMES, Pace::Full { batch: BATCH });
            let between = Between::start(kind, engine.addr());
            let took = subscriber::throughput(between.addr(), SUSTAINED_FRAMES);
            rounds.push((
                rate(SUSTAINED_FRAMES, took),
                between.finish_weighed(SUSTAINED_FRAMES),
            ));
        }
    }
    let mut lost = 0;
    let mut relay = None;
    for (kind, rounds) in kinds.iter().zip(&rounds) {
        let mut rates: Vec<f64> = rounds.iter().map(|(rate, _)| *rate).collect();
        let rate = median(&mut rates);
        let relay = *relay.get_or_insert(rate);
        print!(
            "{:<18} {rate:>10.0} a second   {:.2} of the relay",
            kind.name(),
            rate / relay
        );
        if matches!(kind, Kind::Relay) {
            println!();
            continue;
        }
        let missing = rounds.iter().map(|(_, recorded)| recorded.missing);
        let most_missing = missing.clone().max().unwrap_or_default();
        if matches!(kind, Kind::Lossless) {
            lost += missing.sum::<usize>();
        }
        let mut recorded: Vec<f64> = rounds
            .iter()
            .map(|(_, recorded)| recorded_rate(recorded))
            .collect();
        let peak_kib = rounds
            .iter()
            .filter_map(|(_, recorded)| recorded.peak_kib)
            .max();
        println!(
            ", {most_missing} missing at most, {:.0} recorded a second of processor time, {} MiB at \
             most",
            median(&mut recorded),
            peak_kib.unwrap_or_default() >> 10,
        );
    }
    lost
}

/// Returns how long the frames take to the subscriber, and how many are missing from the tape.
fn throughput(kind: &Kind, frames: usize, batch: usize) -> (Duration, usize) {
    let engine = Engine::start(frames, Pace::Full { batch });
    let between = Between::start(kind, engine.addr());
    let took = subscriber::throughput(between.addr(), frames);
    (took, between.finish(frames))
}

/// Returns how long each frame takes, in nanoseconds, and how many are missing from the tape.
fn latency(kind: &Kind) -> (Latencies, usize) {
    let engine = Engine::start(PACED_FRAMES, Pace::Each(PACE));
    let between = Between::start(kind, engine.addr());
    let seen = subscriber::latency(between.addr(), PACED_FRAMES, &engine);
    (seen, between.finish(PACED_FRAMES))
}

/// Returns the frames that were recorded per second of processor time.
fn recorded_rate(recorded: &Recorded) -> f64 {
    let seconds = recorded.seconds.unwrap_or(f64::NAN).max(0.01);
    rate(
        SUSTAINED_FRAMES - recorded.missing,
        Duration::from_secs_f64(seconds),
    )
}

#[expect(clippy::cast_precision_loss, reason = "a rate to show")]
fn rate(frames: usize, took: Duration) -> f64 {
    frames as f64 / took.as_secs_f64()
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}
