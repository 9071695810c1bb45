//! From a message to an event.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `decoder` | a decoder that keeps storage from message to message |
//! | `clean` | a fast reader for nearly all messages |
//! | `spares` | storage to read payloads into |
//! | `general` | any message: what a message means is defined here alone |
//! | `decoded` | what a message decodes to, or why it is not an event |

#[cfg(test)]
mod agreement;
mod clean;
mod decoded;
mod decoder;
mod general;
mod spares;

use chrono::{DateTime, Utc};

pub use decoded::{Decoded, Undecodable};
pub(crate) use decoder::Decoder;

/// Decodes the text of one message. `now` is the event's time if the message gives none.
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
/// [`Undecodable`] if the message is not one JSON object with a string `event`. A payload of the
/// wrong shape is no error: it makes the event
/// [`EngineEvent::Unknown`](crate::EngineEvent::Unknown).
pub fn decode(message: &str, now: DateTime<Utc>) -> Result<Decoded, Undecodable> {
    Decoder::default().decode(message, now)
}

/// Decodes a binary message as text.
///
/// # Errors
/// [`Undecodable`] as for [`decode`], and if the message is not UTF-8.
pub fn decode_binary(message: &[u8], now: DateTime<Utc>) -> Result<Decoded, Undecodable> {
    Decoder::default().decode_binary(message, now)
}
