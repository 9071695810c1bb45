//! How an archive has the end of a connection.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::place::Place;
use crate::error::import::ImportError;
use crate::import::wall::{Wall, span_of_ms};

/// `_webSocketClose`, where it is no word.
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
    /// It is known that it did, and no more.
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
    // HTTP Toolkit counts it from its process's start (`wsClosedTimestamp` is a performance time),
    // which nothing in the archive ties to a date: the connection's own length tells the end then.
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
