//! What a client said: a whole message, or a control frame.

use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use wstape_tape::MessageKind;
use wstape_wire::framed::{Framed, records};

use super::document::Document;
use crate::frame::{ClientFrame, FrameKind};

/// The longest message that is looked at, in bytes; of a longer one only the kind is known.
pub const MAX_LOOKED_AT_BYTES: usize = 16 << 20;

/// The most steps that a JSON path may take through a message.
pub const MAX_JSONPATH_STEPS: usize = 1 << 22;

/// The deepest message that a JSON path is tried on: its crate needs the values nested in memory.
pub const MAX_JSONPATH_DEPTH: usize = 128;

/// The byte that ends a SignalR record.
const RECORD_END: u8 = 0x1e;
/// The most records of one message that are looked at.
const MAX_RECORDS: usize = 4_096;

/// How a message arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// By itself.
    Whole,
    /// As several records, each looked at as JSON of its own.
    OfRecords,
    /// As one record of several.
    Record,
}

/// What a client said.
#[derive(Debug)]
pub(crate) struct Message {
    kind: MessageKind,
    payload: Bytes,
    /// Whether it is too long to be looked at; its payload is then not kept.
    long: bool,
    /// Whether it is one of several records that came as one message, or that message.
    part: Part,
    /// The JSON in it, parsed once, when a step first asks for it.
    document: OnceLock<Option<Document>>,
    value: OnceLock<Option<serde_json::Value>>,
}

