//! The envelope around a payload.

use chrono::{DateTime, Utc};

use super::spares::Payloads;
use super::{Cursor, Spares};
use crate::decode::Decoded;
use crate::kind::Kind;
use crate::timestamp;

/// Bytes of the times that Python writes, quotes included: in microseconds with an offset, with `Z`, naive.
const USUAL_TIMES: [usize; 3] = [34, 29, 28];

/// Reads a clean message of a known kind whose payload is a reading of it. `None` is no verdict.
pub(crate) fn read(message: &str, now: DateTime<Utc>, spares: &mut Spares) -> Option<Decoded> {
    read_aside(message, now, spares)?.into_decoded(spares)
}

/// What was read aside: its payload is in the [`Spares`], and there until the next of its kind is read.
pub(crate) struct Clean {
    pub(crate) kind: Kind,
    pub(crate) ts: DateTime<Utc>,
}

impl Clean {
    /// The event, taken out of the [`Spares`] that it was read into.
    pub(crate) fn into_decoded(self, spares: &mut Spares) -> Option<Decoded> {
        Some(Decoded {
            event: spares.take(self.kind, self.ts)?,
            ts: self.ts,
            payload_failed: false,
        })
    }
}

/// As [`read`], but leaves the payload where it was read to.
pub(crate) fn read_aside(message: &str, now: DateTime<Utc>, spares: &mut Spares) -> Option<Clean> {
    let clean = try_read(message, now, spares);
    if clean.is_none() {
        spares.gave_up(message.len());
    }
    clean
}

#[inline]
fn try_read(message: &str, now: DateTime<Utc>, spares: &mut Spares) -> Option<Clean> {
    let Spares { payloads, habits } = spares;
    let mut cursor = Cursor::new(message, habits);
    cursor.space();
    let mut kind = None;
    let mut ts = None;
    let mut data = None;
    let mut early = None;
    let mut more = !cursor.open(b'{', b'}')?;
    while more {
        match envelope_key(&mut cursor)? {
            "event" => {
                if kind.is_some() {
                    return None;
                }
                kind = Some(Kind::of(cursor.string()?)?);
            }
            "ts" => {
                if ts.is_some() {
                    return None;
                }
                ts = Some(time(&mut cursor, now)?);
            }
            "data" => {
                if data.is_some() || early.is_some() {
                    return None;
                }
                if let Some(kind) = kind {
                    data = Some(payload(kind, &mut cursor, payloads)?);
                } else {
                    // An engine that sorts its keys: read once its kind is known.
                    early = Some(cursor.clone());
                    cursor.skip()?;
                }
            }
            _ => cursor.skip()?,
        }
        more = cursor.more(b'}')?;
    }
    cursor.end()?;
    let kind = kind?;
    if let Some(mut early) = early {
        data = Some(payload(kind, &mut early, payloads)?);
    }
    if data.is_none() && kind != Kind::Heartbeat {
        return None;
    }
    Some(Clean {
        kind,
        ts: ts.unwrap_or(now),
    })
}

/// Takes a key of the envelope.
#[inline]
fn envelope_key<'t>(cursor: &mut Cursor<'t>) -> Option<&'t str> {
    if cursor.guessed_key("\"event\":") {
        Some("event")
    } else if cursor.guessed_key("\"ts\":") {
        Some("ts")
    } else if cursor.guessed_key("\"data\":") {
        Some("data")
    } else {
        cursor.key()
    }
}

/// Takes the value of `ts`, which may be anything: of whatever is no time, `now`.
#[inline]
fn time(cursor: &mut Cursor<'_>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    for bytes in USUAL_TIMES {
        // A time in the common form has nothing in it that a plain string may not have.
        if let Some(time) = cursor.quoted(bytes).and_then(timestamp::parse_common) {
            cursor.advance(bytes);
            return Some(time);
        }
    }
    if cursor.peek()? == b'"' {
        Some(timestamp::parse(cursor.string()?).unwrap_or(now))
    } else {
        cursor.skip()?;
        Some(now)
    }
}

#[inline]
fn payload(kind: Kind, cursor: &mut Cursor<'_>, payloads: &mut Payloads) -> Option<()> {
    match kind {
        Kind::Heartbeat => cursor.skip(),
        Kind::Status => payloads.status.read(cursor),
        Kind::Positions => payloads.positions.read(cursor),
        Kind::Risk => payloads.risk.read(cursor),
        Kind::Regime => payloads.regime.read(cursor),
    }
}
