//! Keeps messages, within a bound, while an answer or a scene still needs them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::speech::Said;

/// The most bytes, over all connections, of messages kept for answers still to come and of messages
/// that are to be sent late.
pub const MAX_WAITING_BYTES: usize = 64 << 20;

/// What a waiting item costs besides its bytes.
const ITEM_BYTES: usize = 256;

/// Counts the bytes that wait. Clones share one count.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<AtomicUsize>);

/// A share of the bytes that may wait; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Ticket {
    bytes: usize,
    waiting: Waiting,
}

/// What set something off, kept for later.
#[derive(Debug)]
pub(crate) struct Kept {
    said: Arc<Said>,
    _ticket: Ticket,
}

impl Waiting {
    /// A share for this many bytes; `None` if there is no room left.
    pub(super) fn ticket(&self, bytes: usize) -> Option<Ticket> {
        let bytes = bytes.saturating_add(ITEM_BYTES);
        let add = |now: usize| {
            let sum = now.checked_add(bytes)?;
            (sum <= MAX_WAITING_BYTES).then_some(sum)
        };
        // Relaxed is enough: all of this happens under one lock, which orders memory.
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .ok()?;
        Some(Ticket {
            bytes,
            waiting: self.clone(),
        })
    }

    /// Keeps what set something off; `None` if there is no room left.
    pub(super) fn keep(&self, said: Arc<Said>) -> Option<Arc<Kept>> {
        let ticket = self.ticket(said.message.len())?;
        Some(Arc::new(Kept {
            said,
            _ticket: ticket,
        }))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.waiting.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Kept {
    /// What set it off.
    pub(crate) fn said(&self) -> &Arc<Said> {
        &self.said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_bytes_wait_and_what_is_over_makes_room() {
        let waiting = Waiting::default();
        let half = MAX_WAITING_BYTES / 2 - ITEM_BYTES;
        let first = waiting.ticket(half).unwrap();
        let _second = waiting.ticket(half).unwrap();
        assert!(waiting.ticket(0).is_none());
        drop(first);
        assert!(waiting.ticket(0).is_some());
        assert!(waiting.ticket(usize::MAX).is_none());
    }
}
