//! Makes the placeholders that replace secrets.
//!
//! A placeholder is a keyed hash of the value, so equal values stay equal without being remembered.
//! The tape's key is not stored anywhere, and without it nobody can try values until one fits.

use ring::hmac;

/// How the placeholder of a string begins.
pub(super) const PREFIX: &str = "redacted-";

/// The number of hexadecimal digits after the prefix.
const DIGITS: usize = 16;

/// The uses of the hash: no two of them hash the same input.
#[derive(Debug, Clone, Copy)]
enum Domain {
    Text = 1,
    Number = 2,
    SmallRound = 3,
    LargeRound = 4,
}

/// The placeholders of one tape.
#[derive(Debug)]
pub(super) struct Placeholders {
    key: hmac::Key,
}

impl Placeholders {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// The placeholder of a string: `redacted-` and 16 hexadecimal digits. Among a million values,
    /// the chance that any two get the same one is 3 in 10⁸. A placeholder is its own placeholder,
    /// so redacting twice changes nothing.
    pub(super) fn text(&self, value: &[u8]) -> String {
        if is_placeholder(value) {
            return String::from_utf8_lossy(value).into_owned();
        }
        let hash = self.hash(Domain::Text, 0, value);
        format!("{PREFIX}{hash:0DIGITS$x}")
    }

    /// The placeholder of a number as written in JSON: a number that is never negative, an integer
    /// for an integer, and one with a decimal point for one with a point or an exponent. Numbers of
    /// equal value get equal placeholders, however they are written.
    ///
    /// Integers below 2³⁰ in size become integers below 2³¹, those below 2⁵² integers below 2⁵³, by
    /// a permutation: no two of them get the same placeholder, and a reader with 32-bit integers or
    /// doubles can still read them. All other numbers become one of 2⁵¹ numbers that end in `.5`,
    /// or if they are integers, one of 2⁶² integers from 2⁶² up.
    pub(super) fn number(&self, text: &str) -> String {
        let Some(decimal) = Decimal::parse(text) else {
            // Words that some writers use as numbers, such as NaN.
            let hash = self.hash(Domain::Number, 0, text.as_bytes());
            return format!("{}.5", hash >> 13);
        };
        let whole = match decimal.whole().and_then(zigzag) {
            Some(n) if n < SMALL => Some(self.permuted_small(n)),
            Some(n) if n < LARGE => Some(self.permuted_large(n)),
            _ => None,
        };
        let hash = || self.hash(Domain::Number, 0, decimal.canonical().as_bytes());
        match (whole, text.contains(['.', 'e', 'E'])) {
            (Some(n), true) => format!("{n}.0"),
            (Some(n), false) => n.to_string(),
            (None, _) if !decimal.is_whole() => format!("{}.5", hash() >> 13),
            (None, point) => {
                let point = if point { ".0" } else { "" };
                format!("{}{point}", (1_u64 << 62) | (hash() >> 2))
            }
        }
    }

    /// A hash that only equal values share, to tell whether a value was met before.
    pub(super) fn identity(&self, value: &[u8]) -> u64 {
        self.hash(Domain::Text, 0, value)
    }

    fn hash(&self, domain: Domain, round: u8, value: &[u8]) -> u64 {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[domain as u8, round]);
        context.update(value);
        let tag = context.sign();
        let first: [u8; 8] = tag.as_ref()[..8].try_into().expect("32 bytes have 8");
        u64::from_be_bytes(first)
    }

    /// A permutation of the integers below 2³¹.
    fn permuted_small(&self, n: u64) -> u64 {
        self.walk(n, 16, Domain::SmallRound, |n| n < SMALL)
    }

    /// A permutation of the integers from 2³¹ up to 2⁵³.
    fn permuted_large(&self, n: u64) -> u64 {
        self.walk(n, 27, Domain::LargeRound, |n| (SMALL..LARGE).contains(&n))
    }

    /// A Feistel network over twice `half` bits, applied until the result is within the permuted
    /// range. Because the network is itself a permutation, this comes back into the range, at the
    /// latest where it began.
    fn walk(&self, n: u64, half: u32, domain: Domain, within: impl Fn(u64) -> bool) -> u64 {
        /// Four rounds make a strong pseudorandom permutation out of a pseudorandom function (Luby
        /// and Rackoff, 1988).
        const ROUNDS: u8 = 4;
        debug_assert!(within(n), "a permutation's input is one of its outputs");
        let mask = (1_u64 << half) - 1;
        let mut n = n;
        loop {
            let (mut left, mut right) = (n >> half, n & mask);
            for round in 0..ROUNDS {
                let mixed = left ^ (self.hash(domain, round, &right.to_be_bytes()) & mask);
                (left, right) = (right, mixed);
            }
            n = (left << half) | right;
            if within(n) {
                return n;
            }
        }
    }
}

/// The bound of integers that fit into 32 bits, signed or unsigned.
const SMALL: u64 = 1 << 31;

