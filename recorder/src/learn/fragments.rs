//! Reassembles messages that came in fragments.

use std::collections::BTreeMap;

use super::side::Side;

/// The opcodes of data frames (RFC 6455, 5.2).
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// The maximum number of bytes held of unfinished messages, of all connections together. A message
/// that would exceed it is not reassembled.
const MAX_HELD_BYTES: usize = 64 << 20;

/// A frame that was recorded by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a> {
    pub(super) fin: bool,
    pub(super) opcode: u8,
    pub(super) payload: &'a [u8],
}

/// What a frame completes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Completes {
    Text(String),
    Binary,
    /// Nothing yet: more fragments follow.
    Nothing,
    /// No message at all: a frame that does not fit here, or a text that is not UTF-8.
    NoMessage,
}

/// The messages that have not ended yet.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    open: BTreeMap<(u64, Side), Message>,
    held: usize,
}

#[derive(Debug)]
struct Message {
    opcode: u8,
    /// The payload so far; `None` once it is too long.
    payload: Option<Vec<u8>>,
}

impl Fragments {
    pub(super) fn take(&mut self, conn: u64, by: Side, frame: Fragment<'_>) -> Completes {
        let at = (conn, by);
        match frame.opcode {
            // A new message before the end of the last is a protocol error, which ends the
            // connection.
            TEXT | BINARY if !self.open.contains_key(&at) => {
                let begun = Message {
                    opcode: frame.opcode,
                    payload: Some(Vec::new()),
                };
                self.open.insert(at, begun);
            }
            CONTINUATION if self.open.contains_key(&at) => {}
            _ => return Completes::NoMessage,
        }
        let message = self.open.get_mut(&at).expect("it was begun");
        if let Some(said) = &mut message.payload {
            if self.held + frame.payload.len() > MAX_HELD_BYTES {
                self.held -= said.len();
                message.payload = None;
            } else {
                self.held += frame.payload.len();
                said.extend_from_slice(frame.payload);
            }
        }
        if !frame.fin {
            return Completes::Nothing;
        }
        let message = self.open.remove(&at).expect("it was begun");
        self.held -= message.payload.as_ref().map_or(0, Vec::len);
        match (message.opcode, message.payload.map(String::from_utf8)) {
            (BINARY, _) => Completes::Binary,
            (_, Some(Ok(text))) => Completes::Text(text),
            _ => Completes::NoMessage,
        }
    }

    /// The senders of messages that never ended, one for each.
    pub(super) fn unfinished(self) -> impl Iterator<Item = Side> {
        self.open.into_keys().map(|(_, by)| by)
    }
}
