//! Moves an event's `ts` to the time it is played at.

use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use wstape_tape::Trigger;

use crate::ids::LayerIndex;
use crate::pointer::Pointer;

/// What happens to the `ts` of emitted events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timestamps {
    /// They stay as the tape has them.
    #[default]
    Keep,
    /// Each moves to when it is played, and keeps its format: it stays as long before or after its
    /// step as in the tape. In a step without a time of its own, such as `on_connect`, it becomes
    /// the time of play. What isn't a timestamp stays, and so does what the controls send.
    Shift,
}

/// The first and last second since 1970 that a number may stand for.
const FIRST_EPOCH_S: i128 = 100_000_000;
const LAST_EPOCH_S: i128 = 100_000_000_000;
/// The most decimals of a number that is a time: nanoseconds.
const MAX_DECIMALS: usize = 9;

/// Where the messages of a feed have their time.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pointer: Pointer,
    /// Whether a number there is a time too.
    numbers: bool,
    /// Whether text messages, and JSON of any shape, have it too.
    every_message: bool,
}

impl Place {
    /// The `ts` of the engine's events.
    pub(crate) fn of_events() -> Self {
        Self {
            pointer: Pointer::new("/ts"),
            numbers: false,
            every_message: false,
        }
    }

    /// The place that this JSON Pointer leads to, in any message.
    pub(crate) fn of_messages(pointer: &str) -> Self {
        Self {
            pointer: Pointer::new(pointer),
            numbers: true,
            every_message: true,
        }
    }
}

/// Moves each `ts` to when it is played.
#[derive(Debug, Clone)]
pub(crate) struct Shift {
    place: Place,
    /// The wall time at each tape's time 0, by layer; the controls have none.
    tape_walls: Vec<DateTime<Utc>>,
}

/// How one `ts` moves.
#[derive(Debug, Clone, Copy)]
enum Move {
    By(TimeDelta),
    To(DateTime<Utc>),
}

impl Shift {
    pub(crate) fn new(place: Place, tape_walls: Vec<DateTime<Utc>>) -> Self {
        Self { place, tape_walls }
    }

    /// Whether messages that are not the engine's events have a time too.
    pub(crate) fn moves_every_message(&self) -> bool {
        self.place.every_message
    }

    /// Takes on another base tape, with this wall time at 0.
    pub(crate) fn rebase(&mut self, wall: DateTime<Utc>) {
        if let Some(base) = self.tape_walls.first_mut() {
            *base = wall;
        }
    }

    /// The message of a layer's step that is played at the wall time `now`: its `ts` is moved, and
    /// every other byte is unchanged.
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
            // The step has no time of its own.
            _ => Move::To(now),
        };
        by.apply(json, &self.place)
    }
}

impl Move {
    /// Moves the message's time, at `place`, and leaves every other byte unchanged.
    fn apply(self, json: &Bytes, place: &Place) -> Bytes {
        let Some(at) = place.pointer.find(json) else {
            return json.clone();
        };
        let Some(moved) = std::str::from_utf8(&json[at.clone()]).ok().and_then(|raw| {
            match raw.strip_prefix('"') {
                Some(text) => {
                    let text = text.strip_suffix('"')?;
                    let number = || place.numbers.then(|| self.moved_number(text)).flatten();
                    Some(format!("\"{}\"", self.moved(text).or_else(number)?))
                }
                None if place.numbers => self.moved_number(raw),
                None => None,
            }
        }) else {
            return json.clone();
        };
        let mut out = BytesMut::with_capacity(json.len() + moved.len());
        out.put_slice(&json[..at.start]);
        out.put_slice(moved.as_bytes());
        out.put_slice(&json[at.end..]);
        out.freeze()
    }

    /// Moves a number of seconds, milliseconds, microseconds or nanoseconds since 1970, and keeps
    /// the number of its decimals; `None` for anything else. Its size gives the unit: in each, the
    /// numbers accepted reach from 1973 to 5138.
    fn moved_number(self, text: &str) -> Option<String> {
        const NANOS_PER_S: i128 = 1_000_000_000;
        let (whole, decimals) = match text.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (text, ""),
        };
        let is_number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) || decimals.len() > MAX_DECIMALS {
            return None;
        }
        let at: i128 = whole.parse().ok()?;
        let per_s = [1, 1_000, 1_000_000, NANOS_PER_S]
            .into_iter()
            .find(|per_s| (FIRST_EPOCH_S * per_s..LAST_EPOCH_S * per_s).contains(&at))?;
        // In units of the last decimal.
        let scale = 10_i128.pow(u32::try_from(decimals.len()).ok()?);
        let (at, per_s) = (
            format!("{whole}{decimals}").parse::<i128>().ok()?,
            per_s * scale,
        );
        let moved = match self {
            Self::By(by) => {
                let by = i128::from(by.num_seconds()) * NANOS_PER_S + i128::from(by.subsec_nanos());
                at + (by * per_s).div_euclid(NANOS_PER_S)
            }
            Self::To(now) => {
                let micros = i128::from(now.timestamp_micros());
                (micros * per_s).div_euclid(1_000_000)
            }
        };
        let (whole, rest) = (moved.div_euclid(scale), moved.rem_euclid(scale));
        Some(match decimals.len() {
            0 => whole.to_string(),
            len => format!("{whole}.{rest:0len$}"),
        })
    }

    /// Moves `2026-04-21T19:05:36.821259+00:00` and its kin; `None` for anything else.
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

/// The offset from UTC: nothing, `Z`, or `±HH:MM` with or without colon or minutes; `None` for
/// anything else.
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
            assert_eq!(shift.apply(&json, &Place::of_events()), expected);
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
            assert_eq!(
                shift.apply(&Bytes::from_static(json.as_bytes()), &Place::of_events()),
                json
            );
        }
    }

    #[test]
    fn a_time_of_another_vocabulary_moves_where_a_pointer_leads_in_whichever_unit_it_counts() {
        let by = Move::By(TimeDelta::milliseconds(86_400_000 - 1_500));
        let to = Move::To(DateTime::from_timestamp_millis(1_790_000_000_123).expect("a time"));
        let table = [
            ("1776798336", "1776884734", "1790000000"),
            ("1776798336821", "1776884735321", "1790000000123"),
            ("1776798336821259", "1776884735321259", "1790000000123000"),
            (
                "1776798336821259123",
                "1776884735321259123",
                "1790000000123000000",
            ),
            (
                "\"2026-04-21T19:05:36Z\"",
                "\"2026-04-22T19:05:34Z\"",
                "\"2026-09-21T14:13:20Z\"",
            ),
            (
                "1776798336.821259",
                "1776884735.321259",
                "1790000000.123000",
            ),
            ("1776798336.521", "1776884735.021", "1790000000.123"),
            (
                "\"1776798336821\"",
                "\"1776884735321\"",
                "\"1790000000123\"",
            ),
            ("\"1776798336.\"", "\"1776798336.\"", "\"1776798336.\""),
            ("-1776798336821", "-1776798336821", "-1776798336821"),
            ("\"soon\"", "\"soon\"", "\"soon\""),
            ("99999999", "99999999", "99999999"),
            ("7", "7", "7"),
            ("1.5e12", "1.5e12", "1.5e12"),
            ("null", "null", "null"),
        ];
        let place = Place::of_messages("/data/0/T");
        for (time, later, now) in table {
            let message = |time| Bytes::from(format!(r#"{{"T":1, "data":[{{"T" : {time}}}]}}"#));
            assert_eq!(by.apply(&message(time), &place), message(later));
            assert_eq!(to.apply(&message(time), &place), message(now));
        }
    }
}
