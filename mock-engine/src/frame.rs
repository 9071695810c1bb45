//! WebSocket frames: encoding the server's, parsing the client's (RFC 6455, section 5).

use std::io::Cursor;

use bytes::{BufMut, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use wstape_tape::{CloseFrame, RawFrame};

/// The longest payload a client's frame may have.
pub const MAX_CLIENT_FRAME_BYTES: u64 = 1024 * 1024;

/// The longest payload of a legal control frame (RFC 6455, 5.5).
const MAX_CONTROL_BYTES: u64 = 125;

/// How much of a client frame's payload the journal keeps.
pub const KEPT_PAYLOAD_BYTES: usize = 16 * 1024;

/// Opcode of a Text frame.
pub(crate) const TEXT: u8 = 1;
/// Opcode of a Binary frame.
pub(crate) const BINARY: u8 = 2;
const CLOSE: u8 = 8;
/// Opcode of a Ping.
pub(crate) const PING: u8 = 9;
/// Opcode of a Pong.
pub(crate) const PONG: u8 = 10;

/// A whole, unmasked frame, header and payload in one piece.
pub(crate) fn whole(opcode: u8, payload: &[u8]) -> Bytes {
    build(0x80 | opcode, payload.len() as u64, None, payload)
}

/// A Close frame; an illegal code or an overlong reason is written as it stands.
pub(crate) fn close(frame: Option<&CloseFrame>) -> Bytes {
    let mut payload = Vec::new();
    if let Some(CloseFrame { code, reason }) = frame {
        payload.extend_from_slice(&code.to_be_bytes());
        payload.extend_from_slice(reason.as_bytes());
    }
    whole(CLOSE, &payload)
}

/// Any frame, legal or not.
pub(crate) fn raw(frame: &RawFrame) -> Bytes {
    let first = u8::from(frame.fin) << 7 | (frame.rsv & 7) << 4 | (frame.opcode & 15);
    let declared = frame.declared_len.unwrap_or(frame.payload.len() as u64);
    build(first, declared, frame.mask, &frame.payload)
}

fn build(first: u8, declared: u64, mask: Option<[u8; 4]>, payload: &[u8]) -> Bytes {
    const LONGEST_HEADER_BYTES: usize = 14;
    // Marks of a length in two and in eight bytes.
    const MEDIUM: u8 = 0x7e;
    const LONG: u8 = 0x7f;
    let mut out = BytesMut::with_capacity(LONGEST_HEADER_BYTES + payload.len());
    let mask_bit = if mask.is_some() { 0x80 } else { 0 };
    out.put_u8(first);
    if let (Ok(short), true) = (u8::try_from(declared), declared < u64::from(MEDIUM)) {
        out.put_u8(mask_bit | short);
    } else if let Ok(medium) = u16::try_from(declared) {
        out.put_u8(mask_bit | MEDIUM);
        out.put_u16(medium);
    } else {
        out.put_u8(mask_bit | LONG);
        out.put_u64(declared);
    }
    let body = out.len() + mask.map_or(0, |key| key.len());
    out.extend_from_slice(mask.as_ref().map_or(&[][..], |key| key));
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        apply_mask(&mut out[body..], key);
    }
    out.freeze()
}

