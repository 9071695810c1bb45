//! Decodes any message. This file alone defines what a message means.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::decoded::{Decoded, Undecodable};
use crate::event::EngineEvent;
use crate::kind::Kind;
use crate::models::{Key, Object, Plain, Read};
use crate::timestamp;

/// Decodes any message: first the envelope, then the payload as its kind says or, if it is not a
/// reading of that kind, as JSON of any shape.
pub(super) fn decode(message: &str, now: DateTime<Utc>) -> Result<Decoded, Undecodable> {
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

/// Reads the payload as the kind that the event's name says.
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

/// Reads a payload straight into its final box. One without a single known field is refused: an
/// empty object must not make a halted engine look healthy.
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

/// The keys of the envelope that mean something.
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

/// Stores the value of a key; a second value is an error.
fn once<T, E: de::Error>(place: &mut Option<T>, key: &'static str, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::duplicate_field(key)),
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
        f.write_str("an object with an event")
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

/// The time of an event, as [`Ts`] reads it; `now` for whatever is not a time. The JSON is
/// well-formed, but may still hold what no type here can (a number beyond all floats, half a
/// surrogate pair).
fn lenient_ts(ts: &RawValue, now: DateTime<Utc>) -> DateTime<Utc> {
    let mut deserializer = serde_json::Deserializer::from_str(ts.get());
    Ts { now }.deserialize(&mut deserializer).unwrap_or(now)
}

/// Reads the time of an event: whatever is not a time gives `now`.
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
