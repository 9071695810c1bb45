//! How fast a tape is played.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use wstape_tape::Micros;

/// How fast a tape's time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// This many thousandths of the tape's own speed; never zero.
    Thousandths(NonZeroU32),
    /// Without waiting, only as fast as connected clients read. A state's `for_ms` keeps its
    /// length.
    Max,
}

impl Speed {
    /// The tape's own speed.
    pub const NORMAL: Self = match NonZeroU32::new(1_000) {
        Some(thousand) => Self::Thousandths(thousand),
        None => Self::Max,
    };

    /// How long a span of the tape's time takes when it is played.
    pub(crate) fn scale(self, span: Micros) -> Micros {
        let Self::Thousandths(speed) = self else {
            return span;
        };
        if self == Self::NORMAL {
            return span;
        }
        let scaled = (u128::from(span.0) * 1_000).div_ceil(u128::from(speed.get()));
        Micros(u64::try_from(scaled).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Speed {
    /// Writes it as it is parsed: `max`, or a factor.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::Thousandths(speed) => f.write_str(&Micros(speed.get().into()).to_ms_text()),
        }
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self::NORMAL
    }
}

/// A speed that is neither `max` nor a decimal number from 0.001 to 4294967.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `max` or a number from 0.001 with at most three decimals, such as 1, 2.5 or 0.1")]
pub struct BadSpeed;

impl FromStr for Speed {
    type Err = BadSpeed;

    /// Parses `max`, or a factor with at most three decimals.
    fn from_str(text: &str) -> Result<Self, BadSpeed> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let thousandths = Micros::parse_ms(text).ok_or(BadSpeed)?;
        let thousandths = u32::try_from(thousandths.0).map_err(|_| BadSpeed)?;
        NonZeroU32::new(thousandths)
            .map(Self::Thousandths)
            .ok_or(BadSpeed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_max_or_a_number_with_three_decimals() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("1".parse(), Ok(Speed::NORMAL));
        for (text, scaled) in [("2", 500), ("0.5", 2_000), ("0.001", 1_000_000), ("3", 334)] {
            let speed: Speed = text.parse().unwrap();
            assert_eq!(speed.scale(Micros(1_000)), Micros(scaled), "{text}");
        }
        for text in ["0", "-1", "", "fast", "1e3", "0.0001", "99999999999"] {
            assert_eq!(text.parse::<Speed>(), Err(BadSpeed), "{text}");
        }
    }
}
