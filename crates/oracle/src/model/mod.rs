//! The reference model: what a mirror must show after the messages so far, by SPEC alone.
//!
//! It folds raw JSON with its own reader, table by table from SPEC's page, and shares no code with
//! the subscriber it judges. Its expectation has exactly the shape of a subscriber's mirror as
//! JSON.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `json` | a JSON reader that loses nothing: it keeps duplicate keys, and numbers as written |
//! | `schema` | the payload shapes of SPEC, as data |
//! | `payload` | checks a payload against its shape |
//! | `time` | the times that an engine writes |

mod json;
mod payload;
mod schema;
mod time;

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use json::{Node, Reader};
pub use schema::Kind;

/// A reading as the mirror shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The payload, normalised: as every subscriber must write it.
    pub value: Arc<str>,
    /// The time of its message.
    pub as_of: DateTime<Utc>,
    /// Whether it was fetched over HTTP; otherwise it was pushed over the socket.
    pub fetched: bool,
}

impl Reading {
    /// Appends the JSON text that a `Stat` of the mirror serialises to.
    ///
    /// # Panics
    /// Never: writing to a `String` does not fail.
    pub fn write(&self, into: &mut String) {
        write!(
            into,
            r#"{{"value":{},"as_of":"{:?}","n":null,"source":"{}"}}"#,
            self.value,
            self.as_of,
            if self.fetched { "http" } else { "ws" }
        )
        .expect("a string takes all");
    }
}

/// An event that a message amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it is; `None` is `Unknown`.
    pub kind: Option<Kind>,
    /// The name it came under.
    pub name: String,
    /// Its time; the given `now` if the message has none.
    pub ts: DateTime<Utc>,
    /// Its payload as JSON text: normalised if its kind is known, else as it came (keys in order,
    /// no white space); `null` for a heartbeat.
    pub data: Arc<str>,
    /// Whether it has the name of a known kind, but a payload that is not a reading of that kind.
    pub payload_failed: bool,
}

/// The result of reading a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Folded {
    /// An event.
    Event(Event),
    /// No event at all: counted and dropped.
    Undecodable,
}

/// The mirror that a subscriber must show, folded message by message.
///
/// ```
/// use chrono::DateTime;
/// use wstape_oracle::model::{Kind, Model};
///
/// let now = DateTime::UNIX_EPOCH;
/// let mut model = Model::new();
/// model.text(r#"{"event":"risk","data":{"halted":true,"open_count":2.0}}"#, now);
/// model.text(r#"{"event":"risk","data":{}}"#, now);
/// model.text("{", now);
/// let risk = model.reading(Kind::Risk).unwrap();
/// assert!(risk.value.contains(r#""open_count":2,"halted":true"#));
/// assert_eq!((model.failed_payloads(), model.undecodable()), (1, 1));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Model {
    readings: [Option<Reading>; Kind::READINGS.len()],
    last_heartbeat: Option<DateTime<Utc>>,
    undecodable: u64,
    failed_payloads: u64,
}

impl Model {
    /// A mirror that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a text message means, read at `now`, without folding it.
    #[must_use]
    pub fn read(text: &str, now: DateTime<Utc>) -> Folded {
        event(text, now).map_or(Folded::Undecodable, Folded::Event)
    }

    /// Folds a text message that came at `now`.
    pub fn text(&mut self, text: &str, now: DateTime<Utc>) -> Folded {
        let folded = Self::read(text, now);
        self.fold(&folded);
        folded
    }

