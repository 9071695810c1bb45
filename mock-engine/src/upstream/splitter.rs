//! Splits a real engine's stream into frames, whole where possible.

use bytes::{Bytes, BytesMut};
use wstape_wire::Head;

/// The longest frame that is held until it is whole, in bytes. A longer one is passed on in parts.
pub(super) const MAX_WHOLE_FRAME_BYTES: u64 = 1 << 20;

/// A stretch of the real engine's stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A frame.
    Frame(Bytes),
    /// A part of a long frame.
    Part {
        bytes: Bytes,
        /// Whether it ends the frame.
        last: bool,
    },
    /// Bytes that are not part of a readable frame.
    Bytes(Bytes),
}

/// Cuts a stream into frames, however the bytes arrive.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    place: Place,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Head,
    /// This many bytes of a long frame are still to come.
    Long(u64),
    /// A head was invalid: from there on, nothing is known.
    Lost,
}

impl Splitter {
    /// Takes the next piece off the front of `bytes`; `None` if more must come first.
    pub(super) fn next(&mut self, bytes: &mut BytesMut) -> Option<Piece> {
        if bytes.is_empty() {
            return None;
        }
        match self.place {
            Place::Lost => Some(Piece::Bytes(bytes.split().freeze())),
            Place::Long(left) => Some(self.part(left, bytes)),
            Place::Head => match Head::of(bytes) {
                Head::Short(_) => None,
                Head::Illegal => {
                    self.place = Place::Lost;
                    self.next(bytes)
                }
                Head::Whole {
                    bytes: head,
                    payload,
                } => {
                    let len = payload.saturating_add(head as u64);
                    match usize::try_from(len) {
                        Ok(len) if bytes.len() >= len => {
                            Some(Piece::Frame(bytes.split_to(len).freeze()))
                        }
                        Ok(missing) if len <= MAX_WHOLE_FRAME_BYTES => {
                            bytes.reserve(missing - bytes.len());
                            None
                        }
                        _ => Some(self.part(len, bytes)),
                    }
                }
            },
        }
    }

    fn part(&mut self, left: u64, bytes: &mut BytesMut) -> Piece {
        let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let left = left - here as u64;
        let last = left == 0;
        self.place = if last { Place::Head } else { Place::Long(left) };
        Piece::Part {
            bytes: bytes.split_to(here).freeze(),
            last,
        }
    }
}

#[cfg(test)]
mod tests {
    use wstape_wire::{frame, whole_frame};

    use super::*;

    /// The pieces of a stream that comes in parts of `size` bytes.
    fn pieces(stream: &[u8], size: usize) -> Vec<Piece> {
        let (mut splitter, mut bytes) = (Splitter::default(), BytesMut::new());
        let mut found = Vec::new();
        for part in stream.chunks(size) {
            bytes.extend_from_slice(part);
            found.extend(std::iter::from_fn(|| splitter.next(&mut bytes)));
        }
        found
    }

    #[test]
    fn frames_come_whole_however_their_bytes_come() {
        let frames = [
            whole_frame(1, b"hello"),
            whole_frame(9, b""),
            whole_frame(2, &[7; 300]),
        ];
        let stream = frames.concat();
        for size in 1..=stream.len() {
            let expected: Vec<Piece> = frames.iter().cloned().map(Piece::Frame).collect();
            assert_eq!(pieces(&stream, size), expected, "parts of {size}");
        }
    }

    #[test]
    fn a_long_frame_goes_on_in_parts_and_the_next_is_whole_again() {
        let payload = vec![7; usize::try_from(MAX_WHOLE_FRAME_BYTES).unwrap() + 1];
        let stream = [whole_frame(2, &payload), whole_frame(1, b"x")].concat();
        let found = pieces(&stream, 1 << 16);
        let long: usize = found
            .iter()
            .map(|piece| match piece {
                Piece::Part { bytes, .. } => bytes.len(),
                _ => 0,
            })
            .sum();
        assert_eq!(long, stream.len() - 3);
        let lasts = found
            .iter()
            .filter(|piece| matches!(piece, Piece::Part { last: true, .. }));
        assert_eq!(lasts.count(), 1);
        assert_eq!(found.last(), Some(&Piece::Frame(whole_frame(1, b"x"))));
    }

    #[test]
    fn behind_a_head_that_is_none_bytes_are_bytes() {
        let illegal = frame(0x81, 5, None, b"");
        let stream = [&whole_frame(1, b"x")[..], b"\x81\x7e\0\x05hello", &illegal].concat();
        let found = pieces(&stream, stream.len());
        assert_eq!(found[0], Piece::Frame(whole_frame(1, b"x")));
        assert_eq!(found[1], Piece::Bytes(Bytes::copy_from_slice(&stream[3..])));
    }
}