impl Message {
    fn new(kind: MessageKind, payload: Bytes) -> Self {
        Self {
            kind,
            payload,
            long: false,
            part: Part::Whole,
            document: OnceLock::new(),
            value: OnceLock::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn of(kind: MessageKind, payload: impl Into<Bytes>) -> Self {
        Self::new(kind, payload.into())
    }

    pub(crate) fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The bytes that it takes up in memory.
    pub(super) fn len(&self) -> usize {
        self.payload.len()
    }

    pub(super) fn is_long(&self) -> bool {
        self.long
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Its text: the payload, or a Close's reason; `None` if that is not UTF-8.
    pub(super) fn text(&self) -> Option<&str> {
        let bytes = match self.kind {
            MessageKind::Close => self.payload.get(2..).unwrap_or_default(),
            _ => &self.payload[..],
        };
        std::str::from_utf8(bytes).ok()
    }

    pub(super) fn part(&self) -> Part {
        self.part
    }

    /// Splits off its records, if it holds several: each is a message of its own when JSON is
    /// looked for.
    pub(super) fn split(&mut self) -> Vec<Self> {
        let looked_at = self.kind == MessageKind::Text && !self.long;
        if !looked_at || memchr::memchr2(b'\n', RECORD_END, &self.payload).is_none() {
            return Vec::new();
        }
        let found = self.text().map(records).unwrap_or_default();
        let bytes = |record: &str| Bytes::copy_from_slice(record.as_bytes());
        let found = found.into_iter().take(MAX_RECORDS);
        let found: Vec<Self> = found
            .map(|record| Self {
                part: Part::Record,
                ..Self::new(self.kind, bytes(record))
            })
            .collect();
        if !found.is_empty() {
            self.part = Part::OfRecords;
        }
        found
    }

    /// The JSON that it is, or that it holds in a protocol's own frame.
    pub(super) fn document(&self) -> Option<&Document> {
        let parse = || {
            let text = self.text()?;
            let framed = || {
                let framed = Framed::of(text);
                framed.is_framed(text).then(|| &text[framed.json])
            };
            Document::parse(text).or_else(|| Document::parse(framed()?))
        };
        self.document.get_or_init(parse).as_ref()
    }

    /// The same JSON in the form that a JSON path takes; `None` if it is too deep.
    pub(super) fn value(&self) -> Option<&serde_json::Value> {
        let make = || {
            let document = self.document()?;
            (document.depth() < MAX_JSONPATH_DEPTH).then(|| to_value(document.root()))
        };
        self.value.get_or_init(make).as_ref()
    }
}

/// A value in the form that a JSON path takes. The caller bounds its depth.
fn to_value(value: super::document::Value<'_>) -> serde_json::Value {
    use super::document::Kind;
    use serde_json::Value;
    match value.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Bool(value.raw() == "true"),
        Kind::Number => serde_json::from_str(value.raw()).unwrap_or_default(),
        Kind::String => Value::String(value.string().unwrap_or_default().into_owned()),
        Kind::Array => Value::Array(value.children().map(to_value).collect()),
        Kind::Object => Value::Object(
            value
                .children()
                .map(|member| (member.key().into_owned(), to_value(member)))
                .collect(),
        ),
    }
}

/// Assembles a connection's frames into messages. Control frames may come between fragments.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    /// The kind of the message that has begun.
    kind: Option<MessageKind>,
    buffer: BytesMut,
    long: bool,
}

impl Assembly {
    /// Takes a frame; returns the message that it is, or that it completes.
    pub(crate) fn take(&mut self, frame: &ClientFrame) -> Option<Message> {
        let kind = match frame.kind {
            FrameKind::Ping => return Some(Message::new(MessageKind::Ping, frame.payload.clone())),
            FrameKind::Pong => return Some(Message::new(MessageKind::Pong, frame.payload.clone())),
            FrameKind::Close => {
                return Some(Message::new(MessageKind::Close, frame.payload.clone()));
            }
            FrameKind::Text => MessageKind::Text,
            FrameKind::Binary => MessageKind::Binary,
            FrameKind::Continuation => self.kind?,
        };
        if frame.fin && self.kind.is_none() && frame.len <= MAX_LOOKED_AT_BYTES {
            return Some(Message::new(kind, frame.payload.clone()));
        }
        self.kind = Some(kind);
        self.long |= self.buffer.len() + frame.len > MAX_LOOKED_AT_BYTES;
        if self.long {
            self.buffer = BytesMut::new();
        } else {
            self.buffer.extend_from_slice(&frame.payload);
        }
        if !frame.fin {
            return None;
        }
        self.kind = None;
        Some(Message {
            long: std::mem::take(&mut self.long),
            ..Message::new(kind, std::mem::take(&mut self.buffer).freeze())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: FrameKind, fin: bool, payload: &[u8]) -> ClientFrame {
        ClientFrame {
            kind,
            fin,
            payload: Bytes::copy_from_slice(payload),
            len: payload.len(),
        }
    }

    #[test]
    fn fragments_are_one_message_whatever_comes_between_them() {
        let mut assembly = Assembly::default();
        assert!(
            assembly
                .take(&frame(FrameKind::Text, false, b"{\"a\""))
                .is_none()
        );
        let ping = assembly.take(&frame(FrameKind::Ping, true, b"p")).unwrap();
        assert_eq!(
            (ping.kind(), ping.payload()),
            (MessageKind::Ping, &b"p"[..])
        );
        assert!(
            assembly
                .take(&frame(FrameKind::Continuation, false, b":1"))
                .is_none()
        );
        let whole = assembly
            .take(&frame(FrameKind::Continuation, true, b"}"))
            .unwrap();
        assert_eq!(
            (whole.kind(), whole.text()),
            (MessageKind::Text, Some("{\"a\":1}"))
        );
        assert!(whole.document().is_some());
        let next = assembly
            .take(&frame(FrameKind::Binary, true, b"x"))
            .unwrap();
        assert_eq!(
            (next.kind(), next.payload()),
            (MessageKind::Binary, &b"x"[..])
        );
    }

    #[test]
    fn of_a_message_beyond_the_bound_only_the_kind_is_kept() {
        let part = vec![b'a'; MAX_LOOKED_AT_BYTES / 4];
        let mut assembly = Assembly::default();
        assert!(
            assembly
                .take(&frame(FrameKind::Text, false, &part))
                .is_none()
        );
        for _ in 0..3 {
            assert!(
                assembly
                    .take(&frame(FrameKind::Continuation, false, &part))
                    .is_none()
            );
        }
        let long = assembly
            .take(&frame(FrameKind::Continuation, true, b"a"))
            .unwrap();
        assert_eq!(
            (long.kind(), long.is_long(), long.len()),
            (MessageKind::Text, true, 0)
        );
        let next = assembly.take(&frame(FrameKind::Text, true, b"b")).unwrap();
        assert!(!next.is_long());
    }
}
