//! What a command prints.

use std::fmt::Display;
use std::io::{self, Write as _};

/// Writes to standard output. The reader may have gone, as `head` does: the status still says how
/// the run ended.
pub(super) fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// So many of something: `1 scenario`, `2 scenarios`.
pub(super) fn counted<N: Copy + Display + From<u8> + PartialEq>(
    n: N,
    one: &str,
    many: &str,
) -> String {
    format!("{n} {}", if n == N::from(1) { one } else { many })
}
