//! From a message to an event.
//!
//! A clean message, which nearly all are, is read by hand. What means what is defined by the general decoder
//! alone, which has all others. There too `event` comes before `data` as a rule, so that the name picks the
//! type that the payload is read into as it arrives; a message that is not so, or that turns out not to be
//! what its name says, is read again at leisure.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::error::Category;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::clean::{self, Spares};
use crate::event::EngineEvent;
use crate::kind::Kind;
use crate::models::{Key, Object, Plain, Read};
use crate::timestamp;

/// A message that is an event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Decoded {
    /// The event.
    pub event: EngineEvent,
    /// When it happened, by the engine's clock; where the message doesn't say, the `now` that was given.
    pub ts: DateTime<Utc>,
    /// The event is of a known kind but its payload is no reading of that kind; `event` is then
    /// [`EngineEvent::Unknown`].
    pub payload_failed: bool,
}

/// Why a message is no event. The message itself is never part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Undecodable {
    /// A binary message that is not UTF-8.
    #[error("the message is not UTF-8")]
    NotUtf8,
    /// Not JSON, or more than one JSON value.
    #[error("the message is not one well-formed JSON value")]
    Malformed,
    /// JSON, but no object with a string `event`, or one that says `event`, `ts` or `data` twice.
    #[error("the message is not an object that names its event once, as a string")]
    NotAnEvent,
    /// The payload is nested deeper than 127 levels, or holds a number or string that has no meaning.
    #[error("the payload is nested too deeply or holds a number or string out of range")]
    Payload,
}

/// Decodes the text of one message. `now` is the event's time where the message gives none.
///
/// ```
/// use chrono::Utc;
/// use engine_client::{EngineEvent, decode};
///
/// let decoded = decode(r#"{"event":"regime","data":{"regime":"CHOP"}}"#, Utc::now())?;
/// assert!(matches!(decoded.event, EngineEvent::Regime(_)));
///
/// // A payload without a single field of its kind is no reading.
/// let decoded = decode(r#"{"event":"risk","data":{"error":"down"}}"#, Utc::now())?;
/// assert!(decoded.payload_failed);
/// assert_eq!(decoded.event.kind(), "risk");
/// # Ok::<(), engine_client::Undecodable>(())
/// ```
///
/// # Errors
/// [`Undecodable`] if the message is not one JSON object with a string `event`. A payload of the wrong
/// shape is no error: it makes the event [`EngineEvent::Unknown`].
pub fn decode(message: &str, now: DateTime<Utc>) -> Result<Decoded, Undecodable> {
    decode_with(message, now, &mut Spares::default())
}

/// As [`decode`], with storage to read into.
#[inline]
pub(crate) fn decode_with(
    message: &str,
    now: DateTime<Utc>,
    spares: &mut Spares,
) -> Result<Decoded, Undecodable> {
    match clean::read(message, now, spares) {
        Some(decoded) => Ok(decoded),
        None => decode_general(message, now),
    }
}

/// Decodes any message: what this says a message means is what it means.
pub(crate) fn decode_general(message: &str, now: DateTime<Utc>) -> Result<Decoded, Undecodable> {
    let mut deserializer = serde_json::Deserializer::from_str(message);
    let one_pass = deserializer
        .deserialize_map(OnePass { now })
        .and_then(|decoded| deserializer.end().map(|()| decoded));
    match one_pass {
        Ok(decoded) => Ok(decoded),
        Err(_) => decode_again(message, now),
    }
}

/// Decodes a binary message, which is taken for text.
///
/// # Errors
/// [`Undecodable`] as for [`decode`], and if the message is not UTF-8.
pub fn decode_binary(message: &[u8], now: DateTime<Utc>) -> Result<Decoded, Undecodable> {
    decode_binary_with(message, now, &mut Spares::default())
}

/// As [`decode_binary`], with storage to read into.
pub(crate) fn decode_binary_with(
    message: &[u8],
    now: DateTime<Utc>,
    spares: &mut Spares,
) -> Result<Decoded, Undecodable> {
    let text = std::str::from_utf8(message).map_err(|_| Undecodable::NotUtf8)?;
    decode_with(text, now, spares)
}

