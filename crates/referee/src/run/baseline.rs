//! What the client is like when all is well.

use crate::facts::Alike;

/// What the client is like when all is well.
#[derive(Debug, Clone, Default)]
pub(super) struct Baseline {
    /// Proportional memory in bytes; 0 where the system does not tell.
    pub(super) memory_bytes: u64,
    /// Connections that it has open at one time.
    pub(super) together: usize,
    /// When two of its subscriptions are the same.
    pub(super) alike: Alike,
}
