//! A fast reader for the clean message: nearly all that an engine sends.
//!
//! A clean message is of a known kind, names each key once, and is plain JSON. At anything else the
//! reader gives up, and the general decoder reads the message from its start: `None` does not mean
//! that the message is wrong.

use chrono::{DateTime, Utc};

use super::decoded::Decoded;
use super::spares::Spares;
use crate::event::EngineEvent;
use crate::json::Cursor;
use crate::kind::Kind;
use crate::timestamp::{self, Day};

/// Lengths in bytes of the times Python writes, quotes included: microseconds with an offset, with
/// `Z`, naive.
const USUAL_TIMES: [usize; 3] = [34, 29, 28];

/// Reads a clean message whose payload is a reading of its kind, into leftover storage.
#[inline]
pub(super) fn decode(
    message: &str,
    now: DateTime<Utc>,
    day: &mut Day,
    spares: &mut Spares,
) -> Option<Decoded> {
    let mut cursor = Cursor::new(message);
    cursor.space();
    let mut kind = None;
    let mut ts = None;
    let mut data = None;
    let mut early = None;
    let mut more = cursor.open(b'{', b'}')?;
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
                ts = Some(time(&mut cursor, now, day)?);
            }
            "data" => {
                if data.is_some() || early.is_some() {
                    return None;
                }
                if let Some(kind) = kind {
                    data = Some(payload(kind, now, &mut cursor, spares)?);
                } else {
                    // The engine sorts its keys, so the payload may come first: it is read once its
                    // kind is known.
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
        data = Some(payload(kind, now, &mut early, spares)?);
    }
    let ts = ts.unwrap_or(now);
    let event = match data {
        // The time may have come after the payload.
        Some(EngineEvent::Heartbeat(_)) => EngineEvent::Heartbeat(ts),
        Some(event) => event,
        None if kind == Kind::Heartbeat => EngineEvent::Heartbeat(ts),
        None => return None,
    };
    Some(Decoded {
        event,
        ts,
        payload_failed: false,
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

/// Takes the value of `ts`, which may be anything: what is not a time gives `now`.
#[inline]
fn time(cursor: &mut Cursor<'_>, now: DateTime<Utc>, day: &mut Day) -> Option<DateTime<Utc>> {
    for bytes in USUAL_TIMES {
        // A time in the common form has no escapes, so the string needs no other check.
        if let Some(time) = cursor
            .quoted(bytes)
            .and_then(|text| timestamp::parse_common(text, day))
        {
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

/// Takes a payload.
#[inline]
fn payload(
    kind: Kind,
    now: DateTime<Utc>,
    cursor: &mut Cursor<'_>,
    spares: &mut Spares,
) -> Option<EngineEvent> {
    Some(match kind {
        Kind::Heartbeat => {
            cursor.skip()?;
            EngineEvent::Heartbeat(now)
        }
        Kind::Status => EngineEvent::Status(spares.status.read(cursor)?),
        Kind::Positions => EngineEvent::Positions(spares.positions.read(cursor)?),
        Kind::Risk => EngineEvent::Risk(spares.risk.read(cursor)?),
        Kind::Regime => EngineEvent::Regime(spares.regime.read(cursor)?),
    })
}
