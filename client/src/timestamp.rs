//! The times that the engine writes: ISO 8601 as Python prints it, with an offset or naive.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// Reads `2026-04-21T19:05:36.821259+00:00`, `…Z`, and naive times, which mean UTC; a space may
/// stand for the `T`. `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    parse_common(text.as_bytes(), &mut Day::default()).or_else(|| parse_any(text))
}

/// The day read last. The times of a feed share one day for message after message, and converting
/// the date takes longer than all the rest of a time.
pub(crate) struct Day {
    /// As the message writes it, `YYYY-MM-DD`.
    text: [u8; 10],
    date: NaiveDate,
}

impl Default for Day {
    fn default() -> Self {
        Self {
            text: *b"1970-01-01",
            date: NaiveDate::default(),
        }
    }
}

impl Day {
    /// The day that this text names.
    #[inline]
    fn of(&mut self, text: &[u8; 10]) -> Option<NaiveDate> {
        if self.text != *text {
            *self = Self {
                text: *text,
                date: date(text)?,
            };
        }
        Some(self.date)
    }
}

/// The day that is written as `YYYY-MM-DD`.
fn date(text: &[u8; 10]) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', mo1, mo2, b'-', d1, d2] = text else {
        return None;
    };
    let year = number([y1, y2, y3, y4])?;
    NaiveDate::from_ymd_opt(
        i32::try_from(year).ok()?,
        number([mo1, mo2])?,
        number([d1, d2])?,
    )
}

/// Reads whatever RFC 3339 allows beyond the common form, such as a leap second or a tenth digit
/// after the point, with an offset or without.
#[cold]
fn parse_any(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}Z")))
        .ok()
        .map(|time| time.to_utc())
}

/// Reads `YYYY-MM-DDTHH:MM:SS`, then perhaps a point and one to nine digits, then `Z`, `±HH:MM` or
/// nothing. `None` does not mean that the text is not a time: [`parse_any`] may still read it.
pub(crate) fn parse_common(text: &[u8], day: &mut Day) -> Option<DateTime<Utc>> {
    let (date, text) = text.split_first_chunk()?;
    let ([b'T' | b' ', h1, h2, b':', mi1, mi2, b':', s1, s2], mut rest) =
        text.split_first_chunk()?
    else {
        return None;
    };
    let date = day.of(date)?;
    let mut nanos = 0;
    if let [b'.', fraction @ ..] = rest {
        // Python writes six digits, or none.
        if let Some(([f1, f2, f3, f4, f5, f6], after)) = fraction.split_first_chunk()
            && !after.first().is_some_and(u8::is_ascii_digit)
        {
            nanos = number([f1, f2, f3, f4, f5, f6])? * 1_000;
            rest = after;
        } else {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            let scale = 10_u32.pow(u32::try_from(9_usize.checked_sub(digits)?).ok()?);
            nanos = some_number(&fraction[..digits])? * scale;
            rest = &fraction[digits..];
        }
    }
    let naive = date
        .and_hms_nano_opt(
            number([h1, h2])?,
            number([mi1, mi2])?,
            number([s1, s2])?,
            nanos,
        )?
        .and_utc();
    match rest {
        [] | [b'Z'] => Some(naive),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number([h1, h2])?, number([m1, m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = TimeDelta::minutes(i64::from(hours * 60 + minutes));
            if offset.is_zero() {
                Some(naive)
            } else if *sign == b'+' {
                naive.checked_sub_signed(offset)
            } else {
                naive.checked_add_signed(offset)
            }
        }
        _ => None,
    }
}

/// This many decimal digits as a number.
#[inline]
fn number<const DIGITS: usize>(digits: [&u8; DIGITS]) -> Option<u32> {
    const { assert!(DIGITS <= 7, "more digits than surely fit") };
    let mut number = 0;
    let mut all = true;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        all &= digit <= 9;
        number = number * 10 + u32::from(digit);
    }
    all.then_some(number)
}

/// One to nine decimal digits as a number.
fn some_number(digits: &[u8]) -> Option<u32> {
    debug_assert!(digits.len() <= 9, "more digits than fit");
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit <= 9).then(|| number * 10 + u32::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::{Day, parse, parse_common};

    #[test]
    fn a_time_is_of_its_own_day_whichever_was_read_before_it() {
        let mut day = Day::default();
        let mut times = Vec::new();
        for text in [
            "2026-04-21T23:59:59Z",
            "2026-04-21T23:59:59.5Z",
            "2026-04-22T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-04-22T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "2026-04-2xT00:00:00Z",
            "2026-04-21T00:00:00Z",
        ] {
            let time = parse_common(text.as_bytes(), &mut day);
            assert_eq!(time, parse(text), "{text}");
            times.push(time.is_some());
        }
        let read = [true, true, true, false, false, true, true, false, true];
        assert_eq!(times, read);
    }
}
