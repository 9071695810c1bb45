//! An error that nobody caught, as it is reported.

use serde::{Deserialize, Serialize};

/// The longest line of an error that is reported, in characters.
const MAX_LINE_CHARS: usize = 160;

/// Which runtime printed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Language {
    /// Python's own words.
    Python,
    /// Node's.
    Node,
    /// A panic.
    Rust,
    /// A panic, or a fatal error of the runtime.
    Go,
    /// The Java virtual machine's words on a thread.
    Java,
    /// Ruby's own words.
    Ruby,
    /// The last line of a Perl that died.
    Perl,
}

/// An error that nobody caught.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Uncaught {
    /// Which runtime printed it.
    pub language: Language,
    /// The first line, which says where it came from.
    pub first: String,
    /// The error's own line; empty where the first one is.
    pub last: String,
    /// Whether the process ended with it.
    pub ended: bool,
}

impl Uncaught {
    pub(super) fn new(language: Language, first: &str, last: &str) -> Self {
        Self {
            language,
            first: told(first),
            last: told(last),
            ended: false,
        }
    }

    pub(super) fn ending(mut self) -> Self {
        self.ended = true;
        self
    }
}

impl std::fmt::Display for Uncaught {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.first)?;
        if self.last.is_empty() {
            return Ok(());
        }
        let colon = if self.first.ends_with(':') { "" } else { ":" };
        write!(f, "{colon} {}", self.last)
    }
}

pub(super) fn told(line: &str) -> String {
    line.trim().chars().take(MAX_LINE_CHARS).collect()
}
