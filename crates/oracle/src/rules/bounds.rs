//! The bounds for a subscriber that doesn't give the contract's settings.

use wstape_tape::Micros;

use crate::backoff::{Backoff, Reset};
use crate::rule::Rule;
use crate::settings::{JitterMode, Settings};

/// The bounds for a subscriber that doesn't give the contract's settings: those that every
/// subscriber keeps, and whatever it declares beyond them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Most dials that may begin within one second.
    pub max_dials_per_s: usize,
    /// Longest time from an end to the next dial.
    pub max_gap: Micros,
    /// Longest time from a Ping or a Close to its answer.
    pub max_answer: Micros,
    /// Most streams that may be held at once: the one in use, and old ones being closed.
    pub max_streams: usize,
    /// How soon after the faults end something must have come on a connection.
    pub max_recovery: Micros,
    /// Longest time that a shutdown may take.
    pub max_shutdown: Micros,
    /// Largest message that is read to its end, in bytes.
    pub max_message_bytes: usize,
    /// Declared: the longest that a silent open connection, or a dial or handshake that doesn't
    /// finish, is kept. Not judged unless declared.
    pub max_silence: Option<Micros>,
    /// Declared: how it backs off. Growth, cap, jitter and reset are not judged unless declared.
    pub backoff: Option<Backoff>,
    /// Declared: the same case gives the same trace, so it draws nothing at random.
    pub is_deterministic: bool,
    /// How much earlier or later than the declared backoff says a dial may come. In virtual time
    /// timers are accurate to a millisecond, and a delay computed in floating point may be off by
    /// another.
    pub max_off: Micros,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            max_dials_per_s: 20,
            max_gap: Micros::from_ms(120_000),
            max_answer: Micros::from_ms(10_000),
            max_streams: 4,
            max_recovery: Micros::from_ms(240_000),
            max_shutdown: Micros::from_ms(10_000),
            max_message_bytes: 64 << 20,
            max_silence: None,
            backoff: None,
            is_deterministic: false,
            max_off: Micros::from_ms(2),
        }
    }
}

impl Bounds {
    /// Why the declaration makes no sense, in words; `None` if it does.
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        if self.max_silence == Some(Micros::ZERO) {
            return Some("the longest silence must be more than zero");
        }
        let backoff = self.backoff?;
        if self.is_deterministic && backoff.has_jitter() {
            return Some(
                "a subscriber with jitter is not deterministic; declare only one of the two",
            );
        }
        backoff.flaw()
    }

    /// The bounds that a subscriber with these settings keeps on a machine under load: what
    /// [`exact`](super::Judge::exact) asks to the microsecond can't be asked in real time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wstape_oracle::{Bounds, Settings};
    ///
    /// let bounds = Bounds::of(&Settings::default());
    /// assert_eq!(bounds.backoff.unwrap().delay(1), Duration::from_secs(1));
    /// assert_eq!(bounds.max_silence, Some(Duration::from_mins(2).into()));
    /// ```
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let least = match settings.jitter {
            JitterMode::None => 1.0,
            JitterMode::Full => 0.0,
        };
        let backoff = Backoff::new(settings.initial_backoff, settings.max_backoff)
            .growth(settings.multiplier.max(1).into())
            .jitter(least, 1.0);
        // A message in progress is a sign of life for as long as it may take. Without such bounds
        // silence may last for ever.
        let of_open = [settings.idle_timeout, settings.message_timeout];
        let is_bounded = of_open.iter().all(|timeout| !timeout.is_zero());
        let longest = of_open.into_iter().fold(settings.connect_timeout, Ord::max);
        Self {
            backoff: Some(backoff),
            max_silence: is_bounded.then(|| longest.into()),
            is_deterministic: settings.jitter == JitterMode::None,
            ..Self::default()
        }
    }

    /// Whether these bounds test a rule at all, whatever the subject shows about itself; if not,
    /// what would have to be declared.
    ///
    /// # Errors
    /// What is not declared, or why the rule can't be asked, in words.
    pub fn asks(&self, rule: Rule) -> Result<(), &'static str> {
        let has_reset = |backoff: Backoff| backoff.reset != Reset::Never && backoff.growth > 1.0;
        let unless = |declared: bool, what| if declared { Ok(()) } else { Err(what) };
        match rule {
            Rule::R4 => unless(
                self.backoff.is_some_and(has_reset),
                "no backoff is declared that grows and resets",
            ),
            Rule::R6 => unless(self.max_silence.is_some(), "no liveness bound is declared"),
            Rule::R8 => Err("what it tells its receivers is up to it"),
            Rule::R15 => unless(
                self.backoff.is_some_and(|backoff| backoff.has_jitter()),
                "no backoff with jitter is declared",
            ),
            _ => Ok(()),
        }
    }
}
