//! What a command prints.

use std::io::{self, Write as _};

/// Writes to standard output. The reader may have gone, as `head` does: the status still says how
/// the run ended.
pub(super) fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
