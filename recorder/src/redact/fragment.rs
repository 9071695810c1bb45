//! Redacts messages that come in fragments.
//!
//! A value may begin in one fragment and end in another, and its placeholder is known only once it
//! is complete. So the fragments keep their number, times and flags, and the whole payload,
//! redacted, goes into the last one: an engine that plays the tape sends the same message at the
//! same time. A compressed message (RFC 7692) can't be searched, so it is replaced by an empty one.
//! Nothing is kept of the payload of a message that never ends.

use std::collections::BTreeMap;

use bytes::Bytes;
use wstape_tape::Conn;

/// The maximum number of bytes held of unfinished messages, of all connections together. A message
/// that would exceed it is replaced by an empty one.
const MAX_HELD_BYTES: usize = 64 << 20;

/// A compressed empty message (RFC 7692, 7.2.3.6).
const COMPRESSED_NOTHING: &[u8] = b"\0";

/// The sender of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Engine,
    Client,
}

/// The parts of a frame's header that matter here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) fin: bool,
    pub(super) rsv: u8,
    pub(super) opcode: u8,
}

/// What is known of a message that has not ended yet.
#[derive(Debug)]
enum Unfinished {
    Held(Vec<u8>),
    Compressed,
    TooLong,
}

/// The messages that have not ended yet.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    open: BTreeMap<(u64, Side), Unfinished>,
    held: usize,
}

/// What a frame's payload becomes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// These bytes, which need no redaction.
    Is(&'static [u8]),
    /// This message, which is still to be redacted.
    Message(Bytes),
}

impl Fragments {
    /// Takes a frame. Returns what its payload becomes.
    pub(super) fn take(
        &mut self,
        conn: Conn,
        side: Side,
        shape: Shape,
        payload: &Bytes,
    ) -> Payload {
        const CONTINUATION: u8 = 0;
        let at = (number(conn), side);
        match shape.opcode {
            1 | 2 => {
                self.forget_message(at);
                let begun = if shape.rsv == 0 {
                    if shape.fin {
                        return Payload::Message(payload.clone());
                    }
                    Unfinished::Held(Vec::new())
                } else {
                    Unfinished::Compressed
                };
                self.open.insert(at, begun);
            }
            CONTINUATION if self.open.contains_key(&at) => {}
            _ => return Payload::Message(payload.clone()),
        }
        let message = self.open.get_mut(&at).expect("it was begun");
        if let Unfinished::Held(held) = message {
            if self.held + payload.len() > MAX_HELD_BYTES {
                self.held -= held.len();
                *message = Unfinished::TooLong;
            } else {
                self.held += payload.len();
                held.extend_from_slice(payload);
            }
        }
        if !shape.fin {
            return Payload::Is(b"");
        }
        match self.forget_message(at) {
            Some(Unfinished::Held(held)) => Payload::Message(held.into()),
            Some(Unfinished::Compressed) => Payload::Is(COMPRESSED_NOTHING),
            Some(Unfinished::TooLong) | None => Payload::Is(b""),
        }
    }

    /// Takes the end of a connection, or of all of them.
    pub(super) fn ended(&mut self, conn: Conn) {
        match conn {
            Conn::All => *self = Self::default(),
            Conn::Nth(_) => {
                for side in [Side::Engine, Side::Client] {
                    self.forget_message((number(conn), side));
                }
            }
        }
    }

    fn forget_message(&mut self, at: (u64, Side)) -> Option<Unfinished> {
        let message = self.open.remove(&at);
        if let Some(Unfinished::Held(held)) = &message {
            self.held -= held.len();
        }
        message
    }
}

fn number(conn: Conn) -> u64 {
    match conn {
        Conn::All => 0,
        Conn::Nth(nth) => nth,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Shape = Shape {
        fin: false,
        rsv: 0,
        opcode: 1,
    };
    const MIDDLE: Shape = Shape {
        fin: false,
        rsv: 0,
        opcode: 0,
    };
    const LAST: Shape = Shape {
        fin: true,
        rsv: 0,
        opcode: 0,
    };

    fn message(text: &'static str) -> Payload {
        Payload::Message(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_message_goes_whole_into_its_last_fragment_whatever_comes_between() {
        let mut fragments = Fragments::default();
        let mut take = |nth, side, shape, text: &'static str| {
            fragments.take(
                Conn::Nth(nth),
                side,
                shape,
                &Bytes::from_static(text.as_bytes()),
            )
        };
        assert_eq!(take(1, Side::Engine, FIRST, "ab"), Payload::Is(b""));
        assert_eq!(take(2, Side::Engine, FIRST, "12"), Payload::Is(b""));
        assert_eq!(take(1, Side::Client, FIRST, "xy"), Payload::Is(b""));
        let ping = Shape {
            fin: true,
            rsv: 0,
            opcode: 9,
        };
        assert_eq!(take(1, Side::Engine, ping, "p"), message("p"));
        assert_eq!(take(1, Side::Engine, MIDDLE, "c"), Payload::Is(b""));
        assert_eq!(take(1, Side::Engine, LAST, "d"), message("abcd"));
        assert_eq!(take(2, Side::Engine, LAST, "3"), message("123"));
        assert_eq!(take(1, Side::Client, LAST, "z"), message("xyz"));
        assert_eq!(
            take(1, Side::Client, LAST, "of nothing"),
            message("of nothing")
        );
    }

    #[test]
    fn what_is_compressed_or_too_long_is_played_as_an_empty_message() {
        let mut fragments = Fragments::default();
        let compressed = Shape { rsv: 4, ..FIRST };
        let mut take =
            |shape, payload: &Bytes| fragments.take(Conn::All, Side::Engine, shape, payload);
        assert_eq!(take(compressed, &"ab".into()), Payload::Is(b""));
        assert_eq!(take(LAST, &"ab".into()), Payload::Is(b"\0"));
        let half = Bytes::from(vec![b'x'; MAX_HELD_BYTES / 2 + 1]);
        for shape in [FIRST, MIDDLE, LAST] {
            assert_eq!(take(shape, &half), Payload::Is(b""));
        }
        assert_eq!((fragments.held, fragments.open.len()), (0, 0));
    }

    #[test]
    fn the_end_of_a_connection_is_the_end_of_its_messages() {
        let mut fragments = Fragments::default();
        let held = Bytes::from_static(b"held");
        for nth in [1, 2] {
            fragments.take(Conn::Nth(nth), Side::Engine, FIRST, &held);
        }
        fragments.ended(Conn::Nth(1));
        assert_eq!(fragments.held, 4);
        fragments.ended(Conn::All);
        assert_eq!(fragments.held, 0);
    }
}
