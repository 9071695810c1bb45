//! One direction of a link: a queue of chunks with delivery times.

use std::collections::VecDeque;
use std::task::Waker;

use bytes::Bytes;
use wstape_tape::{End, Micros};

use super::budget::Budget;
use super::conditions::Conditions;
use super::pieces::Pieces;

/// The most bytes between a client's writes and the engine's reads: a socket buffer's worth.
pub const FROM_CLIENT_CAPACITY_BYTES: usize = 64 * 1024;

/// The most bytes that may wait for a client that is held, slow or not reading. Beyond it the
/// connection is reset, so that no client can make the engine grow.
pub const TO_CLIENT_CAPACITY_BYTES: usize = 64 * 1024 * 1024;

/// What a link of limited bandwidth delivers at a time, unless the tape says otherwise: an Ethernet
/// segment's worth. A long message comes bit by bit, not all at once at the end.
pub(super) const SEGMENT_BYTES: u32 = 1_460;

/// The most chunks that may wait for a client, however short: each takes up memory.
pub const MAX_TO_CLIENT_CHUNKS: usize = 1 << 19;

/// The most writes of a client that may wait for the engine, however short. The client's buffer
/// holds fewer whole frames, the shortest being six bytes.
pub const MAX_FROM_CLIENT_CHUNKS: usize = 16_384;

/// What a chunk takes besides its bytes: its place in the queue, which may be half empty, and the
/// overhead of its allocations.
const CHUNK_BYTES: usize = 128;

/// The number of places that an empty queue retains.
const MAX_IDLE_CHUNKS: usize = 1_024;

/// One direction of a link. It never reads a clock: every call is told the time.
#[derive(Debug)]
pub(super) struct Lane {
    queue: VecDeque<Chunk>,
    /// Bytes in `queue`.
    queued: usize,
    capacity: usize,
    max_chunks: usize,
    /// Counts this lane's memory together with that of other lanes.
    budget: Budget,
    /// The bytes that are counted there for this lane.
    counted: usize,
    conditions: Conditions,
    /// When the bandwidth is free for the next chunk.
    free_at: Micros,
    /// When the last chunk pushed is fully delivered: nothing overtakes it.
    last_due: Micros,
    /// When the end of the stream is due, once the sender is done.
    fin: Option<Micros>,
    /// Whether the sender has reset the stream.
    reset: bool,
    /// Whether the receiver is gone: what is pushed is then lost.
    closed: bool,
    /// What had arrived when the hold began; it can still be read.
    arrived: Arrived,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

/// What a receiver already has when its lane is held.
#[derive(Debug, Clone, Copy, Default)]
struct Arrived {
    bytes: usize,
    /// Whether the end of the stream has arrived too.
    end: bool,
}

/// Bytes, and when they are delivered.
#[derive(Debug)]
struct Chunk {
    bytes: Bytes,
    /// When the first of them can be read. Zero means at once, which spares a look at the clock.
    due: Micros,
    /// How the chunk is cut; most are not.
    cut: Option<Box<Cut>>,
}

/// How a chunk is delivered in slices.
#[derive(Debug, Clone, Copy)]
struct Cut {
    pieces: Pieces,
    /// How many bytes are gone once the present slice is.
    end: u64,
    /// When its first byte enters the wire.
    start: Micros,
    rate: Option<u64>,
    delay: Micros,
    /// No slice is due before this.
    floor: Micros,
    /// The number of bytes already taken.
    taken: u64,
}

impl Cut {
    /// How much of `left` bytes the present slice still has: less than a whole slice if a small
    /// read took part of it.
    fn rest_of_slice(&self, left: usize) -> usize {
        let rest = usize::try_from(self.end - self.taken).unwrap_or(usize::MAX);
        rest.min(left)
    }

    /// Takes this many more bytes of the present slice.
    fn take(&mut self, len: usize) {
        self.taken += len as u64;
        if self.taken >= self.end {
            self.end = self.taken + self.pieces.length_at(self.taken) as u64;
        }
    }

