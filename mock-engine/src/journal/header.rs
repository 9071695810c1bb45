//! The first line of a journal.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The version of the journal's format.
pub const JOURNAL_VERSION: u32 = 1;

/// The first line of a journal: the version of its format, and which engine it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JournalHeader {
    /// The format's version, [`JOURNAL_VERSION`].
    pub journal: u32,
    /// The program that wrote it, and its version.
    pub by: String,
    /// The engine's name, for a tape of several engines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Where clients connect to.
    #[serde(default)]
    pub url: String,
    /// The wall time at which the engine came up, from which `waited_ms` counts.
    pub up: DateTime<Utc>,
}

impl JournalHeader {
    pub(crate) fn new(engine: Option<String>, url: String, up: DateTime<Utc>) -> Self {
        Self {
            journal: JOURNAL_VERSION,
            by: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            engine,
            url,
            up,
        }
    }
}
