//! `received`: what the client sent when the tape was recorded.

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::feature::CONNECTIONS;
use crate::json::{Field, Pen, read_headers, words};

/// What a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Kind of frame or moment.
    pub kind: ReceivedKind,
    /// Text payload.
    pub text: Option<String>,
    /// Binary payload.
    pub binary: Option<Bytes>,
    /// Close code.
    pub code: Option<u16>,
    /// Close reason.
    pub reason: Option<String>,
    /// The FIN bit of a [`Frame`](ReceivedKind::Frame).
    pub fin: Option<bool>,
    /// The three RSV bits of a [`Frame`](ReceivedKind::Frame), 0 to 7.
    pub rsv: Option<u8>,
    /// The opcode of a [`Frame`](ReceivedKind::Frame), 0 to 15.
    pub opcode: Option<u8>,
    /// The request target of an [`Open`](ReceivedKind::Open).
    pub path: Option<String>,
    /// The request's headers of an [`Open`](ReceivedKind::Open), in their order.
    pub headers: Vec<(String, String)>,
}

impl Received {
    /// Creates one of this kind, with all else left empty.
    #[must_use]
    pub fn new(kind: ReceivedKind) -> Self {
        Self {
            kind,
            text: None,
            binary: None,
            code: None,
            reason: None,
            fin: None,
            rsv: None,
            opcode: None,
            path: None,
            headers: Vec::new(),
        }
    }
}

/// Kind of what a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceivedKind {
    /// Text message.
    Text,
    /// Binary message.
    Binary,
    /// Ping.
    Ping,
    /// Pong.
    Pong,
    /// Close.
    Close,
    /// `"open"`: the handshake's request.
    Open,
    /// `"frame"`: a fragment, or a frame that RFC 6455 does not allow.
    Frame,
    /// `"bytes"`: bytes that are not a frame, such as the rest of a torn one.
    Bytes,
    /// `"fin"`: the client ended the transport with a FIN.
    Fin,
    /// `"reset"`: the client ended the transport with a reset.
    Reset,
}

words!(ReceivedKind {
    Text = "text",
    Binary = "binary",
    Ping = "ping",
    Pong = "pong",
    Close = "close",
    Open = "open",
    Frame = "frame",
    Bytes = "bytes",
    Fin = "fin",
    Reset = "reset",
});

impl ReceivedKind {
    /// Whether the format's first version has it; the others require
    /// [`CONNECTIONS`](crate::CONNECTIONS) in the header's `needs`, and no `expect` can be about
    /// them.
    pub(super) fn in_first_version(self) -> bool {
        matches!(
            self,
            Self::Text | Self::Binary | Self::Ping | Self::Pong | Self::Close
        )
    }
}

impl Spec for Received {
    type Value = Self;
    const KEY: &'static str = "received";
    const CLASS: Class = Class::Event;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        const KEYS: [&str; 10] = [
            "kind", "text", "binary", "code", "reason", "fin", "rsv", "opcode", "path", "headers",
        ];
        let object = field.object(&KEYS)?;
        let kind = object.demand("kind", r#"{"kind":"text","text":"…"}"#)?;
        Ok(Self {
            kind: kind.word()?,
            text: object.get("text").map(Field::owned_string).transpose()?,
            binary: object.get("binary").map(Field::base64).transpose()?,
            code: object
                .get("code")
                .map(|f| f.whole(0..=u16::MAX))
                .transpose()?,
            reason: object.get("reason").map(Field::owned_string).transpose()?,
            fin: object.get("fin").map(Field::bool).transpose()?,
            rsv: object.get("rsv").map(|f| f.whole(0..=7)).transpose()?,
            opcode: object.get("opcode").map(|f| f.whole(0..=15)).transpose()?,
            path: object.get("path").map(Field::owned_string).transpose()?,
            headers: read_headers(&object)?,
        })
    }

    fn write(received: &Self, pen: &mut Pen) {
        pen.object(Self::KEY);
        pen.string("kind", received.kind.word());
        if let Some(text) = &received.text {
            pen.string("text", text);
        }
        if let Some(binary) = &received.binary {
            pen.base64("binary", binary);
        }
        if let Some(code) = received.code {
            pen.json("code", code);
        }
        if let Some(reason) = &received.reason {
            pen.string("reason", reason);
        }
        if let Some(fin) = received.fin {
            pen.json("fin", fin);
        }
        if let Some(rsv) = received.rsv {
            pen.json("rsv", rsv);
        }
        if let Some(opcode) = received.opcode {
            pen.json("opcode", opcode);
        }
        if let Some(path) = &received.path {
            pen.string("path", path);
        }
        pen.headers(&received.headers);
        pen.close();
    }

    fn feature(received: &Self) -> Option<&'static str> {
        (!received.kind.in_first_version()).then_some(CONNECTIONS)
    }
}