    /// When the slice that ends `more` bytes from here is due.
    fn due(&self, more: usize) -> Micros {
        let sent = self.taken + more as u64;
        let done = self.start.0.saturating_add(wire_time(sent, self.rate));
        self.floor.max(Micros(done.saturating_add(self.delay.0)))
    }
}

/// What the receiver finds at the head of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    /// Bytes to read now.
    Bytes,
    /// Nothing before this time.
    Later(Micros),
    /// Nothing until something is pushed or changed.
    Nothing,
    /// The stream's end.
    Fin,
    /// The stream was reset.
    Reset,
}

/// Microseconds that `bytes` occupy a wire of `rate` bytes per second, rounded up.
fn wire_time(bytes: u64, rate: Option<u64>) -> u64 {
    let Some(rate) = rate else { return 0 };
    let us = (u128::from(bytes) * 1_000_000).div_ceil(u128::from(rate.max(1)));
    u64::try_from(us).unwrap_or(u64::MAX)
}

impl Lane {
    /// A lane that takes `capacity` bytes in at most `max_chunks` pieces, counted in `budget`.
    pub(super) fn new(capacity: usize, max_chunks: usize, budget: Budget) -> Self {
        Self {
            queue: VecDeque::new(),
            queued: 0,
            capacity,
            max_chunks,
            budget,
            counted: 0,
            conditions: Conditions::default(),
            free_at: Micros::ZERO,
            last_due: Micros::ZERO,
            fin: None,
            reset: false,
            closed: false,
            arrived: Arrived::default(),
            reader: None,
            writer: None,
        }
    }

    /// The number of bytes that can still be pushed.
    pub(super) fn room(&self) -> usize {
        if self.queue.len() >= self.max_chunks {
            return 0;
        }
        let full = match self.conditions.room {
            Some(room) if self.conditions.held => self.capacity.min(room as usize),
            _ => self.capacity,
        };
        full.saturating_sub(self.queued)
    }

