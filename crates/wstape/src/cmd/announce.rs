//! The line that says where to connect to.

use std::io::{self, Write as _};

/// The line that says where to connect to could not be written: no room, or nobody reads it.
#[derive(Debug, thiserror::Error)]
#[error("standard output, where the address to connect to is printed: {0}")]
pub(crate) struct Unannounced(#[from] io::Error);

/// Says where to connect to: without that nobody could.
pub(crate) fn announce(text: &str) -> Result<(), Unannounced> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
