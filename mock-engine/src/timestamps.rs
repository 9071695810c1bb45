//! Moving an event's `ts` to the time it is played at.

use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use wstape_tape::Trigger;

use crate::ids::LayerIndex;

/// What becomes of the `ts` of emitted events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timestamps {
    /// They stay as the tape has them.
    #[default]
    Keep,
    /// Each moves to when it is played and keeps its format: as long before or after its step as
    /// in the tape; for an `on_connect` step, which has no time of its own, to that very moment.
    /// What is no timestamp stays, and so does what the controls send.
    Shift,
}

/// Moves each `ts` to when it is played.
#[derive(Debug, Clone)]
pub(crate) struct Shift {
    /// The tapes' wall times at 0, by layer; the controls have none.
    tape_walls: Vec<DateTime<Utc>>,
}

/// How one `ts` moves.
#[derive(Debug, Clone, Copy)]
enum Move {
    By(TimeDelta),
    To(DateTime<Utc>),
}

impl Shift {
    pub(crate) fn new(tape_walls: Vec<DateTime<Utc>>) -> Self {
        Self { tape_walls }
    }

    /// The base tape is another, of this wall time at 0.
    pub(crate) fn rebase(&mut self, wall: DateTime<Utc>) {
        if let Some(base) = self.tape_walls.first_mut() {
            *base = wall;
        }
    }

    /// The message of a layer's step that is played at the wall time `now`, with its `ts` moved
    /// and everything else byte for byte as it was.
    pub(crate) fn apply(
        &self,
        json: &Bytes,
        layer: LayerIndex,
        trigger: &Trigger,
        now: DateTime<Utc>,
    ) -> Bytes {
        let Some(&wall) = self.tape_walls.get(layer.0) else {
            return json.clone();
        };
        let by = match trigger {
            Trigger::At(at) => {
                let in_tape = i64::try_from(at.0).unwrap_or(i64::MAX);
                match wall.checked_add_signed(TimeDelta::microseconds(in_tape)) {
                    Some(then) => Move::By(now - then),
                    None => Move::To(now),
                }
            }
            // One without a time of its own.
            _ => Move::To(now),
        };
        by.apply(json)
    }
}

impl Move {
    /// The message with its `ts` moved and everything else byte for byte as it was.
    fn apply(self, json: &Bytes) -> Bytes {
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
    fn moved(self, text: &str) -> Option<String> {
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
        if offset_of(offset).is_none() || digits > 9 {
            return None;
        }
        let normal = format!("{}T{}{fraction}", &whole[..10], &whole[11..]);
        let at = NaiveDateTime::parse_from_str(&normal, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
        let by = match self {
            Self::By(by) => by,
            Self::To(now) => now.naive_utc() - at.checked_sub_signed(offset_of(offset)?)?,
        };
        let moved = at.checked_add_signed(by)?;
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

/// The offset from UTC of nothing, `Z`, or `±HH:MM` with or without its colon or minutes; `None`
/// for anything else.
fn offset_of(text: &str) -> Option<TimeDelta> {
    let (sign, rest) = match text.as_bytes() {
        [] | b"Z" | b"z" => return Some(TimeDelta::zero()),
        [b'+', ..] => (1, &text[1..]),
        [b'-', ..] => (-1, &text[1..]),
        _ => return None,
    };
    let minutes = match rest.len() {
        2 => "0",
        4 => rest.get(2..)?,
        5 => rest.get(2..)?.strip_prefix(':')?,
        _ => return None,
    };
    let hours = rest.get(..2)?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let whole = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
    Some(TimeDelta::minutes(sign * whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_moves_and_keeps_its_format() {
        let shift = Move::By(TimeDelta::microseconds(86_400_000_000 + 1_500_001));
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
        let shift = Move::By(TimeDelta::days(1));
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
