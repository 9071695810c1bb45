//! Finds places between a real engine's frames for what steps send.

use std::collections::VecDeque;

use super::outbox::Outgoing;
use crate::frame;

/// The most bytes that wait on one connection.
const MAX_WAITING_BYTES: usize = 1 << 20;

/// The bit of a frame's first byte that says it ends its message.
const FIN: u8 = 0x80;

/// How far a real engine's stream is into its frames, and what waits for a place between them.
///
/// Nothing can be sent inside a frame, and no message inside another one that comes in fragments:
/// only control frames may be (RFC 6455, section 5.4).
#[derive(Debug, Default)]
pub(super) struct Between {
    /// Whether the stream is in a frame that comes in parts.
    mid_frame: bool,
    /// Whether it is in a message that comes in fragments.
    mid_message: bool,
    waiting: VecDeque<Outgoing>,
    waiting_bytes: usize,
}

impl Between {
    /// Notes a part of the engine's next frame, as it passes. A whole frame is its own `last` part.
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

    /// Whether this can't be sent at this place.
    pub(super) fn keeps_back(&self, outgoing: &Outgoing) -> bool {
        self.mid_frame || (self.mid_message && outgoing.message().is_some())
    }

    /// Whether this may wait for its place: it must be whole and legal, and there must be room.
    pub(super) fn has_room(&self, outgoing: &Outgoing) -> bool {
        outgoing.is_legal() && self.waiting_bytes + outgoing.len() <= MAX_WAITING_BYTES
    }

    /// Makes it wait.
    pub(super) fn wait(&mut self, outgoing: Outgoing) {
        self.waiting_bytes += outgoing.len();
        self.waiting.push_back(outgoing);
    }

    /// Takes the next that waits, if this is its place.
    pub(super) fn next(&mut self) -> Option<Outgoing> {
        if self.keeps_back(self.waiting.front()?) {
            return None;
        }
        self.take()
    }

    /// Takes the next that waits, wherever the stream is.
    pub(super) fn take(&mut self) -> Option<Outgoing> {
        let outgoing = self.waiting.pop_front()?;
        self.waiting_bytes -= outgoing.len();
        Some(outgoing)
    }
}