    /// Roughly the memory that it takes, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.queued + self.queue.len() * CHUNK_BYTES
    }

    /// Whether all lanes counted with it take more than they may.
    pub(super) fn over_budget(&self) -> bool {
        self.budget.spent()
    }

    /// Updates what is counted for this lane.
    fn settle(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > MAX_IDLE_CHUNKS {
            self.queue = VecDeque::new();
        }
        let weight = self.weight();
        self.budget.settle(self.counted, weight);
        self.counted = weight;
    }

    /// Whether bytes pushed in one piece are read like bytes pushed in several.
    pub(super) fn joins(&self) -> bool {
        self.conditions.clean() && self.conditions.damages.is_empty()
    }

    pub(super) fn held(&self) -> bool {
        self.conditions.held
    }

    /// The number of bytes that wait for the receiver.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued
    }

    /// The number of bytes that a hold keeps from the receiver; `None` without a hold.
    pub(super) fn held_bytes(&self) -> Option<usize> {
        let held = self.queued.saturating_sub(self.arrived.bytes);
        self.conditions.held.then_some(held)
    }

    /// Whether the sender may no longer push: it ended the stream itself.
    pub(super) fn ended(&self) -> bool {
        self.fin.is_some() || self.reset
    }

    /// How the sender has ended the stream, if it has.
    pub(super) fn how_ended(&self) -> Option<End> {
        if self.reset {
            Some(End::Reset)
        } else {
            self.fin.map(|_| End::Fin)
        }
    }

    /// Whether the sender has reset the stream.
    pub(super) fn was_reset(&self) -> bool {
        self.reset
    }

    pub(super) fn closed(&self) -> bool {
        self.closed
    }

    /// Queues `bytes`, pushed at `now`. Bytes after an end, or to a receiver that is gone, are
    /// lost, as on a real socket.
    pub(super) fn push(&mut self, now: impl FnOnce() -> Micros, bytes: Bytes) {
        if self.ended() || self.closed || bytes.is_empty() {
            return;
        }
        let bytes = self.conditions.damage(bytes);
        self.queued += bytes.len();
        if self.conditions.clean() {
            // After an earlier chunk that is due later, it is read right after that one.
            self.queue.push_back(Chunk {
                bytes,
                due: Micros::ZERO,
                cut: None,
            });
            self.settle();
            return;
        }
        let start = now().max(self.free_at);
        let len = bytes.len() as u64;
        let rate = self.conditions.rate;
        self.free_at = Micros(start.0.saturating_add(wire_time(len, rate)));
        let delay = self.conditions.draw_delay();
        let whole = Micros(self.free_at.0.saturating_add(delay.0)).max(self.last_due);
        let segment = rate.map(|_| SEGMENT_BYTES);
        let segment = segment.filter(|segment| len > u64::from(*segment));
        let varied = self.conditions.pieces();
        let pieces = varied.or(segment.map(Pieces::even));
        let cut = pieces.map(|pieces| Cut {
            pieces,
            end: pieces.length_at(0) as u64,
            start,
            rate,
            delay,
            floor: self.last_due,
            taken: 0,
        });
        let due = cut.map_or(whole, |cut| cut.due(cut.rest_of_slice(bytes.len())));
        self.last_due = whole;
        self.queue.push_back(Chunk {
            bytes,
            due,
            cut: cut.map(Box::new),
        });
        self.settle();
    }

    /// Ends the stream for the sender: the end queues after the bytes in flight.
    pub(super) fn finish(&mut self, now: impl FnOnce() -> Micros) {
        if self.ended() {
            return;
        }
        let due = if self.conditions.clean() {
            self.last_due
        } else {
            let start = now().max(self.free_at);
            let delay = self.conditions.draw_delay();
            self.last_due.max(Micros(start.0.saturating_add(delay.0)))
        };
        self.fin = Some(due);
    }

    /// Resets the stream for the sender: what is due can still be read, what is in flight or held
    /// is gone.
    pub(super) fn reset(&mut self, now: Micros) {
        if self.reset {
            return;
        }
        self.reset = true;
        self.fin = None;
        self.queued = if self.conditions.held {
            self.arrived.bytes
        } else {
            self.due_bytes(now)
        };
        let mut left = self.queued;
        self.queue.retain_mut(|chunk| {
            let kept = left.min(chunk.bytes.len());
            chunk.bytes.truncate(kept);
            left -= kept;
            kept > 0
        });
        self.settle();
    }

    /// The number of bytes that can be read at `now`, held or not.
    fn due_bytes(&self, now: Micros) -> usize {
        let mut sum = 0;
        for chunk in &self.queue {
            let due = chunk.due_bytes(now);
            sum += due;
            if due < chunk.bytes.len() {
                break;
            }
        }
        sum
    }

    /// Closes the lane for the receiver, which is gone: the queue is emptied and stays empty.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.queue = VecDeque::new();
        self.queued = 0;
        self.settle();
    }

    /// Changes the conditions. Bytes in flight keep the times that they were pushed with, unless a
    /// hold stops them. What has arrived when a hold begins can still be read.
    pub(super) fn change(&mut self, now: impl FnOnce() -> Micros, conditions: Conditions) {
        if conditions.held && !self.conditions.held {
            let now = now();
            let end = self.reset || self.fin.is_some_and(|due| due <= now);
            self.arrived = Arrived {
                bytes: self.due_bytes(now),
                end,
            };
        }
        self.conditions.change(conditions);
    }

    /// Resets the stream for the sender at once: nothing in flight gets through, and no hold delays
    /// it.
    pub(super) fn reset_now(&mut self) {
        self.conditions.held = false;
        self.queue = VecDeque::new();
        self.queued = 0;
        self.reset = true;
        self.fin = None;
        self.settle();
    }

    /// Ends every delay and hold: what is in flight is due now.
    pub(super) fn hurry(&mut self) {
        self.conditions = Conditions::default();
        for chunk in &mut self.queue {
            chunk.due = Micros::ZERO;
            chunk.cut = None;
        }
        self.last_due = Micros::ZERO;
        self.free_at = Micros::ZERO;
        if self.fin.is_some() {
            self.fin = Some(Micros::ZERO);
        }
    }

    /// What the receiver finds at `now`.
    pub(super) fn front(&self, now: impl FnOnce() -> Micros) -> Front {
        if self.conditions.held {
            return match self.arrived {
                Arrived { bytes: 1.., .. } => Front::Bytes,
                Arrived { end: true, .. } if self.reset => Front::Reset,
                Arrived { end: true, .. } if self.queue.is_empty() => Front::Fin,
                _ => Front::Nothing,
            };
        }
        let (due, ready) = match (self.queue.front(), self.fin) {
            (Some(chunk), _) => (chunk.due, Front::Bytes),
            (None, _) if self.reset => return Front::Reset,
            (None, Some(due)) => (due, Front::Fin),
            (None, None) => return Front::Nothing,
        };
        if due == Micros::ZERO || due <= now() {
            ready
        } else {
            Front::Later(due)
        }
    }

    /// Takes what one read returns, at most `max` bytes of one chunk. The caller has seen
    /// [`Front::Bytes`]; `None` if there is nothing.
    pub(super) fn take(&mut self, max: usize) -> Option<Piece> {
        let most = if self.conditions.held {
            self.arrived.bytes.min(max)
        } else {
            max
        };
        let chunk = self.queue.front_mut()?;
        let left = chunk.bytes.len();
        let slice = chunk.cut.as_ref().map(|cut| cut.rest_of_slice(left));
        let len = most.min(slice.unwrap_or(left));
        let bytes = chunk.bytes.split_to(len);
        if let Some(cut) = &mut chunk.cut {
            cut.take(len);
            chunk.due = cut.due(cut.rest_of_slice(chunk.bytes.len()));
        }
        if chunk.bytes.is_empty() {
            self.queue.pop_front();
        }
        self.queued -= len;
        self.arrived.bytes = self.arrived.bytes.saturating_sub(len);
        let alone = slice.is_some();
        self.settle();
        Some(Piece { bytes, alone })
    }

    /// Copies what one read returns into `buf`; returns its length. Uncut chunks fill the buffer
    /// together.
    pub(super) fn copy_into(
        &mut self,
        now: impl Fn() -> Micros,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> usize {
        let before = buf.filled().len();
        while buf.remaining() > 0 && self.front(&now) == Front::Bytes {
            let cut = self.queue.front().is_some_and(|chunk| chunk.cut.is_some());
            let first = buf.filled().len() == before;
            if cut && !first {
                break;
            }
            let Some(piece) = self.take(buf.remaining()) else {
                break;
            };
            buf.put_slice(&piece.bytes);
            if piece.alone {
                break;
            }
        }
        buf.filled().len() - before
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.budget.settle(self.counted, 0);
    }
}

/// What one read takes off a lane.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    /// Whether it is a slice, which must not be joined with what follows.
    pub(super) alone: bool,
}

impl Chunk {
    /// How many of its bytes are due at `now`.
    fn due_bytes(&self, now: Micros) -> usize {
        if self.due > now {
            return 0;
        }
        let Some(cut) = &self.cut else {
            return self.bytes.len();
        };
        let mut len = cut.rest_of_slice(self.bytes.len());
        while len < self.bytes.len() {
            let length = cut.pieces.length_at(cut.taken + len as u64);
            let next = (len + length).min(self.bytes.len());
            if cut.due(next) > now {
                break;
            }
            len = next;
        }
        len
    }
}
