//! What a command prints.

use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, Write as _};

/// Standard output took no more, though somebody may still read it.
#[derive(Debug)]
pub(super) struct Unsaid(io::Error);

impl Display for Unsaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "standard output: {}", self.0)
    }
}

impl Error for Unsaid {}

impl From<Unsaid> for String {
    fn from(unsaid: Unsaid) -> Self {
        unsaid.to_string()
    }
}

/// Writes to standard output. The reader may have gone, as `head` does: the status still says how
/// the run ended.
///
/// # Errors
/// [`Unsaid`], as where a disk is full.
pub(super) fn say(text: &str) -> Result<(), Unsaid> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Unsaid(error)),
        _ => Ok(()),
    }
}

/// So many of something: `1 scenario`, `2 scenarios`.
pub(super) fn counted<N: Copy + Display + From<u8> + PartialEq>(
    n: N,
    one: &str,
    many: &str,
) -> String {
    format!("{n} {}", if n == N::from(1) { one } else { many })
}
