//! How long to wait before the next connect.

use std::convert::Infallible;
use std::time::Duration;

use rand::{RngExt as _, TryRng};

/// The jitter applied to a computed delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JitterMode {
    /// No jitter: the times of the connects are then a pure function of the peer's behaviour.
    None,
    /// A uniform draw from zero up to the computed delay, so that clients dropped together don't
    /// come back together.
    #[default]
    Full,
}

/// The reconnect policy: before a connect, wait `initial_backoff · multiplier^attempt`, at most
/// `max_backoff`, with jitter applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconnectConfig {
    /// The delay of attempt 0.
    pub initial_backoff: Duration,
    /// The longest delay.
    pub max_backoff: Duration,
    /// The factor from one attempt to the next; 0 counts as 1.
    pub multiplier: u32,
    /// The jitter applied to the delay.
    pub jitter: JitterMode,
}

impl Default for ReconnectConfig {
    /// From 500 ms to 30 s, doubling, with full jitter.
    fn default() -> Self {
        Self {
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            multiplier: 2,
            jitter: JitterMode::Full,
        }
    }
}

/// The delay before jitter: `initial · multiplier^attempt`, at most `max`, exact to the nanosecond
/// for any arguments and in at most 94 steps (a `Duration` in nanoseconds has no more bits). A
/// `multiplier` of 0 counts as 1; `attempt` starts at 0.
///
/// ```
/// use std::time::Duration;
/// use engine_client::exp_backoff_cap;
///
/// let cap = |attempt| exp_backoff_cap(Duration::from_millis(500), Duration::from_secs(30), 2, attempt);
/// assert_eq!(cap(0), Duration::from_millis(500));
/// assert_eq!(cap(3), Duration::from_secs(4));
/// assert_eq!(cap(u32::MAX), Duration::from_secs(30));
/// ```
#[must_use]
pub fn exp_backoff_cap(
    initial: Duration,
    max: Duration,
    multiplier: u32,
    attempt: u32,
) -> Duration {
    if initial >= max {
        return max;
    }
    if initial.is_zero() || multiplier <= 1 {
        return initial;
    }
    let max_ns = max.as_nanos();
    let mut cap_ns = initial.as_nanos();
    for _ in 0..attempt {
        // Cannot overflow: below max, one factor is below 2^94 and the other below 2^32.
        cap_ns *= u128::from(multiplier);
        if cap_ns >= max_ns {
            return max;
        }
    }
    Duration::from_nanos_u128(cap_ns)
}

/// The delay to wait: `cap` itself, or with [`JitterMode::Full`] a draw from `[0, cap]`, both ends
/// included, uniform over whole nanoseconds (to within one part in 2^64). `rng` gives uniform
/// 64-bit numbers; whatever it gives, it is called a bounded number of times, and never without
/// jitter.
///
/// ```
/// use std::time::Duration;
/// use engine_client::{JitterMode, apply_jitter};
///
/// let cap = Duration::from_secs(8);
/// let mut halfway = || 1 << 63;
/// assert_eq!(apply_jitter(cap, JitterMode::None, &mut halfway), cap);
/// assert_eq!(apply_jitter(cap, JitterMode::Full, &mut halfway), Duration::from_secs(4));
/// ```
#[must_use]
pub fn apply_jitter(cap: Duration, mode: JitterMode, rng: &mut dyn FnMut() -> u64) -> Duration {
    match mode {
        JitterMode::None => cap,
        JitterMode::Full => {
            let mut draws = Draws(rng);
            let cap_ns = cap.as_nanos();
            // One 64-bit draw covers up to 584 years.
            match u64::try_from(cap_ns) {
                Ok(cap_ns) => Duration::from_nanos(draws.random_range(0..=cap_ns)),
                Err(_) => Duration::from_nanos_u128(draws.random_range(0..=cap_ns)),
            }
        }
    }
}

/// Adapts the caller's function to the generator that the sampling code asks for.
struct Draws<'a>(&'a mut dyn FnMut() -> u64);

impl TryRng for Draws<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let [.., a, b, c, d] = self.0().to_le_bytes();
        Ok(u32::from_le_bytes([a, b, c, d]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(size_of::<u64>()) {
            chunk.copy_from_slice(&self.0().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_a_generator_is_asked_it_gives_the_callers_numbers() {
        let mut next = 0x1122_3344_5566_7788_u64;
        let mut numbers = move || {
            next = next.rotate_left(8);
            next
        };
        let mut draws = Draws(&mut numbers);
        assert_eq!(draws.try_next_u64(), Ok(0x2233_4455_6677_8811));
        // The upper half: in many generators it is the better one.
        assert_eq!(draws.try_next_u32(), Ok(0x3344_5566));
        let mut bytes = [0; 11];
        assert_eq!(draws.try_fill_bytes(&mut bytes), Ok(()));
        let expected = [
            0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55, 0x44, 0x44, 0x33, 0x22,
        ];
        assert_eq!(bytes, expected);
    }
}
