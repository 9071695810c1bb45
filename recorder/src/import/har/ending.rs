//! How an archive records the end of a connection.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::place::Place;
use crate::error::import::ImportError;
use crate::import::wall::{Wall, span_of_ms};

/// The value of `_webSocketClose`, unless that is the word `aborted`.
#[derive(Deserialize)]
struct CloseEvent<'a> {
    code: Option<u16>,
    reason: Option<String>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
}

/// How a connection ended.
pub(super) enum Ending {
    /// The transport broke.
    Aborted,
    /// The connection ended; how is not recorded.
    Gone,
    Closed {
        at: Option<Wall>,
        code: Option<u16>,
        reason: String,
    },
}

/// Reads `_webSocketClose`.
pub(super) fn ending(place: &Place, text: &RawValue) -> Result<Ending, ImportError> {
    const PART: &str = "._webSocketClose";
    if text.get() == "\"aborted\"" {
        return Ok(Ending::Aborted);
    }
    let event: CloseEvent<'_> = serde_json::from_str(text.get()).map_err(|_| {
        let message = "expected {\"code\", \"reason\", \"timestamp\"} or \"aborted\"";
        place.flaw(PART, message)
    })?;
    // HTTP Toolkit counts this time from the start of its process (`wsClosedTimestamp` is a
    // performance time), and nothing in the archive relates that to a date. The end then follows
    // from how long the connection took.
    let at = match event.timestamp.map(RawValue::get) {
        None => None,
        Some(text) if span_of_ms(text).is_some() => Wall::from_epoch(text),
        Some(text) => return Err(place.no_epoch(&format!("{PART}.timestamp"), text)),
    };
    Ok(Ending::Closed {
        at,
        code: event.code,
        reason: event.reason.unwrap_or_default(),
    })
}
