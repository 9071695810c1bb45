//! What a message decodes to, or why it is not an event.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::event::EngineEvent;

/// A message that is an event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Decoded {
    /// The event.
    pub event: EngineEvent,
    /// When it happened, by the engine's clock; the `now` that was given if the message doesn't
    /// say.
    pub ts: DateTime<Utc>,
    /// Whether the event is of a known kind but its payload is not a reading of that kind; `event`
    /// is then [`EngineEvent::Unknown`].
    pub payload_failed: bool,
}

/// Why a message is not an event. The message itself is never part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Undecodable {
    /// A binary message that is not UTF-8.
    #[error("the message is not UTF-8")]
    NotUtf8,
    /// Not JSON, or more than one JSON value.
    #[error("the message is not one well-formed JSON value")]
    Malformed,
    /// JSON, but not an object with a string `event`, or one that says `event`, `ts` or `data`
    /// twice.
    #[error("the message is not an object that names its event once, as a string")]
    NotAnEvent,
    /// The payload is nested deeper than 127 levels, or holds a number or string that has no
    /// meaning.
    #[error("the payload is nested too deeply or holds a number or string out of range")]
    Payload,
}