/// Decodes a message whose keys come in another order, or whose payload is not what it should be: first
/// the envelope, then the payload as its kind, then the payload as whatever it is.
#[cold]
fn decode_again(message: &str, now: DateTime<Utc>) -> Result<Decoded, Undecodable> {
    let mut deserializer = serde_json::Deserializer::from_str(message);
    let Envelope { event, ts, data } = deserializer
        .deserialize_map(EnvelopeVisitor { now })
        .and_then(|envelope| deserializer.end().map(|()| envelope))
        .map_err(|error| match error.classify() {
            Category::Data => Undecodable::NotAnEvent,
            Category::Syntax | Category::Eof | Category::Io => Undecodable::Malformed,
        })?;
    let kind = Kind::of(&event);
    let data = data.map_or("null", RawValue::get);
    let mut payload = serde_json::Deserializer::from_str(data);
    if let Some(kind) = kind
        && let Ok(event) = (Payload { kind, ts }).deserialize(&mut payload)
    {
        return Ok(Decoded {
            event,
            ts,
            payload_failed: false,
        });
    }
    let Plain(data) = serde_json::from_str(data).map_err(|_| Undecodable::Payload)?;
    Ok(Decoded {
        event: EngineEvent::Unknown {
            event: event.into_owned(),
            ts,
            data,
        },
        ts,
        payload_failed: kind.is_some(),
    })
}

/// Reads the payload as what the name of its event says.
struct Payload {
    kind: Kind,
    ts: DateTime<Utc>,
}

impl<'de> DeserializeSeed<'de> for Payload {
    type Value = EngineEvent;

    fn deserialize<D: Deserializer<'de>>(self, data: D) -> Result<EngineEvent, D::Error> {
        match self.kind {
            Kind::Heartbeat => {
                IgnoredAny::deserialize(data)?;
                Ok(EngineEvent::Heartbeat(self.ts))
            }
            Kind::Status => reading(data).map(EngineEvent::Status),
            Kind::Positions => reading(data).map(EngineEvent::Positions),
            Kind::Risk => reading(data).map(EngineEvent::Risk),
            Kind::Regime => reading(data).map(EngineEvent::Regime),
        }
    }
}

/// Reads a payload in the box that it is to stay in. One without an own field is refused: a halted engine
/// must not look healthy because an empty object came by.
fn reading<'de, T, D>(data: D) -> Result<Box<T>, D::Error>
where
    T: Object + Default,
    D: Deserializer<'de>,
{
    let mut value = Box::<T>::default();
    if Read(&mut *value).deserialize(data)? {
        Ok(value)
    } else {
        Err(de::Error::custom("not a single known field"))
    }
}

/// The keys of a message that mean something.
#[derive(Clone, Copy)]
enum EnvelopeKey {
    Event,
    Ts,
    Data,
    Other,
}

impl<'de> Deserialize<'de> for EnvelopeKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl Visitor<'_> for KeyVisitor {
            type Value = EnvelopeKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, key: &str) -> Result<EnvelopeKey, E> {
                Ok(match key {
                    "event" => EnvelopeKey::Event,
                    "ts" => EnvelopeKey::Ts,
                    "data" => EnvelopeKey::Data,
                    _ => EnvelopeKey::Other,
                })
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Puts what came under a key in its place, once.
fn once<T, E: de::Error>(place: &mut Option<T>, key: &'static str, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::duplicate_field(key)),
    }
}

const EXPECTED: &str = "an object with an event";

/// Decodes a message in which `event` comes before `data` and `data` is a reading; an error is no verdict
/// on any other.
struct OnePass {
    now: DateTime<Utc>,
}

