//! How a subscriber says that it backs off, whatever its settings are called.

use std::time::Duration;

/// When a subscriber's delays start anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reset {
    /// With the engine's 101.
    Upgrade,
    /// With the first frame on a connection, control frames too.
    #[default]
    FirstFrame,
    /// With the first message of text or bytes.
    FirstMessage,
    /// Once a connection has lasted so long.
    Lasted(Duration),
    /// Never.
    Never,
}

/// How a subscriber declares that it backs off: the delay before the `n`-th dial in a row that led
/// nowhere, counted from 0, is `initial * growth^n`, at most `max`, times a share that is drawn
/// between `min_share` and `max_share`.
///
/// ```
/// use std::time::Duration;
/// use wstape_oracle::{Backoff, Reset};
///
/// let declared = Backoff::new(Duration::from_millis(500), Duration::from_secs(30))
///     .growth(1.5)
///     .jitter(0.5, 1.0)
///     .reset(Reset::FirstMessage);
/// assert_eq!(declared.delay(1), Duration::from_millis(750));
/// assert!(declared.has_jitter());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The first delay.
    pub initial: Duration,
    /// The longest delay.
    pub max: Duration,
    /// How much longer each delay is than the one before it; at least 1.
    pub growth: f64,
    /// The smallest share of a delay that is waited; 1 without jitter.
    pub min_share: f64,
    /// The largest.
    pub max_share: f64,
    /// When the delays start anew.
    pub reset: Reset,
}

impl Backoff {
    /// Doubles from `initial` up to `max`, without jitter, and starts anew with a connection's first
    /// frame.
    #[must_use]
    pub fn new(initial: Duration, max: Duration) -> Self {
        Self {
            initial,
            max,
            growth: 2.0,
            min_share: 1.0,
            max_share: 1.0,
            reset: Reset::default(),
        }
    }

    /// Each delay is so many times the one before it.
    #[must_use]
    pub fn growth(mut self, growth: f64) -> Self {
        self.growth = growth;
        self
    }

    /// Of each delay a share between these is waited: `0.0, 1.0` is full jitter, `0.75, 1.25` a
    /// quarter more or less.
    #[must_use]
    pub fn jitter(mut self, min_share: f64, max_share: f64) -> Self {
        (self.min_share, self.max_share) = (min_share, max_share);
        self
    }

    /// When the delays start anew.
    #[must_use]
    pub fn reset(mut self, reset: Reset) -> Self {
        self.reset = reset;
        self
    }

    /// The delay before the dial after `n` that led nowhere, without jitter.
    #[must_use]
    pub fn delay(&self, n: u32) -> Duration {
        // Beyond so many steps any growth has reached any cap, or there is none.
        let steps = i32::try_from(n).unwrap_or(i32::MAX);
        let factor = self.growth.max(1.0).powi(steps);
        let delay = self.initial.as_secs_f64() * factor;
        if delay.is_finite() && delay < self.max.as_secs_f64() {
            Duration::from_secs_f64(delay)
        } else {
            self.max
        }
    }

    /// Whether chance has a say in a delay.
    #[must_use]
    pub fn has_jitter(&self) -> bool {
        self.max_share > self.min_share
    }
}
