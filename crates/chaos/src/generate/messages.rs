//! Faults in what messages say.

use wstape_tape::{Action, ClockSkew, Micros};

use super::dice::Dice;
use super::events;
use super::scene::Scene;
use super::vocabulary::Vocabulary;
use crate::fault::FaultKind;

/// Messages that are not events, or only just.
const MALFORMED: [&str; 22] = [
    "",
    " ",
    "{",
    "null",
    "[]",
    "42",
    "\"risk\"",
    "{}",
    r#"{"event":}"#,
    r#"{"event":"risk""#,
    r#"{"event":"risk"}{"event":"risk"}"#,
    r#"{"event":"risk","data":{"halted":true}} trailing"#,
    "\u{feff}{\"event\":\"heartbeat\"}",
    r#"{"event":"risk","data":{"account_value":NaN}}"#,
    r#"{"event":"risk","event":"heartbeat"}"#,
    r#"{"event":"risk","data":{"halted":true},"data":{"halted":false}}"#,
    r#"{"event":"risk","data":{"account_value":1e999}}"#,
    r#"{"event":"risk","data":{"halted":true,"halted":false}}"#,
    r#"{"event":7,"data":{}}"#,
    r#"{"Event":"risk","data":{"halted":true}}"#,
    r#"{"event":"fill","data":"\ud800"}"#,
    r#"["risk",{"halted":true}]"#,
];

/// Payloads that are not readings of their kind, or only just.
const WRONG: [&str; 30] = [
    "{}",
    "[]",
    "null",
    r#"{"error":"down"}"#,
    r#""text""#,
    "17",
    r#"{"halted":"yes"}"#,
    r#"{"halted":null}"#,
    r#"{"halted":1}"#,
    r#"{"halted":true,"account_value":"much"}"#,
    r#"{"account_value":null,"halted":false}"#,
    r#"{"open_count":-1}"#,
    r#"{"open_count":2.5}"#,
    r#"{"open_count":2.0}"#,
    r#"{"open_count":4294967296}"#,
    r#"{"positions":[]}"#,
    r#"{"positions":null,"account_value":1}"#,
    r#"{"account_value":1,"total_unrealized_pnl":0.5}"#,
    r#"{"ts":"2026-04-21T19:05:36Z"}"#,
    r#"{"ts":"2026-04-21T19:05:36Z","alert":null,"blind_spots":[]}"#,
    r#"{"items":[{"symbol":"BTC"}]}"#,
    r#"[{"coin":"ETH","direction":"SHORT","size_coins":1}]"#,
    r#"{"positions":[{"symbol":"BTC","size":1},{"symbol":7}]}"#,
    r#"{"positions":[{"symbol":"BTC","coin":"ETH"}]}"#,
    r#"{"regime":"CALM","confidence":1}"#,
    r#"{"regime":["CALM"]}"#,
    r#"{"market":{"health":1,"fear_greed":50.0}}"#,
    r#"{"market":[1,2]}"#,
    r#"{"today":{"trades":3},"hl_rate":{"used":1}}"#,
    "[true,false]",
];

/// Names of events, known and not.
const NAMES: [&str; 14] = [
    "heartbeat",
    "status",
    "v2_status",
    "positions",
    "positions_update",
    "risk",
    "risk_update",
    "regime",
    "regime_update",
    "RISK",
    "risk ",
    "",
    "fill",
    "alert",
];

/// Times as the text of a JSON value.
const TIMES: [&str; 16] = [
    "1e999",
    r#""\ud800""#,
    r#""2026-04-21T19:05:36.821259+00:00""#,
    r#""2026-04-21T19:05:36.821259""#,
    r#""2026-04-21T19:05:36Z""#,
    r#""2026-04-21T21:05:36+02:00""#,
    r#""2026-04-21T19:05:36.821259-07:30""#,
    r#""2026-04-21 19:05:36""#,
    r#""1969-12-31T23:59:59Z""#,
    r#""2099-01-01T00:00:00Z""#,
    r#""yesterday""#,
    r#""""#,
    "null",
    "1767225600",
    "1767225600.5",
    r#"{"seconds":1}"#,
];

/// How far an engine's clock is off: a bad sync, a time zone, a machine restored from a backup.
const MIN_SKEW: Micros = Micros::from_ms(1_000);
const MAX_SKEW: Micros = Micros::from_ms(30 * 86_400_000);
/// How fast it drifts at most: a second in ten.
const MAX_DRIFT_PPM: u64 = 100_000;
/// The longest gap between two events that show a wrong clock, in microseconds.
const MAX_BETWEEN_US: u64 = 50_000;

