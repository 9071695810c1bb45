//! Numbers, read exactly.

use super::Cursor;

/// How many digits surely fit a `u64`.
const MAX_DIGITS: usize = 19;
/// 2^53: every integer up to here is exactly a float.
const MAX_EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
/// Most digits of an exponent that is read here.
const MAX_EXPONENT_DIGITS: usize = 2;

/// The powers of ten that are exact floats.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// A number as the message writes it: whole if it has neither a point nor an exponent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Unsigned(u64),
    /// Below zero.
    Signed(i64),
    Float(f64),
}

impl Cursor<'_> {
    /// Takes an ordinary number: at most 19 digits, and an exponent of at most two.
    #[inline]
    pub(super) fn number(&mut self) -> Option<Number> {
        let rest = self.rest();
        let negative = *rest.first()? == b'-';
        let start = usize::from(negative);
        let (digits, whole_end) = append_digits(0, rest, start);
        let whole_digits = whole_end - start;
        // A number starts with a digit, and with a zero only if the zero stands alone.
        if whole_digits == 0 || (whole_digits > 1 && rest[start] == b'0') {
            return None;
        }
        let next = rest.get(whole_end);
        if !matches!(next, Some(b'.' | b'e' | b'E')) {
            let number = whole(negative, digits, whole_digits)?;
            self.advance(whole_end);
            return Some(number);
        }
        let (mut digits, mut end) = (digits, whole_end);
        let mut fraction_digits = 0;
        if next == Some(&b'.') {
            (digits, end) = append_digits(digits, rest, whole_end + 1);
            fraction_digits = end - whole_end - 1;
            if fraction_digits == 0 {
                return None;
            }
        }
        if whole_digits + fraction_digits > MAX_DIGITS {
            return None;
        }
        let mut exponent = 0;
        if let Some(b'e' | b'E') = rest.get(end) {
            (exponent, end) = read_exponent(rest, end + 1)?;
        }
        let exponent = exponent - i32::try_from(fraction_digits).ok()?;
        let power = POWERS.get(usize::try_from(exponent.unsigned_abs()).ok()?);
        let float = if digits <= MAX_EXACT
            && let Some(power) = power
        {
            // Both are exact, so the one operation rounds correctly (Clinger 1990).
            #[expect(clippy::cast_precision_loss, reason = "exact, as the condition says")]
            let digits = digits as f64;
            let float = if exponent < 0 {
                digits / power
            } else {
                digits * power
            };
            if negative { -float } else { float }
        } else {
            self.ahead(end)?.parse().ok()?
        };
        self.advance(end);
        Some(Number::Float(float))
    }
}

/// Appends the digits from `at` on to a number, and returns it with the index after the last. With
/// more than [`MAX_DIGITS`] the number is meaningless.
#[inline]
fn append_digits(mut number: u64, text: &[u8], mut at: usize) -> (u64, usize) {
    while let Some(digit @ b'0'..=b'9') = text.get(at) {
        number = number
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit - b'0'));
        at += 1;
    }
    (number, at)
}

/// Returns the exponent whose sign or first digit is at `at`, and the index after it.
#[cold]
fn read_exponent(text: &[u8], at: usize) -> Option<(i32, usize)> {
    let sign = *text.get(at)?;
    let start = at + usize::from(matches!(sign, b'+' | b'-'));
    let (number, end) = append_digits(0, text, start);
    let number = i32::try_from(number).ok()?;
    (1..=MAX_EXPONENT_DIGITS)
        .contains(&(end - start))
        .then_some((if sign == b'-' { -number } else { number }, end))
}

#[inline]
fn whole(negative: bool, digits: u64, count: usize) -> Option<Number> {
    if count > MAX_DIGITS {
        None
    } else if !negative {
        Some(Number::Unsigned(digits))
    } else if digits == 0 {
        // -0 is the one whole number that only a float can hold.
        Some(Number::Float(-0.0))
    } else {
        Some(Number::Signed(-i64::try_from(digits).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{Cursor, Number};

    fn read(text: &str) -> Option<Number> {
        let mut cursor = Cursor::new(text);
        let number = cursor.number()?;
        (cursor.position() == text.len()).then_some(number)
    }

    /// The general decoder's reading of the same text.
    fn general(text: &str) -> Option<Number> {
        let Value::Number(number) = serde_json::from_str(text).ok()? else {
            return None;
        };
        number
            .as_u64()
            .map(Number::Unsigned)
            .or_else(|| number.as_i64().map(Number::Signed))
            .or_else(|| number.as_f64().map(Number::Float))
    }

    /// Whether two numbers are of one kind and one value, bit for bit.
    fn same(left: Option<Number>, right: Option<Number>) -> bool {
        match (left, right) {
            (Some(Number::Float(left)), Some(Number::Float(right))) => {
                left.to_bits() == right.to_bits()
            }
            _ => left == right,
        }
    }

    #[test]
    fn ordinary_numbers_are_read_as_the_general_decoder_reads_them() {
        for text in [
            "0",
            "-0",
            "0.0",
            "-0.0",
            "7",
            "-7",
            "149.0",
            "0.33444",
            "63450.0",
            "-1.25",
            "1e5",
            "1E-3",
            "1e+2",
            "0e0",
            "5e-05",
            "1.5e22",
            "1e23",
            "9007199254740993.0",
            "0.1",
            "576.0781650000001",
            "1.2345678901234567",
            "1234567890123456789",
            "-9223372036854775807",
            "9999999999999999999",
            "123456.78901234567",
            "1.7976931348623157e99",
            "3e-99",
        ] {
            assert!(read(text).is_some(), "{text}");
            assert!(same(read(text), general(text)), "{text}");
        }
    }

    #[test]
    fn what_is_no_ordinary_number_is_left_to_the_general_decoder() {
        for text in [
            "",
            "-",
            "+1",
            ".5",
            "1.",
            "1.e5",
            "01",
            "-01",
            "00",
            "1e",
            "1e+",
            "1e-",
            "0x1",
            "NaN",
            "Infinity",
            "1e999",
            "12345678901234567890",
            "0.12345678901234567890",
            "--1",
            "1-",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_that_is_read_is_the_one_that_the_general_decoder_reads(
            text in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        ) {
            if let Some(number) = read(&text) {
                prop_assert!(same(Some(number), general(&text)), "{text}");
            }
        }

        #[test]
        fn every_float_that_is_printed_is_read_again(
            float in any::<f64>().prop_filter("JSON", |float| float.is_finite()),
            small in -1e9..1e9_f64,
        ) {
            for float in [float, small] {
                let text = serde_json::to_string(&float).expect("a number");
                if let Some(number) = read(&text) {
                    prop_assert!(same(Some(number), Some(Number::Float(float))), "{text}");
                }
            }
            prop_assert!(read(&serde_json::to_string(&small).expect("a number")).is_some());
        }
    }
}
