//! Why another tool's file gives no tape.

use std::io;

/// Why another tool's file gives no tape, in one sentence that opens with the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file can't be opened or read.
    #[error("{0}: cannot read it: {1}")]
    Read(String, #[source] io::Error),
    /// The file is not what it was said to be, or something in it is out of the format's bounds.
    #[error("{name}{place}: {message}")]
    Flaw {
        /// The file.
        name: String,
        /// Where in it, such as `:3` or `: log.entries[2]`; empty for the whole file.
        place: String,
        /// What was expected, what was found, what to do.
        message: String,
    },
    /// The file holds no WebSocket connection, or not the one that was asked for.
    #[error("{name}: {message}")]
    Nothing {
        /// The file.
        name: String,
        /// What was expected, what was found, what to do.
        message: String,
    },
}

/// Most characters of a file's own text that an error quotes.
const QUOTED_CHARS: usize = 40;

/// A file's own text as an error quotes it: short, in quotes, and without what a terminal would
/// obey.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS) {
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
        None => format!("{text:?}"),
    }
}
