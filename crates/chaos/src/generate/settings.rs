//! The subscriber's settings in a case.

use std::time::Duration;

use wstape_tape::Micros;

use super::dice::Dice;
use wstape_oracle::{JitterMode, Settings};

/// The token, in cases that have one.
pub(super) const TOKEN: &str = "tok-5ecret-8d1f";

/// Bounds of the event timeout: around a sound engine's pauses between events.
const MIN_EVENT_TIMEOUT: Micros = Micros::from_ms(500);
const MAX_EVENT_TIMEOUT: Micros = Micros::from_ms(30_000);

/// Draws the subscriber's settings: mostly shorter than the defaults, so that a case is soon over;
/// a long case uses the defaults.
pub(super) fn settings(dice: &mut Dice, long: bool) -> Settings {
    let usual = dice.chance(1, 12) || long;
    let mut settings = if usual {
        Settings::default()
    } else {
        Settings {
            multiplier: dice.pick(&[0, 1, 2, 2, 2, 2, 3, 10]),
            ..short(dice)
        }
    };
    if dice.chance(1, 3) {
        settings.jitter = JitterMode::Full;
        settings.jitter_seed = dice.below(1 << 32);
    }
    if dice.chance(1, 4) {
        settings.token = Some(TOKEN.to_owned());
        settings.engine_token = Some(TOKEN.to_owned());
    }
    settings.max_message_bytes = dice.pick(&[1_024, 2_048, 16_384, settings.max_message_bytes]);
    settings.events_capacity = dice.pick(&[128, 128, 128, 256]);
    if !usual {
        let idle = Micros::from(settings.idle_timeout).0;
        let timeout = dice.pick(&[idle / 2, idle, idle + idle / 2, idle * 2]);
        settings.message_timeout = Micros(timeout).duration();
    }
    if dice.chance(1, 6) {
        let timeout = dice.log_time(MIN_EVENT_TIMEOUT, MAX_EVENT_TIMEOUT);
        settings.event_timeout = timeout.duration();
    }
    settings
}

fn short(dice: &mut Dice) -> Settings {
    let ms = |dice: &mut Dice, from: u64, to: u64| {
        dice.log_time(Micros::from_ms(from), Micros::from_ms(to))
    };
    // Below a millisecond too: truncated to whole milliseconds, such a delay would be zero.
    let initial = match dice.below(8) {
        0 => Micros(dice.between(400, 999)),
        1 => ms(dice, 1, 20),
        _ => ms(dice, 20, 1_000),
    };
    let max = match dice.below(6) {
        0 => initial.0 / 2,
        1 => initial.0,
        _ => initial.0.saturating_mul(dice.log(2, 64)),
    };
    // Long enough that a port that is down for a while is not dialed ten thousand times.
    let max = max.clamp(50_000, 8_000_000);
    let ping = ms(dice, 200, 8_000);
    let idle = match dice.below(8) {
        0 => Micros(ping.0 / 2),
        1 => ping,
        2 => Micros(ping.0 * 3),
        3 => Micros(ping.0 * 2 + dice.below(ping.0)),
        _ => Micros(ping.0 * 2),
    };
    let ping = if dice.chance(1, 16) {
        Micros::ZERO
    } else {
        ping
    };
    Settings {
        initial_backoff: initial.duration(),
        max_backoff: Duration::from_micros(max),
        ping_interval: ping.duration(),
        idle_timeout: idle.duration(),
        connect_timeout: ms(dice, 200, 4_000).duration(),
        ..Settings::default()
    }
}
