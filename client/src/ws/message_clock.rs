//! Tells since when a message has been coming in, from the heads of its frames.
//!
//! tungstenite says nothing of a message before it is whole. A snapshot over a slow link can take
//! longer than the idle timeout, so liveness has to know that its bytes keep coming.

use std::time::Duration;

/// Most bytes of a frame's head (RFC 6455, 5.2): two, a length of eight, a mask of four.
const MAX_HEAD_BYTES: usize = 14;

/// A message that has begun and is not whole yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Underway {
    /// When its first byte came.
    pub(super) begun: Duration,
    /// When its latest byte came; frames between its fragments don't count.
    pub(super) last_byte: Duration,
}

/// Follows the frames of a stream far enough to tell whether a message is under way.
///
/// It judges nothing: if a peer breaks the protocol, tungstenite says so, and this state no longer
/// matters.
#[derive(Debug, Default)]
pub(super) struct MessageClock {
    /// The first bytes of a head that has not come whole.
    head: [u8; MAX_HEAD_BYTES],
    head_bytes: usize,
    /// The frame whose payload is coming, and how much of that is left.
    frame: Option<(Frame, u64)>,
    /// Whether a message has begun whose last fragment is still to come.
    fragmented: bool,
    underway: Option<Underway>,
}

/// What matters of a frame.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Whether it is part of a message, rather than a control frame.
    data: bool,
    last: bool,
}

impl Frame {
    fn of(first: u8) -> Self {
        Self {
            data: first & 0x0f <= 2,
            last: first & 0x80 != 0,
        }
    }
}

impl MessageClock {
    /// The message under way, if there is one.
    #[inline]
    pub(super) fn underway(&self) -> Option<Underway> {
        self.underway
    }

    /// Takes in the next bytes of the stream. `now` is called only if they end inside a message.
    pub(super) fn read(&mut self, bytes: &[u8], now: impl FnOnce() -> Duration) {
        // Whether these bytes hold any of the message that is under way at their end.
        let mut touched = false;
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Some((frame, left)) = self.frame.take() {
                touched |= frame.data;
                let taken = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                rest = &rest[taken..];
                let left = left - taken as u64;
                if left > 0 {
                    self.frame = Some((frame, left));
                } else {
                    touched &= !self.end(frame);
                }
                continue;
            }
            let Some((frame, payload)) = self.take_head(&mut rest) else {
                touched |= Frame::of(self.head[0]).data;
                break;
            };
            touched |= frame.data;
            if payload > 0 {
                self.frame = Some((frame, payload));
            } else {
                touched &= !self.end(frame);
            }
        }
        let in_data = match self.frame {
            Some((frame, _)) => frame.data,
            None => self.head_bytes > 0 && Frame::of(self.head[0]).data,
        };
        if !self.fragmented && !in_data {
            self.underway = None;
        } else if touched {
            let last_byte = now();
            let begun = self.underway.map_or(last_byte, |underway| underway.begun);
            self.underway = Some(Underway { begun, last_byte });
        }
    }

    /// Takes a head off `rest`. `None` if it is incomplete: what has come is kept.
    fn take_head(&mut self, rest: &mut &[u8]) -> Option<(Frame, u64)> {
        if self.head_bytes == 0
            && let Some((frame, payload, bytes)) = head(rest)
        {
            *rest = &rest[bytes..];
            return Some((frame, payload));
        }
        let kept = self.head_bytes;
        let added = rest.len().min(MAX_HEAD_BYTES - kept);
        self.head[kept..kept + added].copy_from_slice(&rest[..added]);
        self.head_bytes += added;
        let (frame, payload, bytes) = head(&self.head[..self.head_bytes])?;
        *rest = &rest[bytes - kept..];
        self.head_bytes = 0;
        Some((frame, payload))
    }

    /// Notes that a frame is complete; returns whether a message ended with it.
    fn end(&mut self, frame: Frame) -> bool {
        if frame.data {
            self.fragmented = !frame.last;
        }
        let ended = frame.data && frame.last;
        if ended {
            self.underway = None;
        }
        ended
    }
}

