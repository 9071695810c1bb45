//! WebSocket frames: encodes the server's and parses the client's (RFC 6455, section 5).

use bytes::{Bytes, BytesMut};
use wstape_tape::{CloseFrame, RawFrame};
use wstape_wire::{Head, MAX_CONTROL_BYTES, apply_mask};

/// The longest payload that a client's frame may have, in bytes.
pub const MAX_CLIENT_FRAME_BYTES: u64 = 1024 * 1024;

/// The reserved bits of a frame's first byte, and the one that says that its message is compressed
/// (RFC 7692, 6).
const RSV: u8 = 0x70;
const COMPRESSED: u8 = 0x40;

/// The most bytes of a client frame's payload that the journal keeps.
pub const KEPT_PAYLOAD_BYTES: usize = 16 * 1024;

use crate::deflate::{Inflater, NotInflated, Terms};

pub(crate) use wstape_wire::opcode::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
pub(crate) use wstape_wire::{put_whole_frame as put_whole, whole_frame as whole};

/// Encodes a Close frame; an illegal code or an overlong reason is written unchanged.
pub(crate) fn close(frame: Option<&CloseFrame>) -> Bytes {
    let mut payload = Vec::new();
    if let Some(CloseFrame { code, reason }) = frame {
        payload.extend_from_slice(&code.to_be_bytes());
        payload.extend_from_slice(reason.as_bytes());
    }
    whole(CLOSE, &payload)
}

/// Encodes a whole message whose payload is deflate data.
pub(crate) fn compressed(opcode: u8, payload: &[u8]) -> Bytes {
    let first = 0x80 | COMPRESSED | opcode;
    wstape_wire::frame(first, payload.len() as u64, None, payload)
}

/// Encodes any frame, legal or not.
pub(crate) fn raw(frame: &RawFrame) -> Bytes {
    let first = u8::from(frame.fin) << 7 | (frame.rsv & 7) << 4 | (frame.opcode & 15);
    let declared = frame.declared_len.unwrap_or(frame.payload.len() as u64);
    wstape_wire::frame(first, declared, frame.mask, &frame.payload)
}

/// The kind of a frame that a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Text, or the first fragment of one.
    Text,
    /// Binary, or the first fragment of one.
    Binary,
    /// A further fragment.
    Continuation,
    /// Close.
    Close,
    /// Ping.
    Ping,
    /// Pong.
    Pong,
}

impl FrameKind {
    /// The word that the journal and the tape use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Continuation => "continuation",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        }
    }

    /// The kind that has this word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let kinds = [
            Self::Text,
            Self::Binary,
            Self::Continuation,
            Self::Close,
            Self::Ping,
            Self::Pong,
        ];
        kinds.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it is a control frame.
    pub(crate) fn control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A frame that a client sent, unmasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFrame {
    /// What it is.
    pub kind: FrameKind,
    /// The FIN bit: false for a fragment that is not the last.
    pub fin: bool,
    /// The payload; of a Close, code and reason included. The journal keeps the first
    /// [`KEPT_PAYLOAD_BYTES`] of it.
    pub payload: Bytes,
    /// Length of the whole payload in bytes.
    pub len: usize,
}

impl ClientFrame {
    /// The frame as the journal keeps it: in memory of its own, with a long payload cut, though
    /// never within a character of a text.
    pub(crate) fn kept(&self) -> Self {
        let mut cut = self.payload.len().min(KEPT_PAYLOAD_BYTES);
        if cut < self.payload.len()
            && let Some(text) = self.text()
        {
            let before = self.payload.len() - text.len();
            while cut > before && !text.is_char_boundary(cut - before) {
                cut -= 1;
            }
        }
        Self {
            payload: Bytes::copy_from_slice(&self.payload[..cut]),
            ..self.clone()
        }
    }

    /// The code of a Close that has one.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        match (self.kind, &self.payload[..]) {
            (FrameKind::Close, [high, low, ..]) => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        }
    }

    /// Its text: the payload, or a Close's reason. `None` for Binary, and if it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let bytes = match self.kind {
            FrameKind::Binary => return None,
            FrameKind::Close => self.payload.get(2..).unwrap_or_default(),
            _ => &self.payload[..],
        };
        std::str::from_utf8(bytes).ok()
    }
}