fn apply_mask(payload: &mut [u8], key: [u8; 4]) {
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// Kind of a frame that a client sent.
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
    /// The word the journal and the tape use.
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

    fn control(self) -> bool {
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
    /// The frame as the journal keeps it: in memory of its own, its payload cut where that is
    /// long, and a text's not within a character.
    pub(crate) fn kept(&self) -> Self {
        let mut cut = self.payload.len().min(KEPT_PAYLOAD_BYTES);
        if let Some(text) = self.text() {
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

    /// Code of a Close that has one.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        match (self.kind, &self.payload[..]) {
            (FrameKind::Close, [high, low, ..]) => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        }
    }

    /// What there is to read as text: the payload, or a Close's reason. `None` where it is not
    /// UTF-8, and for Binary.
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

/// Why a client's bytes are no legal frame, and the Close code that says so.
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

/// Cuts a client's byte stream into frames, however the bytes arrive.
#[derive(Debug)]
pub(crate) struct FrameParser {
    buffer: BytesMut,
    /// A message has begun and its last fragment has not come yet.
    fragmented: bool,
}

impl FrameParser {
    /// A parser that has been given `first` already.
    pub(crate) fn new(first: &[u8]) -> Self {
        Self {
            buffer: BytesMut::from(first),
            fragmented: false,
        }
    }

    /// Where to read further bytes into.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next whole frame, `None` where more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<ClientFrame>, BadFrame> {
        let mut cursor = Cursor::new(&self.buffer[..]);
        let parsed =
            FrameHeader::parse(&mut cursor).map_err(|_| BadFrame::protocol("reserved opcode"))?;
        let Some((header, len)) = parsed else {
            return Ok(None);
        };
        let head = usize::try_from(cursor.position())
            .map_err(|_| BadFrame::protocol("impossible header"))?;
        let kind = kind_of(header.opcode)?;
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(BadFrame::protocol("reserved bit set without an extension"));
        }
        let Some(mask) = header.mask else {
            return Err(BadFrame::protocol("unmasked frame from a client"));
        };
        if kind.control() && (len > MAX_CONTROL_BYTES || !header.is_final) {
            return Err(BadFrame::protocol(
                "control frame fragmented or over 125 bytes",
            ));
        }
        if !kind.control() && (kind == FrameKind::Continuation) != self.fragmented {
            return Err(BadFrame::protocol("fragment out of order"));
        }
        let len = match usize::try_from(len) {
            Ok(fits) if len <= MAX_CLIENT_FRAME_BYTES => fits,
            _ => {
                return Err(BadFrame {
                    code: 1009,
                    text: "frame over a megabyte",
                });
            }
        };
        if self.buffer.len() < head + len {
            self.buffer.reserve(head + len - self.buffer.len());
            return Ok(None);
        }
        let mut frame = self.buffer.split_to(head + len);
        let mut payload = frame.split_off(head);
        apply_mask(&mut payload, mask);
        if !kind.control() {
            self.fragmented = !header.is_final;
        }
        let frame = ClientFrame {
            kind,
            fin: header.is_final,
            len: payload.len(),
            payload: payload.freeze(),
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

fn kind_of(opcode: OpCode) -> Result<FrameKind, BadFrame> {
    Ok(match opcode {
        OpCode::Data(Data::Text) => FrameKind::Text,
        OpCode::Data(Data::Binary) => FrameKind::Binary,
        OpCode::Data(Data::Continue) => FrameKind::Continuation,
        OpCode::Control(Control::Close) => FrameKind::Close,
        OpCode::Control(Control::Ping) => FrameKind::Ping,
        OpCode::Control(Control::Pong) => FrameKind::Pong,
        OpCode::Data(Data::Reserved(_)) | OpCode::Control(Control::Reserved(_)) => {
            return Err(BadFrame::protocol("reserved opcode"));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Bytes {
        build(first, payload.len() as u64, Some([1, 2, 3, 4]), payload)
    }

    #[test]
    fn lengths_use_the_shortest_form() {
        for (len, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let frame = whole(TEXT, &vec![b'x'; len]);
            assert_eq!(frame.len(), head + len, "payload of {len}");
        }
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
        let long = build(0x82, MAX_CLIENT_FRAME_BYTES + 1, Some([0; 4]), b"");
        let table: [(&[u8], u16); 8] = [
            (&whole(TEXT, b"x"), 1002),
            (&masked(0xc1, b"x"), 1002),
            (&masked(0x83, b"x"), 1002),
            (&masked(0x8b, b"x"), 1002),
            (&masked(0x09, b"x"), 1002),
            (&masked(0x80, b"x"), 1002),
            (&masked(0x81, b"\xff"), 1007),
            (&long, 1009),
        ];
        for (bytes, code) in table {
            let error = FrameParser::new(bytes).next().unwrap_err();
            assert_eq!(error.code, code, "{bytes:x?}: {error}");
        }
    }
}
