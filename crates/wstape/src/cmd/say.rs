//! What a command prints.

use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, Write as _};

/// Standard output can't be written, for another reason than that its reader has gone.
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

/// Writes to standard output. It is no error if the reader has gone, as `head` does: the status
/// still says how the run ended.
///
/// # Errors
/// [`Unsaid`], for example if a disk is full.
pub(super) fn say(text: &str) -> Result<(), Unsaid> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Unsaid(error)),
        _ => Ok(()),
    }
}

/// Returns a count in words: `1 scenario`, `2 scenarios`.
pub(super) fn counted<N: Copy + Display + From<u8> + PartialEq>(
    n: N,
    one: &str,
    many: &str,
) -> String {
    format!("{n} {}", if n == N::from(1) { one } else { many })
}
