//! What an engine sends by itself: the generated event stream of a case.

use std::fmt::Write as _;

use chrono::{DateTime, Duration, Utc};
use wstape_tape::{Action, Micros, Step, Trigger};

use super::dice::Dice;

/// The most events that a stream holds.
const MAX_EVENTS: usize = 4_000;

/// How long one sort of event may be missing.
const MIN_STRETCH: Micros = Micros::from_ms(2_000);
const MAX_STRETCH: Micros = Micros::from_ms(120_000);
/// How a heartbeat, and nothing else, begins.
const HEARTBEAT: &str = r#"{"event":"heartbeat""#;

/// How an engine writes its times.
#[derive(Debug, Clone, Copy)]
enum Clock {
    Offset,
    Zulu,
    Naive,
}

/// The events of an engine from its start to `end`.
pub(super) fn events(dice: &mut Dice, wall_at_zero: DateTime<Utc>, end: Micros) -> Vec<Step> {
    // Mostly about one a second; now and then so few that only Pings show life.
    let every = match dice.below(8) {
        0 => Micros::from_ms(dice.between(4_000, 20_000)),
        1 => Micros::from_ms(dice.between(100, 400)),
        _ => Micros::from_ms(dice.between(700, 1_300)),
    };
    let clock = dice.pick(&[Clock::Offset, Clock::Offset, Clock::Zulu, Clock::Naive]);
    let mut at = Micros(dice.below(every.0));
    let mut steps = Vec::new();
    while at < end && steps.len() < MAX_EVENTS {
        let json = event(dice, &time(clock, wall_at_zero, at));
        steps.push(Step::at(at, Action::Emit(json.into())));
        let step = match dice.below(16) {
            0 => 0,
            1 => every.0 * 3,
            _ => dice.between(every.0 / 2, every.0 + every.0 / 2),
        };
        at = Micros(at.0.saturating_add(step));
    }
    steps
}

/// A5: in some cases, for a while, only heartbeats come, or everything but heartbeats.
pub(super) fn stretch(dice: &mut Dice, end: Micros, steps: &mut Vec<Step>) {
    if !dice.chance(1, 6) {
        return;
    }
    let from = Micros(dice.below(end.0.max(1)));
    let to = Micros(
        from.0
            .saturating_add(dice.log_time(MIN_STRETCH, MAX_STRETCH).0),
    );
    let beats = dice.chance(1, 2);
    steps.retain(|step| match (&step.trigger, &step.action) {
        (Trigger::At(at), Action::Emit(json)) if (from..to).contains(at) => {
            json.starts_with(HEARTBEAT.as_bytes()) == beats
        }
        _ => true,
    });
}

/// A time as an engine would write it.
fn time(clock: Clock, wall_at_zero: DateTime<Utc>, at: Micros) -> String {
    let since = Duration::microseconds(i64::try_from(at.0).unwrap_or(i64::MAX));
    let wall = wall_at_zero
        .checked_add_signed(since)
        .unwrap_or(wall_at_zero);
    let form = match clock {
        Clock::Offset => "%Y-%m-%dT%H:%M:%S%.6f+00:00",
        Clock::Zulu => "%Y-%m-%dT%H:%M:%S%.3fZ",
        Clock::Naive => "%Y-%m-%dT%H:%M:%S%.6f",
    };
    wall.format(form).to_string()
}

/// An event from a sound engine.
pub(super) fn event(dice: &mut Dice, ts: &str) -> String {
    let (name, data) = match dice.below(10) {
        0..=2 => ("heartbeat", r#"{"status":"ok"}"#.to_owned()),
        3 | 4 => (
            dice.pick(&["positions", "positions_update"]),
            positions(dice),
        ),
        5 | 6 => (dice.pick(&["risk", "risk_update"]), risk(dice)),
        7 => (dice.pick(&["regime", "regime_update"]), regime(dice)),
        8 => (dice.pick(&["status", "v2_status"]), status(dice)),
        _ => ("fill", format!(r#"{{"id":{}}}"#, dice.below(1_000))),
    };
    format!(r#"{{"event":"{name}","ts":"{ts}","data":{data}}}"#)
}

/// A number with two decimals, or a whole one where a fraction is expected.
fn amount(dice: &mut Dice) -> String {
    let cents = dice.below(2_000_000);
    let sign = if dice.chance(1, 4) { "-" } else { "" };
    if dice.chance(1, 6) {
        format!("{sign}{}", cents / 100)
    } else {
        format!("{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

pub(super) fn positions(dice: &mut Dice) -> String {
    let mut data = String::from(r#"{"positions":["#);
    for n in 0..dice.below(4) {
        if n > 0 {
            data.push(',');
        }
        let (symbol, side) = if dice.chance(1, 4) {
            ("coin", "direction")
        } else {
            ("symbol", "side")
        };
        // Writing to a string does not fail.
        let _ = write!(
            data,
            r#"{{"{symbol}":"{}","{side}":"{}","size":{},"entry":{}}}"#,
            dice.pick(&["BTC", "ETH", "SOL"]),
            dice.pick(&["LONG", "SHORT"]),
            amount(dice),
            amount(dice)
        );
    }
    let _ = write!(data, r#"],"account_value":{}}}"#, amount(dice));
    data
}

pub(super) fn risk(dice: &mut Dice) -> String {
    let halted = dice.chance(1, 4);
    format!(
        r#"{{"account_value":{},"halted":{halted},"open_count":{},"x_extra":{}}}"#,
        amount(dice),
        dice.pick(&["0", "2", "3.0"]),
        dice.below(10)
    )
}

pub(super) fn regime(dice: &mut Dice) -> String {
    format!(
        r#"{{"regime":"{}","confidence":0.{}}}"#,
        dice.pick(&["TREND", "CHOP", "CALM"]),
        dice.between(1, 9)
    )
}

pub(super) fn status(dice: &mut Dice) -> String {
    format!(
        r#"{{"market":{{"regime":"CHOP","health":{}}},"today":{{"trades":{},"pnl":{}}},"hl_rate":{{"used":{},"cap":1200}}}}"#,
        amount(dice),
        dice.below(50),
        amount(dice),
        dice.below(1_200)
    )
}
