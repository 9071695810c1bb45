//! `path`: the connections that asked for a path.

use crate::error::Flaw;
use crate::json::Field;

/// Whether a step's `path` matches this path of a request. Neither has a query; a final `*` matches
/// any rest.
///
/// ```
/// use wstape_tape::path_matches;
/// assert!(path_matches("/ws/*", "/ws/btcusdt@trade"));
/// assert!(!path_matches("/ws", "/ws/btcusdt@trade"));
/// ```
#[must_use]
pub fn path_matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => pattern == path,
    }
}

/// Reads `path`.
pub(super) fn read_path(field: &Field<'_>) -> Result<String, Flaw> {
    let path = field.owned_string()?;
    let start = path.strip_suffix('*').unwrap_or(&path);
    let illegal = |c: char| matches!(c, '?' | '#' | ' ' | '*') || c.is_control();
    if !path.starts_with('/') || start.contains(illegal) {
        return Err(field.wrong(
            "a path that starts with \"/\", without a query or spaces; only its end may be \"*\"",
        ));
    }
    Ok(path)
}
