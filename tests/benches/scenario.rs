//! Whole scenarios: what a run costs, and how fast frames go through engine, link and subscriber,
//! in virtual time and over TCP.
//!
//! `cargo bench --package wstape-tests --bench scenario`

use divan::Bencher;
use divan::counter::ItemsCount;
use engine_client::{EngineState, WsSubscriber};
use tokio::runtime::Builder;
use wstape::OurSubscriber;
use wstape_harness::{Outcome, Scenario};
use wstape_mock_engine::Engine;
use wstape_tape::{Action, Header, Micros, Step, Tape};

/// Events of a feed.
const EVENTS: usize = 20_000;

/// A positions event as the engine sends it.
const EVENT: &str = concat!(
    r#"{"event":"positions","ts":"2026-04-22T12:19:29.563466+00:00","data":{"positions":["#,
    r#"{"coin":"TRX","direction":"LONG","entry_price":0.33444,"size_coins":149.0,"lens_id":"lens_flow"},"#,
    r#"{"coin":"BTC","direction":"SHORT","entry_price":63450.0,"size_coins":0.0012}]}}"#,
);

/// Once this has arrived, everything before it has come too.
const LAST_EVENT: &str = r#"{"event":"regime","data":{"regime":"CHOP"}}"#;

fn main() {
    divan::main();
}

/// Engine down until the seventh retry: a minute of virtual time, journal and outcome included.
#[divan::bench]
fn ladder(bencher: Bencher<'_, '_>) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../fixtures/tapes/l1-reconnect-ladder.jsonl"
    );
    let scenario = Scenario::new(Tape::load(path).expect("a good tape"));
    bencher.bench_local(|| run(&scenario));
}

/// Events in bursts of a hundred, with a burst per millisecond of virtual time.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn feed_virtual(bencher: Bencher<'_, '_>) {
    let scenario = feed();
    bencher
        .counter(ItemsCount::new(EVENTS))
        .bench_local(|| run(&scenario));
}

/// As many events over TCP, with engine and subscriber sharing a thread: from the first emit until
/// the last event shows in the mirror.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn feed_tcp(bencher: Bencher<'_, '_>) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    bencher
        .counter(ItemsCount::new(EVENTS))
        .with_inputs(|| {
            runtime.block_on(async {
                let listening = Engine::builder().listen(([127, 0, 0, 1], 0).into());
                let engine = listening.await.expect("a free port");
                engine.start();
                let subscriber = WsSubscriber::spawn(&engine.url(), None, EngineState::shared())
                    .expect("a good url");
                engine.wait_for_connections(1).await.unwrap();
                (engine, subscriber)
            })
        })
        .bench_local_refs(|(engine, subscriber)| {
            runtime.block_on(async {
                for _ in 0..EVENTS {
                    engine.emit_json(EVENT);
                }
                engine.emit_json(LAST_EVENT);
                subscriber.wait_until(|state| state.regime.is_some()).await;
            });
        });
}

/// Reading a tape from a file and playing it, as `replay` does.
#[divan::bench]
fn trading_session(bencher: Bencher<'_, '_>) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../fixtures/recordings/trading-session.jsonl"
    );
    let scenario = Scenario::from_path(path);
    bencher.bench_local(|| run(&scenario));
}

fn run(scenario: &Scenario) -> Outcome {
    scenario.run(&OurSubscriber).expect("a good tape")
}

fn feed() -> Scenario {
    let mut steps: Vec<Step> = (0..EVENTS)
        .map(|n| {
            let at = Micros::from_ms(10 + n as u64 / 1_000);
            Step::at(at, Action::Emit(EVENT.into()))
        })
        .collect();
    steps.push(Step::at(Micros::from_ms(100), Action::End));
    Scenario::new(Tape::new(Header::default(), steps))
}
