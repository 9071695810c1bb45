//! Moving an event's `ts` to the time it is played at.

use bytes::{BufMut, Bytes, BytesMut};
use chrono::{NaiveDateTime, TimeDelta};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What becomes of the `ts` of emitted events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timestamps {
    /// They stay as the tape has them.
    #[default]
    Keep,
    /// Each moves by the span from the tape's wall time at 0 to the clock's when the engine was
    /// built, and keeps its format. What is no timestamp stays.
    Shift,
}

/// By how much every `ts` moves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shift(pub(crate) TimeDelta);

impl Shift {
    /// The message with its `ts` moved and everything else byte for byte as it was.
    pub(crate) fn apply(&self, json: &Bytes) -> Bytes {
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(borrow)]
            ts: &'a RawValue,
        }
        let Ok(Head { ts }) = serde_json::from_slice::<Head<'_>>(json) else {
            return json.clone();
        };
        let Some(moved) = ts
            .get()
            .strip_prefix('"')
            .and_then(|ts| ts.strip_suffix('"'))
            .and_then(|ts| self.moved(ts))
        else {
            return json.clone();
        };
        // The raw value is borrowed from the message, one byte behind its opening quote.
        let start = ts.get().as_ptr() as usize - json.as_ptr() as usize + 1;
        let end = start + ts.get().len() - 2;
        let mut out = BytesMut::with_capacity(json.len() + moved.len());
        out.put_slice(&json[..start]);
        out.put_slice(moved.as_bytes());
        out.put_slice(&json[end..]);
        out.freeze()
    }

    /// `2026-04-21T19:05:36.821259+00:00` and its kin, moved; `None` for anything else.
    fn moved(&self, text: &str) -> Option<String> {
        const SECONDS: usize = "2026-04-21T19:05:36".len();
        let (whole, rest) = text.split_at_checked(SECONDS)?;
        let separator = *whole.as_bytes().get(10)?;
        if !matches!(separator, b'T' | b't' | b' ') {
            return None;
        }
        let digits = rest.strip_prefix('.').map_or(0, |rest| {
            rest.bytes().take_while(u8::is_ascii_digit).count()
        });
        let fraction_len = if digits == 0 { 0 } else { digits + 1 };
        let (fraction, offset) = rest.split_at_checked(fraction_len)?;
        if !is_offset(offset) || digits > 9 {
            return None;
        }
        let normal = format!("{}T{}{fraction}", &whole[..10], &whole[11..]);
        let at = NaiveDateTime::parse_from_str(&normal, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
        let moved = at.checked_add_signed(self.0)?;
        let date = moved.format("%Y-%m-%d");
        let time = moved.format("%H:%M:%S");
        let separator = char::from(separator);
        let nanos = format!("{:09}", moved.and_utc().timestamp_subsec_nanos());
        let point = if digits == 0 { "" } else { "." };
        Some(format!(
            "{date}{separator}{time}{point}{}{offset}",
            nanos.get(..digits)?
        ))
    }
}

/// Nothing, `Z`, or `±HH:MM` with or without its colon.
fn is_offset(text: &str) -> bool {
    match text.as_bytes() {
        [] | b"Z" | b"z" => true,
        [b'+' | b'-', rest @ ..] => {
            let digits = rest.iter().filter(|b| b.is_ascii_digit()).count();
            matches!(
                (digits, rest.len(), rest.get(2)),
                (2, 2, _) | (4, 4, _) | (4, 5, Some(b':'))
            )
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_moves_and_keeps_its_format() {
        let shift = Shift(TimeDelta::microseconds(86_400_000_000 + 1_500_001));
        let table = [
            (
                "2026-04-21T19:05:36.821259+00:00",
                "2026-04-22T19:05:38.321260+00:00",
            ),
            ("2026-04-21T19:05:36.821259", "2026-04-22T19:05:38.321260"),
            ("2026-04-21T19:05:36Z", "2026-04-22T19:05:37Z"),
            ("2026-12-31 23:59:59.9-0530", "2027-01-02 00:00:01.4-0530"),
        ];
        for (text, moved) in table {
            let json = Bytes::from(format!(
                r#"{{ "ts" : "{text}", "data":{{"ts":"2026-04-21T19:05:36Z"}} }}"#
            ));
            let expected =
                format!(r#"{{ "ts" : "{moved}", "data":{{"ts":"2026-04-21T19:05:36Z"}} }}"#);
            assert_eq!(shift.apply(&json), expected);
        }
    }

    #[test]
    fn what_is_no_timestamp_stays_byte_for_byte() {
        let shift = Shift(TimeDelta::days(1));
        let table = [
            r#"{"ts": 1776798336}"#,
            r#"{"ts": null}"#,
            r#"{"ts": "yesterday"}"#,
            r#"{"ts": "2026-13-41T19:05:36Z"}"#,
            r#"{"ts": "2026-04-21T19:05:36 UTC"}"#,
            r#"{"event": "x"}"#,
            r#"{"ts": "2026-04-21T19:05:36Z""#,
            "[1]",
        ];
        for json in table {
            assert_eq!(shift.apply(&Bytes::from_static(json.as_bytes())), json);
        }
    }
}
