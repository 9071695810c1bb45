//! The envelope around a payload.

use chrono::{DateTime, Utc};

use super::spares::Payloads;
use super::{Cursor, Spares};
use crate::decode::Decoded;
use crate::event::EngineEvent;
use crate::kind::Kind;
use crate::timestamp;

/// Bytes of the times that Python writes, quotes included: in microseconds with an offset, with `Z`, naive.
const USUAL_TIMES: [usize; 3] = [34, 29, 28];

/// Reads a clean message of a known kind whose payload is a reading of it. `None` is no verdict.
pub(crate) fn read(message: &str, now: DateTime<Utc>, spares: &mut Spares) -> Option<Decoded> {
    let Spares { payloads, habits } = spares;
    let mut cursor = Cursor::new(message, habits);
    cursor.space();
    let mut kind = None;
    let mut ts = None;
    let mut event = None;
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
                if event.is_some() || early.is_some() {
                    return None;
                }
                if let Some(kind) = kind {
                    event = Some(payload(kind, &mut cursor, payloads)?);
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
    if let Some(mut data) = early {
        event = Some(payload(kind?, &mut data, payloads)?);
    }
    let ts = ts.unwrap_or(now);
    let mut event = match (event, kind) {
        (Some(event), _) => event,
        (None, Some(Kind::Heartbeat)) => EngineEvent::Heartbeat(ts),
        (None, _) => return None,
    };
    // The time may have come after the payload.
    if let EngineEvent::Heartbeat(at) = &mut event {
        *at = ts;
    }
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
fn payload(kind: Kind, cursor: &mut Cursor<'_>, payloads: &mut Payloads) -> Option<EngineEvent> {
    match kind {
        Kind::Heartbeat => {
            cursor.skip()?;
            // Its time is the message's, which may not have come yet.
            Some(EngineEvent::Heartbeat(DateTime::UNIX_EPOCH))
        }
        Kind::Status => payloads.status.read(cursor).map(EngineEvent::Status),
        Kind::Positions => payloads.positions.read(cursor).map(EngineEvent::Positions),
        Kind::Risk => payloads.risk.read(cursor).map(EngineEvent::Risk),
        Kind::Regime => payloads.regime.read(cursor).map(EngineEvent::Regime),
    }
}