/// Why a client's bytes are not a legal frame, and the Close code for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct BadFrame {
    pub(crate) code: u16,
    text: &'static str,
}

impl BadFrame {
    const fn protocol(text: &'static str) -> Self {
        Self { code: 1002, text }
    }
}

impl From<NotInflated> for BadFrame {
    fn from(error: NotInflated) -> Self {
        match error {
            NotInflated::TooLong => Self {
                code: 1009,
                text: "compressed message over a megabyte",
            },
            NotInflated::NotDeflate => Self {
                code: 1007,
                text: "compressed message that is not deflate data",
            },
        }
    }
}

/// Cuts a client's byte stream into frames, however the bytes arrive.
#[derive(Debug)]
pub(crate) struct FrameParser {
    buffer: BytesMut,
    /// Whether a message has begun and its last fragment has not come yet.
    fragmented: bool,
    /// Set if compressed messages were agreed on.
    inflater: Option<Inflater>,
    /// Whether the message that has begun is compressed.
    compressed: bool,
    /// The longest payload that is accepted, in bytes.
    max_bytes: usize,
}

impl FrameParser {
    /// A parser that has been given `first` already.
    pub(crate) fn new(first: &[u8]) -> Self {
        Self {
            buffer: BytesMut::from(first),
            fragmented: false,
            inflater: None,
            compressed: false,
            max_bytes: usize::try_from(MAX_CLIENT_FRAME_BYTES).unwrap_or(usize::MAX),
        }
    }

    /// Accepts frames up to this length and, with a later [`inflating`](Self::inflating), messages
    /// too.
    pub(crate) fn up_to(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Accepts compressed messages too, if that was agreed on.
    pub(crate) fn inflating(mut self, terms: Option<Terms>) -> Self {
        self.inflater = terms.map(|terms| Inflater::new(terms, self.max_bytes));
        self
    }

    /// Where to read further bytes into.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next whole frame, or `None` if more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<ClientFrame>, BadFrame> {
        let (head, len) = match Head::of(&self.buffer) {
            Head::Short(_) => return Ok(None),
            Head::Whole { bytes, payload } => (bytes, payload),
            Head::Illegal => return Err(BadFrame::protocol("length not in its shortest form")),
        };
        let first = self.buffer[0];
        let fin = first & 0x80 != 0;
        let kind = kind_of(first & 0x0f)?;
        let rsv = first & RSV;
        let may_be_compressed =
            self.inflater.is_some() && !kind.control() && kind != FrameKind::Continuation;
        if rsv != 0 && !(rsv == COMPRESSED && may_be_compressed) {
            return Err(BadFrame::protocol("reserved bit set without an extension"));
        }
        if self.buffer[1] & 0x80 == 0 {
            return Err(BadFrame::protocol("unmasked frame from a client"));
        }
        if kind.control() && (len > MAX_CONTROL_BYTES as u64 || !fin) {
            return Err(BadFrame::protocol(
                "control frame fragmented or over 125 bytes",
            ));
        }
        if !kind.control() && (kind == FrameKind::Continuation) != self.fragmented {
            return Err(BadFrame::protocol("fragment out of order"));
        }
        let len = match usize::try_from(len) {
            Ok(fits) if fits <= self.max_bytes => fits,
            _ => {
                return Err(BadFrame {
                    code: 1009,
                    text: if self.max_bytes as u64 == MAX_CLIENT_FRAME_BYTES {
                        "frame over a megabyte"
                    } else {
                        "frame too long to be read"
                    },
                });
            }
        };
        if self.buffer.len() < head + len {
            self.buffer.reserve(head + len - self.buffer.len());
            return Ok(None);
        }
        let mut frame = self.buffer.split_to(head + len);
        let mut payload = frame.split_off(head);
        let mask = frame[head - 4..].try_into().expect("a mask of four bytes");
        apply_mask(&mut payload, mask);
        let mut payload = payload.freeze();
        if !kind.control() {
            if kind != FrameKind::Continuation {
                self.compressed = rsv == COMPRESSED;
            }
            self.fragmented = !fin;
            if self.compressed
                && let Some(inflater) = &mut self.inflater
            {
                payload = inflater.frame(&payload, fin)?;
            }
        }
        let frame = ClientFrame {
            kind,
            fin,
            len: payload.len(),
            payload,
        };
        if kind == FrameKind::Text && frame.fin && frame.text().is_none() {
            return Err(BadFrame {
                code: 1007,
                text: "text that is not UTF-8",
            });
        }
        Ok(Some(frame))
    }
}