/// Reads a head: the frame, the length of its payload, and the head's own length. `None` if it is
/// incomplete.
#[inline]
fn head(bytes: &[u8]) -> Option<(Frame, u64, usize)> {
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    let (payload, length_bytes) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 2),
        127 => (u64::from_be_bytes(*rest.first_chunk()?), 8),
        short => (u64::from(short), 0),
    };
    let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
    let bytes_needed = 2 + length_bytes + mask_bytes;
    (bytes.len() >= bytes_needed).then_some((Frame::of(*first), payload, bytes_needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn underway(begun: u64, last_byte: u64) -> Underway {
        Underway {
            begun: at(begun),
            last_byte: at(last_byte),
        }
    }

    /// A stream of every kind of frame, with the state after each of its bytes: whether a message
    /// is under way, and whether that byte is one of its own.
    fn stream() -> Vec<(u8, Option<bool>)> {
        let mut stream = Vec::new();
        // Each frame: its bytes, whether a message is under way before its end, and after it.
        let long = [&[0x82, 126, 0, 200][..], &[7; 200]].concat();
        let longer = [&[0x81, 127, 0, 0, 0, 0, 0, 0, 0, 3][..], b"abc"].concat();
        let masked = [&[0x81, 0x82, 1, 2, 3, 4][..], b"ab"].concat();
        let frames: [(&[u8], bool, bool); 11] = [
            (b"\x81\x02hi", true, false),
            (b"\x89\x00", false, false),
            (b"\x01\x03abc", true, true),
            (b"\x8a\x02po", false, true),
            (b"\x00\x00", true, true),
            (b"\x89\x00", false, true),
            (b"\x80\x01d", true, false),
            (&long, true, false),
            (&longer, true, false),
            (&masked, true, false),
            (b"\x81\x00", true, false),
        ];
        let mut fragmented = false;
        for (bytes, data, after) in frames {
            let (last, before) = bytes.split_last().expect("a frame has bytes");
            for byte in before {
                stream.push((*byte, (data || fragmented).then_some(data)));
            }
            stream.push((*last, after.then_some(data)));
            fragmented = after;
        }
        stream
    }

    #[test]
    fn a_message_is_under_way_from_its_first_byte_to_its_last_however_the_bytes_come() {
        let stream = stream();
        for chunk in [1, 2, 3, 5, 7, 64, stream.len()] {
            let mut clock = MessageClock::default();
            let (mut begun, mut last_byte) = (None, None);
            for (n, part) in stream.chunks(chunk).enumerate() {
                let now = n as u64;
                for (_, state) in part {
                    match state {
                        None => (begun, last_byte) = (None, None),
                        Some(own) => {
                            begun = begun.or(Some(now));
                            last_byte = if *own { Some(now) } else { last_byte };
                        }
                    }
                }
                let bytes: Vec<u8> = part.iter().map(|(byte, _)| *byte).collect();
                clock.read(&bytes, || at(now));
                let expected = begun.zip(last_byte);
                let expected = expected.map(|(begun, last)| underway(begun, last));
                // A message that ended inside the chunk does not lend its beginning to the next.
                assert_eq!(
                    clock.underway(),
                    expected,
                    "chunks of {chunk}, byte {}",
                    n * chunk
                );
            }
            assert_eq!(clock.underway(), None);
        }
    }

    #[test]
    fn what_comes_between_fragments_is_no_byte_of_the_message() {
        let mut clock = MessageClock::default();
        clock.read(b"\x01\x01a", || at(10));
        clock.read(b"\x89\x02p", || at(20));
        clock.read(b"i", || at(30));
        assert_eq!(clock.underway(), Some(underway(10, 10)));
        clock.read(b"\x80", || at(40));
        assert_eq!(clock.underway(), Some(underway(10, 40)));
        clock.read(b"\x01b\x81", || at(50));
        assert_eq!(
            clock.underway(),
            Some(underway(50, 50)),
            "the next one's first byte"
        );
    }

    #[test]
    fn control_frames_that_drip_in_are_no_message() {
        let mut clock = MessageClock::default();
        for byte in *b"\x89\x03abc\x8a\x00\x88\x02\x03\xe8" {
            clock.read(&[byte], || unreachable!("no message, no time"));
            assert_eq!(clock.underway(), None);
        }
    }

    #[test]
    fn a_length_beyond_memory_is_only_counted_down() {
        let mut clock = MessageClock::default();
        clock.read(b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", || at(1));
        clock.read(&[0; 1000], || at(2));
        assert_eq!(clock.underway(), Some(underway(1, 2)));
    }
}