pub(super) fn draw(kind: FaultKind, at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    if let Some(vocabulary) = scene.vocabulary {
        return draw_in(vocabulary, kind, at, dice, scene);
    }
    match kind {
        FaultKind::Malformed => {
            for _ in 0..dice.between(1, 4) {
                let text = match dice.below(12) {
                    0 => nested(dice.pick(&[126, 127, 128, 400])),
                    _ => dice.pick(&MALFORMED).to_owned(),
                };
                scene.at(kind, at, Action::Text(text));
            }
        }
        FaultKind::WrongFields => {
            for _ in 0..dice.between(1, 4) {
                let name = dice.pick(&NAMES);
                let payload = dice.pick(&WRONG);
                let text = match dice.below(6) {
                    0 => format!(r#"{{"event":"{name}"}}"#),
                    1 => format!(r#"{{"data":{payload},"event":"{name}"}}"#),
                    _ => format!(r#"{{"event":"{name}","data":{payload}}}"#),
                };
                scene.at(kind, at, Action::Text(text));
            }
        }
        FaultKind::Timestamps => {
            for _ in 0..dice.between(1, 3) {
                let ts = dice.pick(&TIMES);
                let risk = events::risk(dice);
                let text = match dice.below(4) {
                    0 => format!(r#"{{"event":"risk","data":{risk}}}"#),
                    1 => format!(r#"{{"event":"risk","data":{risk},"ts":{ts}}}"#),
                    _ => format!(r#"{{"event":"risk","ts":{ts},"data":{risk}}}"#),
                };
                scene.at(kind, at, Action::Text(text));
            }
        }
        FaultKind::Clock => clock(at, dice, scene),
        FaultKind::Replayed => {
            let event = |dice: &mut Dice, second: u64| {
                events::event(dice, &format!("2026-01-01T00:00:{second:02}Z"))
            };
            let (first, second) = (event(dice, 20), event(dice, 10));
            for json in [first.clone(), second, first] {
                scene.at(kind, at, Action::Emit(json.into()));
            }
        }
        FaultKind::Burst => {
            // Now and then more than the events channel holds.
            let most = if dice.chance(1, 4) { 700 } else { 80 };
            for n in 0..dice.log(8, most) {
                let ts = format!("2026-01-01T00:01:{:02}.{:03}Z", n / 1000, n % 1000);
                let json = events::event(dice, &ts);
                scene.at(kind, at, Action::Emit(json.into()));
            }
        }
        FaultKind::ErrorThenClose => {
            let json = r#"{"event":"error","data":{"message":"shutting down"}}"#;
            scene.at(kind, at, Action::Emit(json.into()));
            scene.at(
                kind,
                at,
                Action::Close(Some(wstape_tape::CloseFrame {
                    code: 1011,
                    reason: "internal error".to_owned(),
                })),
            );
        }
        _ => {}
    }
}

/// The same faults for a feed with its own vocabulary.
fn draw_in(
    vocabulary: &Vocabulary,
    kind: FaultKind,
    at: Micros,
    dice: &mut Dice,
    scene: &mut Scene<'_>,
) {
    match kind {
        FaultKind::Malformed => {
            for _ in 0..dice.between(1, 4) {
                scene.at(kind, at, Action::Text(vocabulary.malformed(dice)));
            }
        }
        FaultKind::WrongFields | FaultKind::Timestamps => {
            for _ in 0..dice.between(1, 4) {
                scene.at(kind, at, Action::Text(vocabulary.wrong(dice)));
            }
        }
        FaultKind::Clock => clock(at, dice, scene),
        FaultKind::Replayed => {
            let (first, second) = (vocabulary.any(dice), vocabulary.any(dice));
            for text in [first.clone(), second, first] {
                scene.at(kind, at, Action::Text(text));
            }
        }
        FaultKind::Burst => {
            let most = if dice.chance(1, 4) { 700 } else { 80 };
            for _ in 0..dice.log(8, most) {
                scene.at(kind, at, Action::Text(vocabulary.any(dice)));
            }
        }
        FaultKind::ErrorThenClose => {
            scene.at(kind, at, Action::Text(vocabulary.any(dice)));
            let close = wstape_tape::CloseFrame {
                code: 1011,
                reason: "internal error".to_owned(),
            };
            scene.at(kind, at, Action::Close(Some(close)));
        }
        _ => {}
    }
}

/// The engine's clock is wrong for a while, and events say what it shows. What another feed calls
/// its time is unknown, but what its tape writes as `${now}` moves all the same.
fn clock(at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    let kind = FaultKind::Clock;
    let span = scene.span(dice, at);
    let skew = ClockSkew {
        by: dice.log_time(MIN_SKEW, MAX_SKEW),
        behind: dice.chance(1, 2),
        drift_ppm: match dice.below(3) {
            0 => u32::try_from(dice.log(1, MAX_DRIFT_PPM)).unwrap_or(0),
            _ => 0,
        },
    };
    scene.state(kind, at, Action::Clock(Some(skew)), span);
    if !scene.tells_time {
        return;
    }
    scene.refers = true;
    let mut when = at;
    for _ in 0..dice.between(4, 12) {
        let json = events::event(dice, "${now}");
        scene.at(kind, when, Action::Emit(json.into()));
        when = Micros(when.0.saturating_add(dice.log(1, MAX_BETWEEN_US)));
    }
}

/// An event whose payload is nested this deep.
fn nested(levels: usize) -> String {
    format!(
        r#"{{"event":"fill","data":{}{}}}"#,
        "[".repeat(levels),
        "]".repeat(levels)
    )
}
