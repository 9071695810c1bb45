//! Single frames (RFC 6455, 5.2).

/// Most bytes of a control frame's payload (RFC 6455, 5.5).
pub(super) const MAX_CONTROL_BYTES: u64 = 125;

/// The sender of a stream's bytes. A client masks its frames, a server must not (RFC 6455, 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The engine.
    Server,
    /// The subscriber.
    Client,
}

/// What a frame is (RFC 6455, 11.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// 0: continues a message.
    Continuation,
    /// 1: begins a text message.
    Text,
    /// 2: begins a binary message.
    Binary,
    /// 8: a Close.
    Close,
    /// 9: a Ping.
    Ping,
    /// 10: a Pong.
    Pong,
    /// 3 to 7 and 11 to 15, which mean nothing.
    Reserved(u8),
}

impl Opcode {
    fn of(bits: u8) -> Self {
        match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            other => Self::Reserved(other),
        }
    }

    /// Whether it is part of a message.
    #[must_use]
    pub fn is_data(self) -> bool {
        matches!(self, Self::Continuation | Self::Text | Self::Binary)
    }

    /// Whether it is a control frame, including reserved ones.
    #[must_use]
    pub fn is_control(self) -> bool {
        match self {
            Self::Continuation | Self::Text | Self::Binary => false,
            Self::Close | Self::Ping | Self::Pong => true,
            Self::Reserved(bits) => bits >= 8,
        }
    }
}

/// The header of a frame, and its position in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) fin: bool,
    pub(super) rsv: u8,
    pub(super) opcode: Opcode,
    pub(super) mask: Option<[u8; 4]>,
    /// Length of the payload, as the header says.
    pub(super) len: u64,
    /// Offset of the header's first byte.
    pub(super) start: u64,
    /// Offset after the header's last byte.
    pub(super) payload_at: u64,
}

impl Head {
    /// Offset after the frame's last byte.
    pub(super) fn end(&self) -> u64 {
        self.payload_at.saturating_add(self.len)
    }
}

/// A complete frame, legal or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whether it is the last one of its message.
    pub fin: bool,
    /// The three reserved bits.
    pub rsv: u8,
    /// What it is.
    pub opcode: Opcode,
    /// Whether it came masked.
    pub masked: bool,
    /// Its payload, unmasked.
    pub payload: Vec<u8>,
    /// Offset in the stream of its first byte.
    pub start: u64,
    /// Offset in the stream after its last byte.
    pub end: u64,
}

/// Splits a stream into frames, whatever chunks it comes in. Judges nothing.
///
/// Buffers the incomplete frame. If the peer may announce any length, check the header first, as
/// [`Messages`](super::Messages) does.
///
/// ```
/// use wstape_oracle::wire::{Frames, Opcode};
///
/// let mut frames = Frames::new();
/// frames.push(&[0x89, 2, b'h']);
/// assert_eq!(frames.next(), None, "a byte is missing");
/// frames.push(b"i");
/// let ping = frames.next().expect("a whole frame");
/// assert_eq!((ping.opcode, ping.payload.as_slice(), ping.end), (Opcode::Ping, &b"hi"[..], 4));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where in `bytes` the next frame begins.
    at: usize,
    /// Offset in the stream of the first of `bytes`.
    base: u64,
}

impl Frames {
    /// Creates a reader at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, chunk: &[u8]) {
        if self.at > 0 {
            self.bytes.drain(..self.at);
            self.base += self.at as u64;
            self.at = 0;
        }
        self.bytes.extend_from_slice(chunk);
    }

    /// Offset in the stream after the last byte that came.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// The header of the next frame, once it is complete.
    pub(super) fn head(&self) -> Option<Head> {
        let rest = &self.bytes[self.at..];
        let [first, second, rest @ ..] = rest else {
            return None;
        };
        let (len, rest) = match second & 0x7f {
            126 => {
                let (len, rest) = rest.split_first_chunk::<2>()?;
                (u64::from(u16::from_be_bytes(*len)), rest)
            }
            127 => {
                let (len, rest) = rest.split_first_chunk::<8>()?;
                (u64::from_be_bytes(*len), rest)
            }
            len => (u64::from(len), rest),
        };
        let (mask, rest) = if second & 0x80 == 0 {
            (None, rest)
        } else {
            let (mask, rest) = rest.split_first_chunk::<4>()?;
            (Some(*mask), rest)
        };
        Some(Head {
            fin: first & 0x80 != 0,
            rsv: first >> 4 & 0b111,
            opcode: Opcode::of(first & 0x0f),
            mask,
            len,
            start: self.base + self.at as u64,
            payload_at: self.received() - rest.len() as u64,
        })
    }

    /// The next frame, once it is complete.
    // Not an iterator: more may come after `None`.
    #[expect(clippy::should_implement_trait, reason = "more may come after None")]
    pub fn next(&mut self) -> Option<Frame> {
        let head = self.head()?;
        if head.end() > self.received() {
            return None;
        }
        let from = usize::try_from(head.payload_at - self.base).ok()?;
        let to = usize::try_from(head.end() - self.base).ok()?;
        let mut payload = self.bytes[from..to].to_vec();
        if let Some(mask) = head.mask {
            for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
                *byte ^= mask;
            }
        }
        self.at = to;
        Some(Frame {
            fin: head.fin,
            rsv: head.rsv,
            opcode: head.opcode,
            masked: head.mask.is_some(),
            payload,
            start: head.start,
            end: head.end(),
        })
    }

    /// For a frame that has begun but is incomplete: its offset, and its opcode.
    pub(super) fn begun(&self) -> Option<(u64, Opcode)> {
        let first = self.bytes.get(self.at)?;
        Some((self.base + self.at as u64, Opcode::of(first & 0x0f)))
    }

    /// Whether no frame has begun to come.
    pub(super) fn is_between_frames(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Drops all buffered bytes.
    pub(super) fn clear(&mut self) {
        self.base = self.received();
        self.bytes = Vec::new();
        self.at = 0;
    }
}
