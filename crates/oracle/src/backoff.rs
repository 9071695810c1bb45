//! How a subscriber says it backs off, whatever it calls its settings.

use std::time::Duration;

/// When a subscriber's delays start over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reset {
    /// With the engine's 101.
    Upgrade,
    /// With the first frame on a connection, control frames too.
    #[default]
    FirstFrame,
    /// With the first message of text or bytes.
    FirstMessage,
    /// Once a connection has lasted this long.
    Lasted(Duration),
    /// Never.
    Never,
}

/// A subscriber's declaration of how it backs off: the delay after `n` dials in a row that led
/// nowhere is `initial * growth^n`, at most `max`, times a share drawn between `min_share` and
/// `max_share`.
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
    /// The factor from each delay to the next; at least 1.
    pub growth: f64,
    /// The smallest share of a delay that is waited out; 1 without jitter.
    pub min_share: f64,
    /// The largest share of a delay that is waited out.
    pub max_share: f64,
    /// When the delays start over.
    pub reset: Reset,
}

impl Backoff {
    /// Doubles from `initial` up to `max`, without jitter, and resets on a connection's first
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

    /// Sets the factor from each delay to the next.
    #[must_use]
    pub fn growth(mut self, growth: f64) -> Self {
        self.growth = growth;
        self
    }

    /// Waits a share of each delay, drawn between these: `0.0, 1.0` is full jitter, `0.75, 1.25` a
    /// quarter more or less.
    #[must_use]
    pub fn jitter(mut self, min_share: f64, max_share: f64) -> Self {
        (self.min_share, self.max_share) = (min_share, max_share);
        self
    }

    /// Sets when the delays start over.
    #[must_use]
    pub fn reset(mut self, reset: Reset) -> Self {
        self.reset = reset;
        self
    }

    /// The delay after `n` dials in a row that led nowhere, without jitter.
    #[must_use]
    pub fn delay(&self, n: u32) -> Duration {
        // After this many steps any growth has reached any cap, or there is no growth.
        let steps = i32::try_from(n).unwrap_or(i32::MAX);
        let factor = self.growth.max(1.0).powi(steps);
        let delay = self.initial.as_secs_f64() * factor;
        if delay.is_finite() && delay < self.max.as_secs_f64() {
            Duration::from_secs_f64(delay)
        } else {
            self.max
        }
    }

    /// Why the declaration makes no sense, in words; `None` if it does.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wstape_oracle::Backoff;
    ///
    /// let second = Duration::from_secs(1);
    /// assert_eq!(Backoff::new(second, second * 30).flaw(), None);
    /// assert!(Backoff::new(second * 30, second).flaw().is_some());
    /// ```
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        let shares = [self.min_share, self.max_share];
        if !shares
            .iter()
            .all(|share| share.is_finite() && *share >= 0.0)
        {
            return Some("jitter's shares of a delay must be finite, and 0 or more");
        }
        if self.min_share > self.max_share {
            return Some("the smaller of jitter's shares must come first");
        }
        if !self.growth.is_finite() || self.growth < 1.0 {
            return Some("a backoff's growth factor must be finite, and 1 or more");
        }
        if self.initial > self.max {
            return Some("a backoff's first delay must not be longer than its longest");
        }
        None
    }

    /// Whether delays are drawn at random.
    #[must_use]
    pub fn has_jitter(&self) -> bool {
        self.max_share > self.min_share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_can_mean_is_a_flaw_and_each_published_scheme_is_none() {
        let (half, cap) = (Duration::from_millis(500), Duration::from_secs(30));
        let doubling = Backoff::new(half, cap);
        for sound in [
            doubling,
            Backoff::new(cap, cap),
            Backoff::new(Duration::ZERO, Duration::ZERO),
            doubling.growth(1.0).jitter(0.0, 1.0),
            doubling.jitter(0.75, 1.25),
        ] {
            assert_eq!(sound.flaw(), None, "{sound:?}");
        }
        for flawed in [
            Backoff::new(cap, half),
            doubling.growth(0.5),
            doubling.growth(f64::NAN),
            doubling.growth(f64::INFINITY),
            doubling.jitter(1.0, 0.5),
            doubling.jitter(-0.5, 1.0),
            doubling.jitter(0.5, f64::NAN),
        ] {
            assert!(flawed.flaw().is_some(), "{flawed:?}");
        }
    }
}
