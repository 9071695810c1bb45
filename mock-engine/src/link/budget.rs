//! The memory for bytes that wait for an engine's clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most memory for what waits for all clients together. Beyond it a client that is more than a
/// megabyte behind is reset when more is sent to it; one that keeps reading is not.
pub const MAX_TO_CLIENTS_BYTES: usize = 1 << 30;

/// Counts the memory of the links that share it. Clones share one count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budget(Arc<AtomicUsize>);

impl Budget {
    /// Notes that a link that took `before` bytes now takes `now`.
    pub(super) fn settle(&self, before: usize, now: usize) {
        if now > before {
            self.0.fetch_add(now - before, Ordering::Relaxed);
        } else if before > now {
            self.0.fetch_sub(before - now, Ordering::Relaxed);
        }
    }

    /// Whether the budget is used up.
    pub(super) fn spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MAX_TO_CLIENTS_BYTES
    }
}
