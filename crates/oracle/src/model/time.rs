//! The times that an engine writes (SPEC, section 1): ISO 8601 in the profile of RFC 3339, and
//! naive times.

use std::str::Bytes;

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike as _, Utc};

/// The seconds field of a leap second; chrono writes the second before with extra nanoseconds.
const LEAP_SECOND: u32 = 60;
const NANOS_PER_SECOND: u32 = 1_000_000_000;
/// The minus sign that ISO 8601 writes where ASCII has a hyphen.
const MINUS: char = '\u{2212}';
/// Significant digits of a fraction.
const NANO_DIGITS: usize = 9;

/// Reads a time with an offset, `Z`, or none, which means UTC. `None` for anything else.
pub(super) fn read(text: &str) -> Option<DateTime<Utc>> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let [date, time] = [date_time.get(..10)?, date_time.get(11..)?];
    if !matches!(date_time.as_bytes()[10], b'T' | b't' | b' ') {
        return None;
    }
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => {
            let len = rest.bytes().take_while(u8::is_ascii_digit).count();
            rest.split_at(len)
        }
        None => ("0", rest),
    };
    if fraction.is_empty() {
        return None;
    }
    let nanos = nanos(fraction.bytes());
    let (second, nanos) = if second == LEAP_SECOND {
        (second - 1, nanos + NANOS_PER_SECOND)
    } else {
        (second, nanos)
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let naive = date.and_hms_opt(hour, minute, second)?.and_utc();
    let whole = naive.checked_sub_signed(read_offset(offset)?)?;
    // Set last: a leap second stays one, whatever the offset.
    whole.with_nanosecond(nanos)
}

/// Reads three numbers with these digit counts and a separator between them.
fn numbers(text: &str, separator: char, lens: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, len) in numbers.iter_mut().zip(lens) {
        *number = number_of(parts.next()?, len)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn number_of(text: &str, len: usize) -> Option<u32> {
    let digits = text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// The first nine digits of a fraction, as nanoseconds.
fn nanos(digits: Bytes<'_>) -> u32 {
    let digits = digits.chain(std::iter::repeat(b'0')).take(NANO_DIGITS);
    digits.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'))
}

/// The offset ahead of UTC.
fn read_offset(text: &str) -> Option<TimeDelta> {
    let (ahead, rest) = match text {
        "" | "Z" | "z" => return Some(TimeDelta::zero()),
        _ => (text.starts_with('+'), text.strip_prefix(['+', '-', MINUS])?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (number_of(hours, 2)?, number_of(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = TimeDelta::minutes(i64::from(hours * 60 + minutes));
    Some(if ahead { offset } else { -offset })
}
