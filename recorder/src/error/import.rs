//! Errors of importing another tool's file.

use std::io;

/// Why another tool's file gives no tape, in one sentence that starts with the file's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file can't be opened or read.
    #[error("{0}: cannot read it: {1}")]
    Read(String, #[source] io::Error),
    /// The file is not what it was said to be, or something in it exceeds the format's bounds.
    #[error("{name}{place}: {message}")]
    Flaw {
        /// The file's name.
        name: String,
        /// Where in the file, such as `:3` or `: log.entries[2]`; empty for the whole file.
        place: String,
        /// What was expected, what was found, and what to do.
        message: String,
    },
    /// The file holds no WebSocket connection, or not the one that was asked for.
    #[error("{name}: {message}")]
    Nothing {
        /// The file's name.
        name: String,
        /// What was expected, what was found, and what to do.
        message: String,
    },
}

/// The maximum number of characters of a file's own text that an error quotes.
const QUOTED_CHARS: usize = 40;

/// Quotes a file's own text for an error message: shortened, and with control characters escaped so
/// that a terminal does not act on them.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS) {
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
        None => format!("{text:?}"),
    }
}
