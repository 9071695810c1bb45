//! What steps send may have to wait for a place between a real engine's frames.

use std::collections::VecDeque;

use super::outbox::Outgoing;
use crate::frame;

/// Most bytes that wait on one connection.
const MAX_WAITING_BYTES: usize = 1 << 20;

/// The bit of a frame's first byte that says it ends its message.
const FIN: u8 = 0x80;

/// Where a real engine's stream is: what steps send waits for its place in it.
///
/// Nothing comes into a frame, and no message into another one that comes in fragments: only control
/// frames may (RFC 6455, section 5.4).
#[derive(Debug, Default)]
pub(super) struct Between {
    /// In a frame that comes in parts.
    mid_frame: bool,
    /// In a message that comes in fragments.
    mid_message: bool,
    waiting: VecDeque<Outgoing>,
    waiting_bytes: usize,
}

impl Between {
    /// A part of the engine's next frame passes: the `last`, as a whole frame is, or one that others
    /// follow.
    pub(super) fn part(&mut self, bytes: &[u8], last: bool) {
        if let (false, Some(&first)) = (self.mid_frame, bytes.first())
            && matches!(
                first & 0x0f,
                frame::TEXT | frame::BINARY | frame::CONTINUATION
            )
        {
            self.mid_message = first & FIN == 0;
        }
        self.mid_frame = !last;
    }

    /// Whether this can't be sent here.
    pub(super) fn keeps_back(&self, outgoing: &Outgoing) -> bool {
        self.mid_frame || (self.mid_message && outgoing.message().is_some())
    }

    /// Whether this can wait for its place: only what is whole and legal does, and not without end.
    pub(super) fn has_room(&self, outgoing: &Outgoing) -> bool {
        outgoing.is_legal() && self.waiting_bytes + outgoing.len() <= MAX_WAITING_BYTES
    }

    /// Has it wait.
    pub(super) fn wait(&mut self, outgoing: Outgoing) {
        self.waiting_bytes += outgoing.len();
        self.waiting.push_back(outgoing);
    }

    /// The next that waits, if this is its place.
    pub(super) fn next(&mut self) -> Option<Outgoing> {
        if self.keeps_back(self.waiting.front()?) {
            return None;
        }
        self.take()
    }

    /// The next that waits, wherever this is.
    pub(super) fn take(&mut self) -> Option<Outgoing> {
        let outgoing = self.waiting.pop_front()?;
        self.waiting_bytes -= outgoing.len();
        Some(outgoing)
    }
}
