//! Splits bytes into frames, whatever chunks they come in.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use wstape_wire::opcode::TEXT;
use wstape_wire::{Head, apply_mask};

use super::bounds::MAX_MESSAGE_BYTES;

/// A stretch of one direction of an upgraded connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A whole frame.
    Frame(Frame),
    /// Bytes that are not a frame, or that belong to one too long to hold.
    Bytes(Bytes),
}

/// A complete frame as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    raw: Bytes,
    head: usize,
}

impl Frame {
    /// The FIN bit.
    pub(super) fn fin(&self) -> bool {
        self.raw[0] & 0x80 != 0
    }

    /// The three RSV bits; RSV1 has the value 4.
    pub(super) fn rsv(&self) -> u8 {
        self.raw[0] >> 4 & 7
    }

    /// The opcode.
    pub(super) fn opcode(&self) -> u8 {
        self.raw[0] & 0x0f
    }

    /// The masking key, if the frame is masked.
    pub(super) fn mask(&self) -> Option<[u8; 4]> {
        let masked = self.raw[1] & 0x80 != 0;
        let key = &self.raw[self.head.checked_sub(4)?..self.head];
        masked.then(|| key.try_into().ok()).flatten()
    }

    /// The frame copied out of the larger buffer that it was read into.
    pub(super) fn detached(self) -> Self {
        Self {
            raw: Bytes::copy_from_slice(&self.raw),
            ..self
        }
    }

    /// The payload, unmasked.
    pub(super) fn payload(&self) -> Bytes {
        let payload = self.raw.slice(self.head..);
        match self.mask() {
            None | Some([0, 0, 0, 0]) => payload,
            Some(key) => {
                let mut plain = BytesMut::from(&payload[..]);
                apply_mask(&mut plain, key);
                plain.freeze()
            }
        }
    }
}

/// Splits a stream into frames.
#[derive(Debug, Default)]
pub(super) struct FrameSplitter {
    /// The incomplete start of the next frame.
    partial: BytesMut,
    /// How many bytes are still to come of a frame too long to hold.
    passing: u64,
    /// Whether an invalid head came: nothing after it is a frame.
    broken: bool,
    ready: VecDeque<Bytes>,
}

