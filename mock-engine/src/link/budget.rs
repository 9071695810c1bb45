//! What waits for all clients of an engine together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most memory that what waits for all clients together may take. Beyond it a client that is
/// more than a megabyte behind is reset when more is sent to it; one that reads is not.
pub const MAX_TO_CLIENTS_BYTES: usize = 1 << 30;

/// Counts the memory of the links that share it. A clone counts in the same place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budget(Arc<AtomicUsize>);

impl Budget {
    /// A link takes `now` bytes that took `before`.
    pub(super) fn settle(&self, before: usize, now: usize) {
        if now > before {
            self.0.fetch_add(now - before, Ordering::Relaxed);
        } else if before > now {
            self.0.fetch_sub(before - now, Ordering::Relaxed);
        }
    }

    /// Whether all that may be taken is.
    pub(super) fn spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MAX_TO_CLIENTS_BYTES
    }
}
