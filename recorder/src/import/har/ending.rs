//! How an archive records the end of a connection.

use serde_json::value::RawValue;

use super::members::{members, scalar, whole};
use super::place::Place;
use crate::error::import::ImportError;
use crate::import::wall::{Wall, span_of_ms};

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
    let Some([code, reason, timestamp]) = members(text, ["code", "reason", "timestamp"]) else {
        let message = "expected {\"code\", \"reason\", \"timestamp\"} or \"aborted\"";
        return Err(place.flaw(PART, message));
    };
    let no_code = || place.other(&format!("{PART}.code"), "a number up to 65535", code);
    let code = code.map(|code| whole(code).ok_or_else(no_code));
    let reason = place.text(&format!("{PART}.reason"), reason)?;
    // HTTP Toolkit counts this time from the start of its process (`wsClosedTimestamp` is a
    // performance time), and nothing in the archive relates that to a date. The end then follows
    // from how long the connection took.
    let at = match timestamp.map(|text| scalar(text).unwrap_or_else(|| text.get().to_owned())) {
        None => None,
        Some(text) if span_of_ms(&text).is_some() => Wall::from_epoch(&text),
        Some(text) => return Err(place.no_epoch(&format!("{PART}.timestamp"), &text)),
    };
    Ok(Ending::Closed {
        at,
        code: code.transpose()?,
        reason: reason.unwrap_or_default(),
    })
}
