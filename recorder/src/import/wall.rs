//! Wall-clock times as other tools write them, exact to the microsecond.

use chrono::{DateTime, Utc};
use wstape_tape::Micros;

/// Decimal places between seconds and microseconds.
const SECONDS: i32 = 6;
/// Decimal places between milliseconds and microseconds.
const MILLISECONDS: i32 = 3;
/// Decimal places between nanoseconds and microseconds.
const NANOSECONDS: i32 = -3;

/// A number below this is not a time since 1970 in any unit: as seconds it is before early 1973,
/// and no tool read here is that old.
const MIN_EPOCH_S: i64 = 100_000_000;
/// From here on a number is milliseconds since 1970: as seconds it would be after the year 5138, as
/// milliseconds it is after early 1973.
const MIN_EPOCH_MS: i64 = 100_000_000_000;
/// From here on a number is neither: as milliseconds it would be after the year 5138.
const MAX_EPOCH_MS: i64 = 100_000_000_000_000;

/// The maximum number of digits in a number, which also limits how far its exponent may move the
/// decimal point. A number beyond it is not a time.
const MAX_DIGITS: usize = 64;

/// A moment in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wall(i64);

impl Wall {
    /// Time 0 of recordings without a wall clock.
    pub(super) const ZERO: Self = Self(0);

    /// From a number of microseconds since 1970.
    pub(super) const fn from_micros(us: i64) -> Self {
        Self(us)
    }

    /// From a decimal number of seconds since 1970, as mitmproxy writes it.
    pub(super) fn from_seconds(text: &str) -> Option<Self> {
        decimal(text, SECONDS).map(Self)
    }

    /// From a decimal number of seconds (Chrome, mitmproxy, HTTP Toolkit) or milliseconds
    /// (Playwright) since 1970, told apart by their magnitude.
    pub(super) fn from_epoch(text: &str) -> Option<Self> {
        let whole = decimal(text, 0)?;
        match whole {
            MIN_EPOCH_S..MIN_EPOCH_MS => decimal(text, SECONDS).map(Self),
            MIN_EPOCH_MS..MAX_EPOCH_MS => decimal(text, MILLISECONDS).map(Self),
            _ => None,
        }
    }

    /// From an RFC 3339 date and time. Without an offset it is UTC; an offset may lack its colon.
    pub(super) fn from_date(text: &str) -> Option<Self> {
        let date = wstape_wire::time::parse_lenient(text);
        date.map(|date| Self(date.timestamp_micros()))
    }

    /// Whether a tool that is read here can have meant this time: none of them was there before
    /// 1973.
    pub(super) fn is_plausible(self) -> bool {
        self.0 >= MIN_EPOCH_S * 1_000_000
    }

    /// From a whole number of nanoseconds since 1970, as feed recorders write it.
    pub(super) fn from_nanoseconds(text: &str) -> Option<Self> {
        decimal(text, NANOSECONDS).map(Self)
    }

    /// From a decimal number of microseconds since 1970.
    pub(super) fn from_microseconds(text: &str) -> Option<Self> {
        decimal(text, 0).map(Self)
    }

    /// From a decimal number of milliseconds since 1970.
    pub(super) fn from_milliseconds(text: &str) -> Option<Self> {
        decimal(text, MILLISECONDS).map(Self)
    }

    /// From a decimal number since 1970 in the unit that its magnitude implies: seconds,
    /// milliseconds, microseconds or nanoseconds.
    pub(super) fn from_any_epoch(text: &str) -> Option<Self> {
        const MAX_EPOCH_US: i64 = MAX_EPOCH_MS * 1_000;
        match decimal(text, 0)? {
            MIN_EPOCH_S..MAX_EPOCH_MS => Self::from_epoch(text),
            MAX_EPOCH_MS..MAX_EPOCH_US => decimal(text, 0).map(Self),
            MAX_EPOCH_US.. => Self::from_nanoseconds(text),
            _ => None,
        }
    }

    /// Converts a decimal number of milliseconds since 1970 to nanoseconds, for when digits below a
    /// microsecond matter.
    pub(super) fn nanoseconds_of_ms(text: &str) -> Option<i64> {
        decimal(text, MILLISECONDS + 3)
    }

    /// The time in nanoseconds since 1970.
    pub(super) fn nanoseconds(self) -> i64 {
        self.0.saturating_mul(1_000)
    }