/// The bound of integers that a double holds exactly.
const LARGE: u64 = 1 << 53;

/// Maps each integer to a non-negative one: 0, -1, 1, -2, 2 … become 0, 1, 2, 3, 4 …
fn zigzag(n: i64) -> Option<u64> {
    Some(n.unsigned_abs().checked_mul(2)? - u64::from(n < 0))
}

/// Whether a value is the placeholder of a string.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let lower_hex = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    value
        .strip_prefix(PREFIX.as_bytes())
        .is_some_and(|rest| rest.len() == DIGITS && rest.iter().all(lower_hex))
}

/// A decimal number by its value: sign, digits without zeros at either end, and a power of ten.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// The largest exponent; larger ones, which nobody uses in earnest, count as equal to it.
    const MAX_EXPONENT: i64 = 1 << 40;

    /// Parses a number; `None` if it is not a JSON number (leading zeros and a plus are tolerated).
    fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let digits = exponent.trim_start_matches(['+', '-']);
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                let size = digits.parse().unwrap_or(Self::MAX_EXPONENT);
                let size = size.min(Self::MAX_EXPONENT);
                (
                    mantissa,
                    if exponent.starts_with('-') {
                        -size
                    } else {
                        size
                    },
                )
            }
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = format!("{whole}{fraction}");
        if whole.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let exponent = exponent - i64::try_from(fraction.len()).ok()?;
        let trailing = digits.len() - digits.trim_end_matches('0').len();
        digits.truncate(digits.len() - trailing);
        let digits = digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            // Zero has only one sign.
            return Some(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        Some(Self {
            negative,
            digits,
            exponent: exponent + i64::try_from(trailing).ok()?,
        })
    }

    fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    /// The number, if it is an integer and fits.
    fn whole(&self) -> Option<i64> {
        let zeros = usize::try_from(self.exponent).ok().filter(|e| *e < 20)?;
        let digits = if self.digits.is_empty() {
            "0"
        } else {
            &self.digits
        };
        let n: i64 = format!("{digits}{}", "0".repeat(zeros)).parse().ok()?;
        Some(if self.negative { -n } else { n })
    }

    fn canonical(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}e{}", self.digits, self.exponent)
    }
}

/// A text with a star for each string's placeholder.
#[cfg(test)]
pub(super) fn starred(text: &str) -> String {
    let mut parts = text.split(PREFIX);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + "*" + &part[DIGITS..])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn placeholders() -> Placeholders {
        Placeholders::new(&[7; 32])
    }

    #[test]
    fn numbers_of_equal_value_share_a_placeholder_of_their_own_form() {
        let of = |text: &str| placeholders().number(text);
        assert_eq!(of("1000"), of("1000"));
        for same in ["1000.0", "1e3", "1.000E+3", "10000e-1"] {
            assert_eq!(of(same), format!("{}.0", of("1000")), "{same}");
        }
        assert_eq!(of("0"), of("-0"));
        assert_eq!(of("10412.33"), of("10412.330"));
        assert!(of("10412.33").ends_with(".5"));
        assert_ne!(of("10412.33"), of("-10412.33"));
        assert_ne!(of("12345678901234567890"), of("12345678901234567891"));
    }

    #[test]
    fn another_tape_has_other_placeholders() {
        let other = Placeholders::new(&[8; 32]);
        assert_ne!(placeholders().text(b"0xabc"), other.text(b"0xabc"));
        assert_ne!(placeholders().number("5"), other.number("5"));
    }

    #[test]
    fn small_integers_never_meet() {
        let placeholders = placeholders();
        let seen: BTreeSet<String> = (-5_000..5_000)
            .map(|n: i64| placeholders.number(&n.to_string()))
            .collect();
        assert_eq!(seen.len(), 10_000);
        assert!(seen.iter().all(|n| n.parse::<i32>().is_ok_and(|n| n >= 0)));
    }

    #[test]
    fn a_placeholder_is_its_own() {
        let first = placeholders().text(b"0xabc");
        assert_eq!(placeholders().text(first.as_bytes()), first);
        assert!(is_placeholder(first.as_bytes()) && !is_placeholder(b"redacted-me"));
    }

    proptest! {
        #[test]
        fn a_numbers_placeholder_is_a_number_of_its_kind(n in any::<i64>(), x in any::<f64>()) {
            let placeholder = placeholders().number(&n.to_string());
            prop_assert!(placeholder.parse::<u64>().is_ok(), "{}", placeholder);
            if n.unsigned_abs() < LARGE / 2 {
                prop_assert!(placeholder.parse::<u64>().unwrap() < LARGE);
            }
            if let Ok(text) = serde_json::to_string(&x) && text != "null" {
                let placeholder = placeholders().number(&text);
                prop_assert!(placeholder.parse::<f64>().is_ok_and(|n| n >= 0.0));
                prop_assert!(placeholder.contains('.'), "{}", placeholder);
            }
        }
    }
}
