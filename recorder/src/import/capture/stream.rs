//! Puts the segments of one direction of a TCP connection in order.
//!
//! Like a receiver, this passes a byte on only once all earlier ones have come; later bytes are
//! held until the hole is filled by a retransmission. If the receiver has acknowledged the missing
//! bytes, they did arrive, and only the capture lacks them. Because a capture may hold packets in a
//! different order than they were sent, such a hole is given up only after further packets have
//! come.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::import::wall::Wall;

/// How many bytes of one direction may wait for earlier ones. Beyond that the hole is given up: by
/// default, no receiver's window is larger.
pub(super) const MAX_HELD_BYTES: usize = 8 << 20;

/// What a waiting segment counts besides its bytes, so that many short ones are bounded too.
const SEGMENT_BYTES: usize = 128;

/// How many packets of a connection to wait for an acknowledged hole to be filled, as a capture may
/// hold packets in a different order.
const MAX_REORDERED: u64 = 32;

/// How long to wait for an acknowledged hole to be filled.
const MAX_REORDERED_US: u64 = 100_000;

/// The next piece of a direction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    Bytes(Bytes),
    /// This many bytes are missing from the capture.
    Hole(u64),
    /// The sender's FIN.
    Fin,
}

/// A segment that waits for earlier bytes.
#[derive(Debug)]
struct Held {
    bytes: Bytes,
    /// How many bytes after `bytes` were sent but not captured.
    missing: usize,
}

/// One direction of a connection. A place is the offset of a byte in it.
#[derive(Debug)]
pub(super) struct Stream {
    /// The sequence number of place 0.
    first: u32,
    /// The place of the next byte to pass on.
    next: u64,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    /// The place of the sender's FIN.
    fin: Option<u64>,
    fin_told: bool,
    /// Where the segment passed on last really ended, if its end was not captured.
    cut: Option<u64>,
    /// The place up to which the receiver has acknowledged.
    acked: u64,
    /// How many packets of the connection had come, and what time it was, when the hole at `next`
    /// was first seen.
    hole: Option<(u64, Wall)>,
}

impl Stream {
    /// A stream that begins at the byte with this sequence number.
    pub(super) fn new(first: u32) -> Self {
        Self {
            first,
            next: 0,
            held: BTreeMap::new(),
            held_bytes: 0,
            fin: None,
            fin_told: false,
            cut: None,
            acked: 0,
            hole: None,
        }
    }

    /// The sequence number of its first byte.
    pub(super) fn first(&self) -> u32 {
        self.first
    }

    /// How many bytes are waiting for earlier ones.
    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// The place of a sequence number: of all that it could be, the one nearest to the next byte.
    /// `None` for one before the beginning.
    fn place(&self, number: u32) -> Option<u64> {
        // Sequence numbers wrap around.
        let low = u32::try_from(self.next & u64::from(u32::MAX)).unwrap_or_default();
        let expected = self.first.wrapping_add(low);
        let distance = number.wrapping_sub(expected).cast_signed();
        self.next.checked_add_signed(distance.into())
    }

    /// Takes a segment.
    pub(super) fn push(&mut self, number: u32, mut bytes: Bytes, missing: usize, fin: bool) {
        let length = (bytes.len() + missing) as u64;
        // A segment from before the beginning is a keepalive probe.
        let Some(mut place) = self.place(number) else {
            return;
        };
        let end = place + length;
        if fin && self.fin.is_none() {
            self.fin = Some(end);
        }
        if end <= self.next || length == 0 {
            return;
        }
        if place < self.next {
            let known = usize::try_from(self.next - place).unwrap_or(usize::MAX);
            if known >= bytes.len() {
                // Only its part that was not captured is new.
                return;
            }
            bytes = bytes.split_off(known);
            place = self.next;
        }
        let longer = |held: &Held| held.bytes.len() + held.missing >= bytes.len() + missing;
        if self.held.get(&place).is_some_and(longer) {
            return;
        }
        self.held_bytes += bytes.len() + SEGMENT_BYTES;
        if let Some(replaced) = self.held.insert(place, Held { bytes, missing }) {
            self.held_bytes -= replaced.bytes.len() + SEGMENT_BYTES;
        }
    }