    /// This time plus a span.
    pub(super) fn plus(self, span: Micros) -> Self {
        let us = i64::try_from(span.0).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(us))
    }

    /// How long this is after `start`; zero if it is not after it.
    pub(super) fn since(self, start: Self) -> Micros {
        Micros(u64::try_from(self.0.saturating_sub(start.0)).unwrap_or_default())
    }

    /// The time as a date, if the calendar reaches that far.
    pub(super) fn date(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }
}

/// Converts a decimal number of milliseconds to a span; `None` if it is negative.
pub(super) fn span_of_ms(text: &str) -> Option<Micros> {
    let us = decimal(text, MILLISECONDS)?;
    u64::try_from(us).ok().map(Micros)
}

/// A decimal number of seconds that is not negative, as a span.
pub(super) fn span_of_s(text: &str) -> Option<Micros> {
    let us = decimal(text, SECONDS)?;
    u64::try_from(us).ok().map(Micros)
}

/// A decimal number times ten to the power of `places`, rounded to an integer (halves away from
/// zero). It is computed digit by digit, because these texts have more digits than a float holds.
/// `None` if it is not a number, or too large for an `i64`.
fn decimal(text: &str, places: i32) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || whole.len() + fraction.len() > MAX_DIGITS {
        return None;
    }
    let digits: Vec<i64> = whole
        .bytes()
        .chain(fraction.bytes())
        .map(|b| i64::from(b - b'0'))
        .collect();
    // How many digits are before the decimal point after the multiplication.
    let point = i32::try_from(whole.len()).ok()?;
    let point = point.checked_add(exponent)?.checked_add(places)?;
    if point.unsigned_abs() as usize > 2 * MAX_DIGITS {
        return digits.iter().all(|digit| *digit == 0).then_some(0);
    }
    let digit = |at: i32| {
        let at = usize::try_from(at).ok();
        at.and_then(|at| digits.get(at)).copied().unwrap_or(0)
    };
    let mut value = 0_i64;
    for at in 0..point {
        value = value.checked_mul(10)?.checked_add(digit(at))?;
    }
    if digit(point) >= 5 {
        value = value.checked_add(1)?;
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_scaled_and_rounded_without_a_float() {
        for (text, places, value) in [
            ("1764027164.123456", 6, Some(1_764_027_164_123_456)),
            ("1764027164123.4565", 3, Some(1_764_027_164_123_457)),
            ("1764027164.1234564999", 6, Some(1_764_027_164_123_456)),
            ("9007199254740993", 0, Some(9_007_199_254_740_993)),
            ("1.764027164123456e9", 6, Some(1_764_027_164_123_456)),
            ("1e-05", 6, Some(10)),
            ("-1", 3, Some(-1_000)),
            ("0.0000005", 6, Some(1)),
            ("0.0000004", 6, Some(0)),
            ("0e999999999", 6, Some(0)),
            ("1e-999999999", 6, None),
            ("1e99", 0, None),
            ("9223372036854775807", 0, Some(i64::MAX)),
            ("9223372036854775808", 0, None),
            ("inf", 6, None),
            ("nan", 6, None),
            ("", 6, None),
            ("1.", 6, None),
            (".5", 6, None),
            ("1e", 6, None),
            ("--1", 6, None),
        ] {
            assert_eq!(decimal(text, places), value, "{text} at {places}");
        }
    }

    #[test]
    fn seconds_and_milliseconds_are_told_apart_by_their_magnitude() {
        let both = Some(Wall(1_764_027_164_123_456));
        assert_eq!(Wall::from_epoch("1764027164.123456"), both);
        assert_eq!(Wall::from_epoch("1764027164123.456"), both);
        for neither in ["-1", "0", "12.5", "99999999.4", "100000000000000", "1e40"] {
            assert_eq!(Wall::from_epoch(neither), None, "{neither}");
        }
    }

    #[test]
    fn a_date_may_lack_the_colon_of_its_offset_or_the_offset() {
        let at = Some(Wall(1_764_027_164_123_456));
        for text in [
            "2025-11-24T23:32:44.123456Z",
            "2025-11-25T00:32:44.123456+01:00",
            "2025-11-25T00:32:44.123456+0100",
            "2025-11-24T23:32:44.123456",
        ] {
            assert_eq!(Wall::from_date(text), at, "{text}");
        }
        assert_eq!(Wall::from_date("yesterday"), None);
    }
}
