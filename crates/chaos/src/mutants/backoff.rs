//! How long to wait before the next connect.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::flaw::Flaw;
use wstape_oracle::{JitterMode, Settings};

/// The seed of all subscribers that share one.
const SHARED_SEED: u64 = 1;

/// The delays of a subscriber.
#[derive(Clone)]
pub(super) struct Backoff {
    flaw: Option<Flaw>,
    settings: Settings,
    jitter: ChaCha8Rng,
    attempt: u32,
}

impl Backoff {
    pub(super) fn new(flaw: Option<Flaw>, settings: Settings) -> Self {
        let seed = if flaw == Some(Flaw::JitterShared) {
            SHARED_SEED
        } else {
            settings.jitter_seed
        };
        Self {
            flaw,
            settings,
            jitter: ChaCha8Rng::seed_from_u64(seed),
            attempt: 0,
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub(super) fn reset(&mut self) {
        self.attempt = 0;
    }

    /// The delay before the next dial; the counter rises with it.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        if self.has(Flaw::CounterFromOne) {
            self.attempt = self.attempt.saturating_add(1);
            return self.delay(asked);
        }
        let delay = self.delay(asked);
        self.attempt = self.attempt.saturating_add(1);
        delay
    }

    /// Rules 1 and 6: the wait before the next dial.
    fn delay(&mut self, asked: Option<Duration>) -> Duration {
        let max = self.settings.max_backoff;
        let cap = self.cap();
        let full = self.settings.jitter == JitterMode::Full && !self.has(Flaw::JitterMissing);
        let nanos = u64::try_from(cap.as_nanos()).unwrap_or(u64::MAX);
        let drawn = Duration::from_nanos(self.jitter.random_range(0..=nanos));
        let delay = if !full {
            cap
        } else if self.has(Flaw::JitterNarrow) {
            cap / 10 * 9 + drawn / 10
        } else if self.has(Flaw::JitterOnTop) {
            cap.saturating_add(drawn)
        } else {
            drawn
        };
        let Some(asked) = asked.filter(|_| !self.has(Flaw::RetryAfterIgnored)) else {
            return delay;
        };
        let wanted = if self.has(Flaw::RetryAfterUnbounded) {
            asked
        } else {
            asked.min(max)
        };
        match self.settings.jitter {
            JitterMode::None => delay.max(wanted),
            JitterMode::Full => wanted.saturating_add(delay),
        }
    }

    fn cap(&self) -> Duration {
        let Settings {
            initial_backoff: initial,
            max_backoff: max,
            multiplier,
            ..
        } = self.settings;
        let multiplier = if self.has(Flaw::MultiplierZero) {
            multiplier
        } else {
            multiplier.max(1)
        };
        let mut cap = initial;
        if multiplier != 1 && !initial.is_zero() {
            for _ in 0..self.attempt {
                if cap.is_zero() || cap >= max {
                    break;
                }
                cap = cap.saturating_mul(multiplier);
            }
        }
        if self.has(Flaw::InitialAboveMax) && self.attempt == 0 {
            return cap;
        }
        if self.has(Flaw::CapBeforeMultiplier) && self.attempt > 0 {
            return cap.min(max.saturating_mul(multiplier.max(1)));
        }
        cap = cap.min(max);
        if self.has(Flaw::MillisTruncated) {
            cap = Duration::from_millis(u64::try_from(cap.as_millis()).unwrap_or(u64::MAX));
        }
        cap
    }
}