impl FrameSplitter {
    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.ready.push_back(bytes);
        }
    }

    /// Passes on the next messages that look like events, each with the chunk that contains it. A
    /// message must be the whole payload of an unmasked text frame in one chunk, and begin and end
    /// with a brace. That is what feeds send, many at a time. Everything else is left for
    /// [`next`](Self::next).
    pub(super) fn events(&mut self, mut take: impl FnMut(&[u8], &Bytes)) {
        /// A frame's first byte with FIN and the opcode of text.
        const WHOLE_TEXT: u8 = 0x80 | TEXT;
        if self.broken || self.passing > 0 || !self.partial.is_empty() {
            return;
        }
        while let Some(piece) = self.ready.front_mut() {
            let mut at = 0;
            while let rest = &piece[at..]
                && let [WHOLE_TEXT, 0..0x80, ..] = rest
                && let Head::Whole { bytes, payload } = Head::of(rest)
                && let Some(len) = held(bytes, payload)
                && let Some(message) = rest.get(bytes..len)
                && is_event(message)
            {
                take(message, piece);
                at += len;
            }
            piece.advance(at);
            if !piece.is_empty() {
                return;
            }
            self.ready.pop_front();
        }
    }

    /// The next complete frame, or bytes that are not one; `None` if more bytes are needed.
    pub(super) fn next(&mut self) -> Option<Piece> {
        loop {
            if self.broken {
                return self.ready.pop_front().map(Piece::Bytes);
            }
            if self.passing > 0 {
                return self.pass();
            }
            if self.partial.is_empty() {
                let whole = self.ready.front_mut()?;
                // The common case: a frame within one chunk is not copied.
                if let Head::Whole {
                    bytes: head,
                    payload,
                } = Head::of(whole)
                    && let Some(len) = held(head, payload)
                    && len <= whole.len()
                {
                    let raw = whole.split_to(len);
                    if whole.is_empty() {
                        self.ready.pop_front();
                    }
                    return Some(Piece::Frame(Frame { raw, head }));
                }
            }
            match Head::of(&self.partial) {
                Head::Short(len) => self.fill(len)?,
                Head::Illegal => {
                    self.broken = true;
                    return Some(Piece::Bytes(self.partial.split().freeze()));
                }
                Head::Whole {
                    bytes: head,
                    payload,
                } => {
                    let Some(len) = held(head, payload) else {
                        let begun = self.partial.split().freeze();
                        self.passing = payload.saturating_add((head - begun.len()) as u64);
                        return Some(Piece::Bytes(begun));
                    };
                    self.fill(len)?;
                    let raw = self.partial.split_to(len).freeze();
                    return Some(Piece::Frame(Frame { raw, head }));
                }
            }
        }
    }

    /// Treats everything from here on as bytes that are not frames.
    pub(super) fn give_up(&mut self) {
        debug_assert!(self.partial.is_empty(), "a whole frame came last");
        self.broken = true;
    }

    /// The incomplete frame at the end of the stream.
    pub(super) fn rest(&mut self) -> Bytes {
        self.ready.clear();
        self.partial.split().freeze()
    }

    /// Starts over at the beginning of a frame.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }

    /// Fills `partial` to this length; `None` if not enough has come.
    fn fill(&mut self, len: usize) -> Option<()> {
        while self.partial.len() < len {
            let front = self.ready.front_mut()?;
            let taken = front.split_to(front.len().min(len - self.partial.len()));
            if front.is_empty() {
                self.ready.pop_front();
            }
            self.partial.extend_from_slice(&taken);
        }
        Some(())
    }

    fn pass(&mut self) -> Option<Piece> {
        let mut front = self.ready.pop_front()?;
        let here = usize::try_from(self.passing).map_or(front.len(), |left| left.min(front.len()));
        let passed = front.split_to(here);
        if !front.is_empty() {
            self.ready.push_front(front);
        }
        self.passing -= here as u64;
        Some(Piece::Bytes(passed))
    }
}

/// Whether a text message begins and ends like an event; whether it is one shows when it is
/// written.
pub(super) fn is_event(message: &[u8]) -> bool {
    message.starts_with(b"{") && message.ends_with(b"}")
}