fn kind_of(opcode: u8) -> Result<FrameKind, BadFrame> {
    Ok(match opcode {
        TEXT => FrameKind::Text,
        BINARY => FrameKind::Binary,
        CONTINUATION => FrameKind::Continuation,
        CLOSE => FrameKind::Close,
        PING => FrameKind::Ping,
        PONG => FrameKind::Pong,
        _ => return Err(BadFrame::protocol("reserved opcode")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Bytes {
        wstape_wire::frame(first, payload.len() as u64, Some([1, 2, 3, 4]), payload)
    }

    #[test]
    fn a_declared_length_and_every_bit_are_written_as_told() {
        let frame = RawFrame {
            fin: false,
            rsv: 5,
            opcode: 3,
            mask: None,
            payload: "ab".into(),
            declared_len: Some(1 << 40),
        };
        assert_eq!(&raw(&frame)[..], b"\x53\x7f\0\0\x01\0\0\0\0\0ab");
    }

    #[test]
    fn frames_come_out_however_the_bytes_arrive() {
        let stream = [
            masked(0x81, b"one"),
            masked(0x89, b""),
            masked(0x88, b"\x03\xe8bye"),
        ]
        .concat();
        for step in 1..=stream.len() {
            let mut parser = FrameParser::new(b"");
            let mut seen = Vec::new();
            for part in stream.chunks(step) {
                parser.buffer().extend_from_slice(part);
                while let Some(frame) = parser.next().unwrap() {
                    seen.push((
                        frame.kind,
                        frame.text().map(str::to_owned),
                        frame.close_code(),
                    ));
                }
            }
            let expected = [
                (FrameKind::Text, Some("one".to_owned()), None),
                (FrameKind::Ping, Some(String::new()), None),
                (FrameKind::Close, Some("bye".to_owned()), Some(1000)),
            ];
            assert_eq!(seen, expected, "parts of {step}");
        }
    }

    #[test]
    fn a_long_payload_is_kept_in_part_and_never_within_a_character() {
        let text = "é".repeat(KEPT_PAYLOAD_BYTES);
        let payload = Bytes::from(format!("x{text}"));
        let len = payload.len();
        let frame = ClientFrame {
            kind: FrameKind::Text,
            fin: true,
            payload,
            len,
        };
        let kept = frame.kept();
        assert_eq!(
            (kept.payload.len(), kept.len),
            (KEPT_PAYLOAD_BYTES - 1, len)
        );
        assert!(kept.text().is_some_and(|text| text.ends_with('é')));
    }

    #[test]
    fn illegal_frames_are_named_with_their_close_code() {
        let long = wstape_wire::frame(0x82, MAX_CLIENT_FRAME_BYTES + 1, Some([0; 4]), b"");
        let table: [(&[u8], u16); 9] = [
            (&whole(TEXT, b"x"), 1002),
            (&masked(0xc1, b"x"), 1002),
            (&masked(0x83, b"x"), 1002),
            (&masked(0x8b, b"x"), 1002),
            (&masked(0x09, b"x"), 1002),
            (&masked(0x80, b"x"), 1002),
            (&masked(0x81, b"\xff"), 1007),
            (&long, 1009),
            (b"\x82\xfe\0\x05\0\0\0\0hello", 1002),
        ];
        for (bytes, code) in table {
            let error = FrameParser::new(bytes).next().unwrap_err();
            assert_eq!(error.code, code, "{bytes:x?}: {error}");
        }
    }
}
