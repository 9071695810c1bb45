//! Whole microseconds: the unit of time of a tape.

use std::fmt;
use std::time::Duration;

/// A span of time in whole microseconds.
///
/// A tape writes times in milliseconds with at most three fraction digits; they are parsed
/// digit by digit, never through a float, so what a line says is what is played.
///
/// ```
/// use wstape_tape::Micros;
/// assert_eq!(Micros::parse_ms("1250.5"), Some(Micros(1_250_500)));
/// assert_eq!(Micros(1_250_500).to_string(), "1.250500");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

impl Micros {
    /// The start of a tape.
    pub const ZERO: Self = Self(0);

    /// Converts whole milliseconds, saturating.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000))
    }

    /// Parses a decimal number of milliseconds as a tape writes it: digits, then optionally a
    /// point and one to three digits. `None` for anything else, an overflow included.
    #[must_use]
    pub fn parse_ms(text: &str) -> Option<Self> {
        let digits = text.bytes().position(|b| !b.is_ascii_digit());
        let (whole, rest) = text.split_at(digits.unwrap_or(text.len()));
        let us = match rest.strip_prefix('.') {
            Some(fraction) => {
                let is_digits = fraction.bytes().all(|b| b.is_ascii_digit());
                if !is_digits || !(1..=3).contains(&fraction.len()) {
                    return None;
                }
                let scale = 10_u64.pow(3 - u32::try_from(fraction.len()).ok()?);
                fraction.parse::<u64>().ok()? * scale
            }
            None if rest.is_empty() => 0,
            None => return None,
        };
        whole
            .parse::<u64>()
            .ok()?
            .checked_mul(1_000)?
            .checked_add(us)
            .map(Self)
    }

    /// Returns the milliseconds as a tape writes them, without a fraction if there is none.
    #[must_use]
    pub fn to_ms_text(self) -> String {
        let mut text = String::new();
        self.push_ms_text(&mut text);
        text
    }

    /// As [`to_ms_text`](Self::to_ms_text), appended to `out`.
    pub(crate) fn push_ms_text(self, out: &mut String) {
        let (ms, us) = (self.0 / 1_000, self.0 % 1_000);
        out.push_str(itoa::Buffer::new().format(ms));
        if us > 0 {
            // With a one in front, the leading zeros of the three digits are written.
            out.push('.');
            out.push_str(&itoa::Buffer::new().format(1_000 + us)[1..]);
            out.truncate(out.trim_end_matches('0').len());
        }
    }

    /// As a [`Duration`].
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_micros(self.0)
    }
}

impl From<Duration> for Micros {
    /// Rounds up to whole microseconds, so that no wait is shorter than it was meant to be.
    fn from(d: Duration) -> Self {
        let us = d.as_nanos().div_ceil(1_000);
        Self(u64::try_from(us).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Micros {
    /// Seconds with six fraction digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}