/// The length of a frame, unless it is too long to hold.
fn held(head: usize, payload: u64) -> Option<usize> {
    let payload = usize::try_from(payload).ok()?;
    (payload <= MAX_MESSAGE_BYTES).then_some(head + payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(splitter: &mut FrameSplitter) -> Vec<Piece> {
        std::iter::from_fn(|| splitter.next()).collect()
    }

    #[test]
    fn frames_come_out_however_the_bytes_come() {
        let mut stream = b"\x81\x02ab\x89\x80\x01\x02\x03\x04\x82\x7e\x01\x2c".to_vec();
        stream.extend([7; 300]);
        stream.extend(b"\xf3\x85\x01\x02\x03\x04\x69\x67\x6f\x68\x6e");
        for size in 1..stream.len() {
            let mut splitter = FrameSplitter::default();
            let mut seen = Vec::new();
            for part in stream.chunks(size) {
                splitter.push(Bytes::copy_from_slice(part));
                for cut in cut(&mut splitter) {
                    let Piece::Frame(frame) = cut else {
                        panic!("{cut:?} in parts of {size}");
                    };
                    let bits = (frame.fin(), frame.rsv(), frame.opcode());
                    seen.push((bits, frame.mask(), frame.payload()));
                }
            }
            let key = Some([1, 2, 3, 4]);
            let expected = [
                ((true, 0, 1), None, Bytes::from_static(b"ab")),
                ((true, 0, 9), key, Bytes::new()),
                ((true, 0, 2), None, Bytes::from(vec![7; 300])),
                ((true, 7, 3), key, Bytes::from_static(b"hello")),
            ];
            assert_eq!(seen, expected, "parts of {size}");
            assert!(splitter.rest().is_empty());
        }
    }

    #[test]
    fn events_that_lie_in_one_piece_come_many_at_a_time_and_all_else_is_left() {
        let mut splitter = FrameSplitter::default();
        let events = |splitter: &mut FrameSplitter| {
            let mut events = Vec::new();
            splitter.events(|message, of| {
                assert_eq!(of.slice_ref(message), message);
                events.push(String::from_utf8_lossy(message).into_owned());
            });
            events
        };
        splitter.push(Bytes::from_static(b"\x81\x03{a}"));
        splitter.push(Bytes::from_static(b"\x81\x02{}\x81\x01x\x81\x02{}"));
        assert_eq!(events(&mut splitter), ["{a}", "{}"]);
        assert!(events(&mut splitter).is_empty(), "a text that is none");
        assert!(matches!(splitter.next(), Some(Piece::Frame(_))));
        assert_eq!(events(&mut splitter), ["{}"]);
        // A fragment, a masked frame, one with a reserved bit, a binary one, an incomplete one.
        for other in [
            &b"\x01\x02{}"[..],
            b"\x81\x82\0\0\0\0{}",
            b"\xc1\x02{}",
            b"\x82\x02{}",
            b"\x81\x03{}",
        ] {
            splitter.push(Bytes::copy_from_slice(other));
            assert!(events(&mut splitter).is_empty(), "{other:x?}");
            splitter.next();
        }
        // What follows an incomplete frame is not examined until that is complete.
        splitter.push(Bytes::from_static(b"\x81\x02{}"));
        assert!(events(&mut splitter).is_empty());
    }

    #[test]
    fn a_frame_in_one_piece_is_not_copied() {
        let stream = Bytes::from_static(b"\x81\x02ab\x81\x01c");
        let mut splitter = FrameSplitter::default();
        splitter.push(stream.clone());
        let Some(Piece::Frame(frame)) = splitter.next() else {
            panic!("a frame");
        };
        assert_eq!(frame.payload().as_ptr(), stream[2..].as_ptr());
    }

    #[test]
    fn a_frame_too_long_to_be_held_passes_as_bytes_and_the_next_is_a_frame_again() {
        let len = MAX_MESSAGE_BYTES + 1;
        let mut stream = vec![0x82, 127];
        stream.extend((len as u64).to_be_bytes());
        stream.resize(stream.len() + len, 0);
        stream.extend(b"\x81\x01x");
        let mut splitter = FrameSplitter::default();
        let (mut passed, mut frames) = (0, 0);
        for part in stream.chunks(1 << 16) {
            splitter.push(Bytes::copy_from_slice(part));
            for cut in cut(&mut splitter) {
                match cut {
                    Piece::Bytes(bytes) => passed += bytes.len(),
                    Piece::Frame(_) => frames += 1,
                }
            }
        }
        assert_eq!((passed, frames), (len + 10, 1));
    }

    #[test]
    fn what_can_be_no_frame_is_bytes_from_there_on() {
        for illegal in [&b"\x81\x7e\0\x05"[..], b"\x81\x7f\xff\0\0\0\0\0\0\0"] {
            let mut splitter = FrameSplitter::default();
            splitter.push([b"\x81\x01x", illegal, b"\x81\x01x"].concat().into());
            let seen = cut(&mut splitter);
            assert!(matches!(seen[0], Piece::Frame(_)));
            let rest = seen[1..].iter().map(|cut| match cut {
                Piece::Bytes(bytes) => bytes.len(),
                Piece::Frame(_) => panic!("{seen:?}"),
            });
            assert_eq!(rest.sum::<usize>(), illegal.len() + 3);
        }
    }

    #[test]
    fn what_there_is_of_a_frame_is_its_rest() {
        let mut splitter = FrameSplitter::default();
        splitter.push(Bytes::from_static(b"\x81\x01x\x81\x05he"));
        assert_eq!(cut(&mut splitter).len(), 1);
        assert_eq!(&splitter.rest()[..], b"\x81\x05he");
    }
}