    /// Takes an acknowledgment: the receiver has everything before this sequence number.
    pub(super) fn ack(&mut self, number: u32) {
        if let Some(place) = self.place(number) {
            self.acked = self.acked.max(place);
        }
    }

    /// Takes the next piece that is in order; `packets` of the connection have come so far. A hole
    /// that only the capture has is given up after a while, or at once if `all` is set, at the
    /// capture's end.
    pub(super) fn pop(&mut self, packets: u64, at: Wall, all: bool) -> Option<Chunk> {
        loop {
            if let Some(cut) = self.cut.take().filter(|cut| *cut > self.next) {
                let hole = cut - self.next;
                self.next = cut;
                return Some(Chunk::Hole(hole));
            }
            let Some((&place, _)) = self.held.first_key_value() else {
                return self.pop_fin(packets, at, all);
            };
            if place > self.next {
                return self.pop_hole(place, packets, at, all);
            }
            let held = self.held.remove(&place)?;
            self.held_bytes -= held.bytes.len() + SEGMENT_BYTES;
            self.hole = None;
            let end = place + held.bytes.len() as u64;
            if held.missing > 0 {
                // A retransmission would have been cut off at the same length.
                self.cut = Some(end + held.missing as u64);
            }
            let known = usize::try_from(self.next - place).unwrap_or(usize::MAX);
            if known < held.bytes.len() {
                self.next = end;
                let mut bytes = held.bytes;
                return Some(Chunk::Bytes(bytes.split_off(known)));
            }
        }
    }

    fn pop_hole(&mut self, until: u64, packets: u64, at: Wall, all: bool) -> Option<Chunk> {
        let (since, seen) = *self.hole.get_or_insert((packets, at));
        let waited =
            packets.saturating_sub(since) >= MAX_REORDERED || at.since(seen).0 >= MAX_REORDERED_US;
        let acked = self.acked >= until && (waited || all);
        if !acked && self.held_bytes <= MAX_HELD_BYTES {
            return None;
        }
        self.hole = None;
        let hole = until - self.next;
        self.next = until;
        Some(Chunk::Hole(hole))
    }