impl<'de> Visitor<'de> for OnePass {
    type Value = Decoded;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Decoded, A::Error> {
        let mut name: Option<Cow<'de, str>> = None;
        let mut kind = None;
        let mut ts = None;
        let mut payload = None;
        while let Some(key) = map.next_key()? {
            match key {
                EnvelopeKey::Event => {
                    let Key(event) = map.next_value()?;
                    kind = Kind::of(&event);
                    once(&mut name, "event", event)?;
                }
                EnvelopeKey::Ts => once(&mut ts, "ts", map.next_value_seed(Ts { now: self.now })?)?,
                EnvelopeKey::Data => {
                    let Some(event) = &name else {
                        return Err(de::Error::custom("data came before event"));
                    };
                    let ts = ts.unwrap_or(self.now);
                    let event = match kind {
                        Some(kind) => map.next_value_seed(Payload { kind, ts })?,
                        None => EngineEvent::Unknown {
                            event: event.to_string(),
                            ts,
                            data: map.next_value::<Plain>()?.0,
                        },
                    };
                    once(&mut payload, "data", event)?;
                }
                EnvelopeKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let at = ts.unwrap_or(self.now);
        let mut event = match (payload, kind) {
            (Some(event), _) => event,
            (None, Some(Kind::Heartbeat)) => EngineEvent::Heartbeat(at),
            (None, _) => return Err(de::Error::missing_field("data")),
        };
        // The time may have come after the payload.
        if let EngineEvent::Heartbeat(ts) | EngineEvent::Unknown { ts, .. } = &mut event {
            *ts = at;
        }
        Ok(Decoded {
            event,
            ts: at,
            payload_failed: false,
        })
    }
}

/// A message whose payload is still text.
struct Envelope<'de> {
    event: Cow<'de, str>,
    ts: DateTime<Utc>,
    data: Option<&'de RawValue>,
}

struct EnvelopeVisitor {
    now: DateTime<Utc>,
}

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut event = None;
        let mut ts: Option<&'de RawValue> = None;
        let mut data = None;
        while let Some(key) = map.next_key()? {
            match key {
                EnvelopeKey::Event => once(&mut event, "event", map.next_value::<Key<'de>>()?.0)?,
                EnvelopeKey::Ts => once(&mut ts, "ts", map.next_value()?)?,
                EnvelopeKey::Data => once(&mut data, "data", map.next_value()?)?,
                EnvelopeKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Envelope {
            event: event.ok_or_else(|| de::Error::missing_field("event"))?,
            ts: ts.map_or(self.now, |ts| lenient_ts(ts, self.now)),
            data,
        })
    }
}

/// The time of an event, of well-formed JSON that may still hold what no type here does (a number beyond
/// all floats, half a surrogate pair): as [`Ts`], `now` for whatever is no time.
fn lenient_ts(ts: &RawValue, now: DateTime<Utc>) -> DateTime<Utc> {
    let mut deserializer = serde_json::Deserializer::from_str(ts.get());
    Ts { now }.deserialize(&mut deserializer).unwrap_or(now)
}

/// Reads the time of an event: of whatever is no time, `now`.
struct Ts {
    now: DateTime<Utc>,
}

impl<'de> DeserializeSeed<'de> for Ts {
    type Value = DateTime<Utc>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<DateTime<Utc>, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Ts {
    type Value = DateTime<Utc>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<DateTime<Utc>, E> {
        Ok(timestamp::parse(text).unwrap_or(self.now))
    }

    fn visit_unit<E>(self) -> Result<DateTime<Utc>, E> {
        Ok(self.now)
    }

    fn visit_bool<E>(self, _: bool) -> Result<DateTime<Utc>, E> {
        Ok(self.now)
    }

    fn visit_u64<E>(self, _: u64) -> Result<DateTime<Utc>, E> {
        Ok(self.now)
    }

    fn visit_i64<E>(self, _: i64) -> Result<DateTime<Utc>, E> {
        Ok(self.now)
    }

    fn visit_f64<E>(self, _: f64) -> Result<DateTime<Utc>, E> {
        Ok(self.now)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<DateTime<Utc>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.now)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DateTime<Utc>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.now)
    }
}
