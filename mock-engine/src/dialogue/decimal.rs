//! Numbers as exact decimals: `1`, `1.0` and `10e-1` are equal.

use std::borrow::Cow;

/// A JSON number's value, whatever its spelling: `0.digits × 10^exponent`. The derived order is for
/// lookup, and is not that of the values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decimal<'a> {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: Cow<'a, str>,
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// Reads a valid JSON number. An exponent beyond 64 bits becomes the nearest that fits.
    pub(super) fn of(text: &'a str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Cow<'a, str> = match (whole, fraction) {
            (whole, "") => Cow::Borrowed(whole),
            ("0", fraction) => Cow::Borrowed(fraction),
            _ => Cow::Owned(format!("{whole}{fraction}")),
        };
        // Digits before the point, before zeros are trimmed.
        let point = if whole == "0" && !fraction.is_empty() {
            0
        } else {
            whole.len()
        };
        let leading = all.len() - all.trim_start_matches('0').len();
        let digits = match all {
            Cow::Borrowed(all) => Cow::Borrowed(all.trim_matches('0')),
            Cow::Owned(all) => Cow::Owned(all.trim_matches('0').to_owned()),
        };
        if digits.is_empty() {
            return Self {
                negative: false,
                digits,
                exponent: 0,
            };
        }
        let shift = i64::try_from(point).unwrap_or(i64::MAX) - i64::try_from(leading).unwrap_or(0);
        Self {
            negative,
            digits,
            exponent: exponent.saturating_add(shift),
        }
    }

    pub(super) fn into_owned(self) -> Decimal<'static> {
        Decimal {
            digits: Cow::Owned(self.digits.into_owned()),
            ..self
        }
    }
}

fn exponent_of(text: &str) -> i64 {
    let text = text.strip_prefix('+').unwrap_or(text);
    text.parse().unwrap_or(if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn spellings_of_one_number_are_one_and_neighbours_are_not() {
        for same in [
            &["1", "1.0", "1e0", "10e-1", "0.1E1", "100e-2", "1.000"][..],
            &["0", "-0", "0.00", "0e99", "-0.0e-5"],
            &["120", "1.2e2", "12E+1", "0.00120e5"],
            &["-0.05", "-5e-2", "-0.5e-1"],
            &[
                "123456789012345678901234567890",
                "1.23456789012345678901234567890e29",
            ],
        ] {
            for other in same {
                assert_eq!(Decimal::of(same[0]), Decimal::of(other), "{other}");
            }
        }
        for (a, b) in [
            ("1", "-1"),
            ("1", "10"),
            ("0.1", "0.10000000000000000001"),
            ("9007199254740993", "9007199254740992"),
            ("1e400", "1e401"),
            ("0.5", "0.05"),
        ] {
            assert_ne!(Decimal::of(a), Decimal::of(b), "{a} and {b}");
        }
    }
}