    /// Folds a binary message that came at `now`: UTF-8 counts as text, anything else is no event.
    pub fn binary(&mut self, bytes: &[u8], now: DateTime<Utc>) -> Folded {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return self.text(text, now);
        }
        self.fold(&Folded::Undecodable);
        Folded::Undecodable
    }

    /// Folds the result of reading a message.
    pub fn fold(&mut self, folded: &Folded) {
        let Folded::Event(event) = folded else {
            self.undecodable += 1;
            return;
        };
        self.last_heartbeat = Some(event.ts);
        self.failed_payloads += u64::from(event.payload_failed);
        if let Some(reading) = event.kind.and_then(Kind::index) {
            self.readings[reading] = Some(Reading {
                value: Arc::clone(&event.data),
                as_of: event.ts,
                fetched: false,
            });
        }
    }

    /// Folds a payload that was fetched over HTTP, true at `as_of`. It does not move the heartbeat,
    /// and one that is not a reading of `kind` changes nothing.
    pub fn backfill(&mut self, kind: Kind, payload: &str, as_of: DateTime<Utc>) {
        let mut reader = Reader::new(payload);
        let value = reader.tree().and_then(|node| {
            reader.end()?;
            payload::reading(kind, &node)
        });
        if let (Some(value), Some(reading)) = (value, kind.index()) {
            self.readings[reading] = Some(Reading {
                value: value.into(),
                as_of,
                fetched: true,
            });
        }
    }

    /// Records that a Ping, or an unsolicited Pong, came at `now`. A Pong that answers one of the
    /// subscriber's Pings changes nothing here.
    pub fn sign_of_life(&mut self, now: DateTime<Utc>) {
        self.last_heartbeat = Some(now);
    }

    /// What the mirror shows for a kind; always `None` for a heartbeat.
    #[must_use]
    pub fn reading(&self, kind: Kind) -> Option<&Reading> {
        self.readings[kind.index()?].as_ref()
    }

    /// What `last_heartbeat` must be.
    #[must_use]
    pub fn last_heartbeat(&self) -> Option<DateTime<Utc>> {
        self.last_heartbeat
    }

    /// Messages that were no event.
    #[must_use]
    pub fn undecodable(&self) -> u64 {
        self.undecodable
    }

    /// Events of a known kind whose payload was not a reading of that kind.
    #[must_use]
    pub fn failed_payloads(&self) -> u64 {
        self.failed_payloads
    }

    /// Appends one field of the mirror as JSON text, byte for byte as it must show. A heartbeat's
    /// is `null`.
    pub fn write_field(&self, kind: Kind, into: &mut String) {
        match self.reading(kind) {
            Some(reading) => reading.write(into),
            None => into.push_str("null"),
        }
    }

    /// The whole mirror as JSON text, without `connection`.
    ///
    /// # Panics
    /// Never: writing to a `String` does not fail.
    #[must_use]
    pub fn mirror(&self) -> String {
        let mut text = String::from("{");
        for kind in Kind::READINGS {
            write!(text, "{:?}:", kind.field()).expect("a string takes all");
            self.write_field(kind, &mut text);
            text.push(',');
        }
        match self.last_heartbeat {
            Some(at) => write!(text, r#""last_heartbeat":"{at:?}"}}"#),
            None => write!(text, r#""last_heartbeat":null}}"#),
        }
        .expect("a string takes all");
        text
    }
}

/// Reads one message; `None` if it is no event.
///
/// An event is one JSON object that names its event as a string. If `event`, `ts` or `data` comes
/// twice, nobody can tell which is meant, so the message names nothing.
fn event(text: &str, now: DateTime<Utc>) -> Option<Event> {
    let mut reader = Reader::new(text);
    let mut name = None;
    let mut ts = None;
    let mut data = None;
    reader.object(|key, reader| {
        let key = key.decode()?;
        match &*key {
            "event" => {
                let Node::Text(text) = reader.tree()? else {
                    return None;
                };
                once(&mut name, text.decode()?.into_owned())
            }
            // A value of another type, or a text that is not a time, counts as missing.
            "ts" => {
                let read = match reader.tree()? {
                    Node::Text(text) => text.decode().and_then(|text| time::read(&text)),
                    _ => None,
                };
                once(&mut ts, read)
            }
            "data" => once(&mut data, reader.tree()?),
            _ => reader.skip(),
        }
    })?;
    reader.end()?;
    let name = name?;
    let ts = ts.flatten().unwrap_or(now);
    let data = data.unwrap_or(Node::Null);
    let kind = Kind::of(&name);
    if let Some(kind) = kind
        && let Some(value) = payload::reading(kind, &data)
    {
        return Some(Event {
            kind: Some(kind),
            name,
            ts,
            data: value.into(),
            payload_failed: false,
        });
    }
    // A payload of another shape is kept as it came, if possible. One that holds something
    // meaningless (half a surrogate pair, a number beyond all floats, unreasonably deep nesting) is
    // no payload.
    Some(Event {
        kind: None,
        name,
        ts,
        data: payload::plain(&data)?.to_string().into(),
        payload_failed: kind.is_some(),
    })
}

/// Stores a value; `None` if one is there already.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}
