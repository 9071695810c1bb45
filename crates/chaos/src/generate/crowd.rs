//! A crowd that is dropped together.

use std::time::Duration;

use wstape_tape::{Action, CloseFrame, End, Header, Micros, Step, Tape};

use super::dice::Dice;
use super::events;
use crate::case::{About, Case, FAULT_KEY};
use crate::extension::raw;
use crate::fault::FaultKind;
use wstape_harness::Terms;
use wstape_oracle::{JitterMode, Settings};

/// Size of a crowd: large enough that three times its share of reconnects is no accident.
const CROWD: (u64, u64) = (200, 300);
/// Range of the first delay, in milliseconds; each subscriber waits a random part of it.
const DELAY_MS: (u64, u64) = (1_000, 1_500);

/// Draws the case of a crowd.
pub(super) fn draw(seed: u64, terms: &Terms) -> Case {
    let dice = &mut Dice::of(seed, "crowd's");
    let drawn = Duration::from_millis(dice.between(DELAY_MS.0, DELAY_MS.1));
    let delay = match terms {
        Terms::Settings => drawn,
        // The subject has a delay of its own.
        Terms::Bounds(bounds) => bounds.backoff.map_or(drawn, |backoff| {
            backoff.delay(0).mul_f64(backoff.max_share.max(0.0))
        }),
    };
    let settings = Settings {
        initial_backoff: delay,
        max_backoff: delay * 4,
        jitter: JitterMode::Full,
        jitter_seed: dice.below(1 << 32),
        ..Settings::default()
    };
    let dropped_at = Micros(dice.between(1_000_000, 3_000_000));
    let end = Micros(dropped_at.0 + Micros::from(delay).0 * 2);
    let (kind, action) = match dice.below(3) {
        0 => (FaultKind::Fin, Action::Drop(End::Fin)),
        1 => (FaultKind::Reset, Action::Drop(End::Reset)),
        _ => {
            let close = CloseFrame {
                code: dice.pick(&[1001, 1012, 1013]),
                reason: String::new(),
            };
            (FaultKind::Close, Action::Close(Some(close)))
        }
    };
    let mut drop = Step::at(dropped_at, action);
    drop.extensions
        .push((FAULT_KEY.to_owned(), raw(kind.name())));
    let header = Header::new(format!("chaos, seed {seed}: a crowd"));
    let wall = header.wall_at_zero();
    // Every subscriber gets at least one frame, so that every backoff counter is at zero.
    let mut base = events::events(dice, wall, end);
    base.insert(0, Step::at(Micros(1), Action::Ping("all".into())));
    base.sort_by_key(|step| match step.trigger {
        wstape_tape::Trigger::At(at) => at,
        _ => Micros::ZERO,
    });
    base.push(Step::at(end, Action::End));
    let faults = Tape::new(Header::new("the crowd is dropped"), vec![drop]);
    let about = About {
        seed: Some(seed),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        crowd: u32::try_from(dice.between(CROWD.0, CROWD.1)).unwrap_or(u32::MAX),
        ..About::default()
    };
    Case::new(Tape::new(header, base), faults, settings, about)
}
