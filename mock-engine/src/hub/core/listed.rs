//! What the core reports of its connections.

use crate::ids::ConnId;

/// A live connection, as reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) conn: ConnId,
    pub(crate) phase: &'static str,
    /// The path and query that its client last asked for, secrets and all.
    pub(crate) target: Option<String>,
    /// The number of bytes that wait for its client.
    pub(crate) waiting_bytes: usize,
    /// Whether a partition holds it.
    pub(crate) held: bool,
}

/// An engine's counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) accepted: u64,
    pub(crate) upgraded: u64,
    /// Upgraded and not over.
    pub(crate) open: u64,
    /// The messages that clients have sent, control frames left out.
    pub(crate) messages: u64,
    /// The requests that wait for a condition.
    pub(crate) waiting: usize,
}
