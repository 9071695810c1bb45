//! The cost of one event: decoded through `Value`, decoded as raw text and then typed, decoded as
//! the subscriber does it, and folded into the mirror.
//!
//! `cargo bench -p engine-client --bench decode`

use chrono::{DateTime, Utc};
use divan::{Bencher, black_box};
use engine_client::{
    Decoded, EngineEvent, EngineState, Positions, Regime, Risk, V2Status, decode, decode_binary,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

const KINDS: [&str; 5] = ["heartbeat", "status", "positions", "risk", "regime"];

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn main() {
    divan::main();
}

/// A message of that kind as the engine sends it.
fn message(kind: &str) -> String {
    let data = match kind {
        "heartbeat" => "{}",
        "status" => include_str!("../tests/payloads/v2_status.json").trim(),
        "positions" => concat!(
            r#"{"positions":[{"coin":"TRX","direction":"LONG","entry_price":0.33444,"#,
            r#""size_coins":149.0,"size_usd":49.83156,"lens_id":"lens_flow"},"#,
            r#"{"coin":"BTC","direction":"SHORT","entry_price":63450.0,"#,
            r#""size_coins":0.0012,"size_usd":76.14}],"account_value":581.49647,"#,
            r#""total_unrealized_pnl":-1.25}"#,
        ),
        "risk" => include_str!("../tests/payloads/risk.json").trim(),
        "regime" => r#"{"regime":"TREND_SHORT","confidence":0.82,"coin":"BTC"}"#,
        other => unreachable!("no message of kind {other}"),
    };
    let ts = "2026-04-21T19:05:36.821259+00:00";
    let message = format!(r#"{{"event":"{kind}","ts":"{ts}","data":{data}}}"#);
    assert_eq!(decoded(&message).event.kind(), kind);
    assert!(!decoded(&message).payload_failed, "{kind} is a reading");
    message
}

fn decoded(message: &str) -> Decoded {
    decode(message, NOW).expect("the message is an event")
}

fn time(ts: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(ts)
        .expect("the time is one")
        .to_utc()
}

#[divan::bench(args = KINDS)]
fn through_value(bencher: Bencher<'_, '_>, kind: &str) {
    #[derive(Deserialize)]
    struct Envelope {
        event: String,
        ts: String,
        data: Value,
    }

    fn typed(message: &str) -> serde_json::Result<(EngineEvent, DateTime<Utc>)> {
        let Envelope { event, ts, data } = serde_json::from_str(message)?;
        let ts = time(&ts);
        let event = match event.as_str() {
            "status" => EngineEvent::Status(Box::new(V2Status::deserialize(data)?)),
            "positions" => EngineEvent::Positions(Box::new(Positions::deserialize(data)?)),
            "risk" => EngineEvent::Risk(Box::new(Risk::deserialize(data)?)),
            "regime" => EngineEvent::Regime(Box::new(Regime::deserialize(data)?)),
            _ => EngineEvent::Heartbeat(ts),
        };
        Ok((event, ts))
    }

    let message = message(kind);
    bencher.bench(|| typed(black_box(&message)).expect("the message is an event"));
}

#[divan::bench(args = KINDS)]
fn raw_then_typed(bencher: Bencher<'_, '_>, kind: &str) {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        event: &'a str,
        ts: &'a str,
        #[serde(borrow)]
        data: &'a RawValue,
    }

    fn typed(message: &str) -> serde_json::Result<(EngineEvent, DateTime<Utc>)> {
        let Envelope { event, ts, data } = serde_json::from_str(message)?;
        let (ts, data) = (time(ts), data.get());
        let event = match event {
            "status" => EngineEvent::Status(Box::new(serde_json::from_str(data)?)),
            "positions" => EngineEvent::Positions(Box::new(serde_json::from_str(data)?)),
            "risk" => EngineEvent::Risk(Box::new(serde_json::from_str(data)?)),
            "regime" => EngineEvent::Regime(Box::new(serde_json::from_str(data)?)),
            _ => EngineEvent::Heartbeat(ts),
        };
        Ok((event, ts))
    }

    let message = message(kind);
    bencher.bench(|| typed(black_box(&message)).expect("the message is an event"));
}

#[divan::bench(args = KINDS)]
fn one_pass(bencher: Bencher<'_, '_>, kind: &str) {
    let message = message(kind);
    bencher.bench(|| decoded(black_box(&message)));
}

#[divan::bench(args = KINDS)]
fn one_pass_from_binary(bencher: Bencher<'_, '_>, kind: &str) {
    let message = message(kind);
    bencher.bench(|| decode_binary(black_box(message.as_bytes()), NOW));
}

/// Folds an event into a mirror that has one of the kind already. What it displaces is dropped
/// outside of what is measured, as the subscriber drops it outside of the lock.
#[divan::bench(args = KINDS)]
fn fold(bencher: Bencher<'_, '_>, kind: &str) {
    let message = message(kind);
    let first = decoded(&message);
    let mirror = EngineState::shared();
    mirror.write().apply(first.event, first.ts);
    bencher
        .with_inputs(|| decoded(&message))
        .bench_values(|decoded| mirror.write().apply(decoded.event, decoded.ts));
}