    fn pop_fin(&mut self, packets: u64, at: Wall, all: bool) -> Option<Chunk> {
        let fin = self.fin.filter(|_| !self.fin_told)?;
        if fin > self.next {
            // The bytes before it were not captured at all.
            return self.pop_hole(fin, packets, at, all);
        }
        self.fin_told = true;
        Some(Chunk::Fin)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: u32 = u32::MAX - 2;

    fn stream() -> Stream {
        Stream::new(FIRST)
    }

    fn push(stream: &mut Stream, place: u32, text: &'static str) {
        stream.push(FIRST.wrapping_add(place), text.as_bytes().into(), 0, false);
    }

    /// Everything that is in order, with a dot for each missing byte.
    fn said(stream: &mut Stream, packets: u64, all: bool) -> String {
        let mut said = String::new();
        while let Some(chunk) = stream.pop(packets, Wall::ZERO, all) {
            match chunk {
                Chunk::Bytes(bytes) => said.push_str(std::str::from_utf8(&bytes).unwrap()),
                Chunk::Hole(hole) => said.extend((0..hole).map(|_| '.')),
                Chunk::Fin => said.push('$'),
            }
        }
        said
    }

    #[test]
    fn segments_come_out_in_order_and_once_though_numbers_wrap() {
        let mut stream = stream();
        push(&mut stream, 3, "def");
        assert_eq!(said(&mut stream, 1, false), "");
        push(&mut stream, 0, "abc");
        assert_eq!(said(&mut stream, 2, false), "abcdef");
        // The same again, then with more after it; then a single byte that is already known.
        push(&mut stream, 0, "abc");
        push(&mut stream, 4, "efgh");
        push(&mut stream, 7, "h");
        assert_eq!(said(&mut stream, 3, false), "gh");
        push(&mut stream, 8, "ij");
        push(&mut stream, 9, "jkl");
        push(&mut stream, 8, "i");
        assert_eq!(said(&mut stream, 4, false), "ijkl");
        assert_eq!(stream.held_bytes(), 0);
    }

    #[test]
    fn a_hole_is_waited_for_until_the_receiver_has_it_and_others_have_come() {
        let mut stream = stream();
        push(&mut stream, 0, "ab");
        push(&mut stream, 4, "ef");
        assert_eq!(said(&mut stream, 0, false), "ab");
        // It was lost on the wire: the receiver has not acknowledged it.
        assert_eq!(said(&mut stream, 1_000, false), "");
        stream.ack(FIRST.wrapping_add(6));
        assert_eq!(said(&mut stream, MAX_REORDERED - 1, false), "");
        assert_eq!(said(&mut stream, MAX_REORDERED, false), "..ef");
    }

    #[test]
    fn what_the_receiver_never_had_is_not_given_at_the_end() {
        let mut stream = stream();
        push(&mut stream, 0, "ab");
        push(&mut stream, 4, "ef");
        assert_eq!(said(&mut stream, 0, true), "ab");
        stream.ack(FIRST.wrapping_add(6));
        assert_eq!(said(&mut stream, 0, true), "..ef");
    }

    #[test]
    fn a_segment_that_was_cut_off_has_its_hole_at_once() {
        let mut stream = stream();
        stream.push(FIRST, "ab".into(), 3, false);
        push(&mut stream, 5, "fg");
        assert_eq!(said(&mut stream, 0, false), "ab...fg");
    }

    #[test]
    fn a_fin_comes_behind_all_that_was_sent() {
        let mut stream = stream();
        stream.push(FIRST.wrapping_add(2), "c".into(), 0, true);
        assert_eq!(said(&mut stream, 0, false), "");
        push(&mut stream, 0, "ab");
        assert_eq!(said(&mut stream, 0, false), "abc$");
        stream.push(FIRST.wrapping_add(2), "c".into(), 0, true);
        assert_eq!(said(&mut stream, 0, false), "");
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut stream = stream();
        let piece = Bytes::from(vec![0; 1 << 20]);
        for place in 0..9 {
            stream.push(
                FIRST.wrapping_add(1 + (place << 20)),
                piece.clone(),
                0,
                false,
            );
        }
        assert_eq!(stream.pop(0, Wall::ZERO, false), Some(Chunk::Hole(1)));
    }

    proptest! {
        #[test]
        fn however_segments_come_the_bytes_are_the_same(
            text in proptest::collection::vec(any::<u8>(), 1..200),
            cuts in proptest::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 0..40),
            order in any::<prop::sample::Index>(),
        ) {
            let mut stream = stream();
            // Pieces from anywhere, overlapping; then the whole text in short pieces, the last one
            // first.
            let mut pieces: Vec<(usize, usize)> = cuts
                .iter()
                .map(|(at, length)| (at.index(text.len()), *length))
                .collect();
            pieces.extend((0..text.len()).step_by(7).map(|at| (at, 7)).rev());
            let turn = order.index(pieces.len());
            pieces.rotate_left(turn);
            let mut found = Vec::new();
            for (at, length) in pieces {
                let end = text.len().min(at + length);
                let number = FIRST.wrapping_add(u32::try_from(at).unwrap());
                let bytes = Bytes::copy_from_slice(&text[at..end]);
                stream.push(number, bytes, 0, end == text.len());
                while let Some(chunk) = stream.pop(0, Wall::ZERO, false) {
                    match chunk {
                        Chunk::Bytes(bytes) => found.extend_from_slice(&bytes),
                        Chunk::Fin => prop_assert_eq!(&found, &text),
                        Chunk::Hole(_) => prop_assert!(false, "a hole"),
                    }
                }
            }
            prop_assert_eq!(found, text);
            prop_assert_eq!(stream.held_bytes(), 0);
        }
    }
}
