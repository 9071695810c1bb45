//! Joins frames into messages, and checks them against RFC 6455.

use std::mem;
use std::ops::Range;

use super::frame::{Frame, Frames, Head, MAX_CONTROL_BYTES, Opcode, Sender};

/// The peer broke the protocol (RFC 6455, 7.4.1).
const PROTOCOL_ERROR: u16 = 1002;
/// A text is not UTF-8.
const NOT_UTF8: u16 = 1007;
/// A message is too big.
const TOO_BIG: u16 = 1009;

/// What a stream of frames contains, item by item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A text message, its fragments joined.
    Text(String),
    /// A binary message, its fragments joined.
    Binary(Vec<u8>),
    /// A Ping with its payload.
    Ping(Vec<u8>),
    /// A Pong with its payload.
    Pong(Vec<u8>),
    /// A Close. Nothing is read after it.
    Close {
        /// The status code, which [need not be legal](is_legal_close_code).
        code: Option<u16>,
        /// The reason.
        reason: String,
    },
    /// Why the other side must fail the connection. Nothing is read after it.
    Violation(Violation),
}

/// Why, and when, a connection must be failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The codes that the Close may carry: one for each fault of the frame.
    pub codes: Vec<u16>,
    /// What is wrong, in words.
    pub what: &'static str,
    /// Offset in the stream by which it must have been noticed: after the frame, or after its
    /// header if the payload is not to be read. May not have come yet.
    pub by: u64,
}

/// An [`Item`] and where in the stream it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What came.
    pub item: Item,
    /// Offset in the stream after the last byte needed to know this.
    pub end: u64,
    /// How many frames it came in.
    pub frames: u32,
}

impl Seen {
    /// Whether it is a frame in SPEC's sense: a whole Text, Binary, Ping or Pong.
    #[must_use]
    pub fn is_frame(&self) -> bool {
        matches!(
            self.item,
            Item::Text(_) | Item::Binary(_) | Item::Ping(_) | Item::Pong(_)
        )
    }
}

/// Whether a Close may carry this code (RFC 6455, 7.4.1 and 7.4.2, with the registry's 1012 and
/// 1013). 1014 is for gateways to tell each other and counts as illegal here.
#[must_use]
pub fn is_legal_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1013 | 3000..=4999)
}

/// A message with more fragments to come.
#[derive(Debug, Clone)]
struct Begun {
    text: bool,
    bytes: Vec<u8>,
    frames: u32,
    /// Offsets in the stream: of its first byte, and after the last of its bytes so far.
    start: u64,
    end: u64,
    /// How many of `bytes` are known to be UTF-8.
    valid: usize,
}

/// Reads one direction of an established connection as its receiver must.
///
/// ```
/// use wstape_oracle::wire::{Item, Messages, Sender};
///
/// let mut messages = Messages::new(Sender::Server, 1024);
/// messages.push(b"\x01\x02he\x89\x00\x80\x03llo");
/// assert_eq!(messages.next().unwrap().item, Item::Ping(vec![]));
/// let hello = messages.next().unwrap();
/// assert_eq!((hello.item, hello.end), (Item::Text("hello".into()), 11));
/// ```
#[derive(Debug, Clone)]
pub struct Messages {
    sender: Sender,
    max_message_bytes: u64,
    frames: Frames,
    begun: Option<Begun>,
    /// A data frame whose header breaks the protocol and that is still coming: where its message
    /// began, and where it must have been noticed.
    failing: Option<(u64, u64)>,
    over: bool,
}

impl Messages {
    /// Creates a reader at the start of what `sender` sends after the handshake, for a side that
    /// accepts messages of at most this many bytes.
    #[must_use]
    pub fn new(sender: Sender, max_message_bytes: usize) -> Self {
        Self {
            sender,
            max_message_bytes: max_message_bytes as u64,
            frames: Frames::new(),
            begun: None,
            failing: None,
            over: false,
        }
    }

    /// Takes the next bytes of the stream. After a Close or a violation they are ignored.
    pub fn push(&mut self, chunk: &[u8]) {
        self.frames.push(chunk);
        if self.over {
            self.frames.clear();
        }
    }

    /// Offset in the stream after the last byte that came.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.frames.received()
    }

    /// Whether everything has been read and nothing has begun: the stream is between two messages.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        self.begun.is_none() && self.frames.is_between_frames()
    }

    /// Whether a message has begun that has more fragments to come.
    #[must_use]
    pub fn is_in_message(&self) -> bool {
        self.begun.is_some()
    }

    /// The incomplete message: the offset in the stream of its first byte, and the one after its
    /// latest. What comes between its fragments is not part of it.
    #[must_use]
    pub fn under_way(&self) -> Option<Range<u64>> {
        if let Some((start, by)) = self.failing {
            // A reader of whole frames learns of the fault only from the last byte.
            return (self.received() < by).then(|| start..self.received());
        }
        let part = self.frames.begun().filter(|(_, opcode)| opcode.is_data());
        let start = match (&self.begun, part) {
            (Some(begun), _) => begun.start,
            (None, Some((start, _))) => start,
            (None, None) => return None,
        };
        let end = match (part, &self.begun) {
            (None, Some(begun)) => begun.end,
            _ => self.received(),
        };
        Some(start..end)
    }

    /// The next item, once it is complete.
    #[expect(clippy::should_implement_trait, reason = "more may come after None")]
    pub fn next(&mut self) -> Option<Seen> {
        while !self.over {
            let head = self.frames.head()?;
            if let Some(violation) = self.violation_of(&head) {
                let way = self.under_way().filter(|_| head.opcode.is_data());
                self.failing = way.map(|way| (way.start, violation.by));
                return Some(self.fail(violation, head.payload_at));
            }
            let frame = self.frames.next()?;
            let end = frame.end;
            let seen = |item| {
                Some(Seen {
                    item,
                    end,
                    frames: 1,
                })
            };
            match frame.opcode {
                Opcode::Ping => return seen(Item::Ping(frame.payload)),
                Opcode::Pong => return seen(Item::Pong(frame.payload)),
                Opcode::Close => {
                    let item = match close(&frame.payload) {
                        Ok(item) => item,
                        Err((codes, what)) => return Some(self.fail_at(codes, what, end)),
                    };
                    self.stop();
                    return seen(item);
                }
                Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                    if let Some(seen) = self.data(frame) {
                        return Some(seen);
                    }
                }
                Opcode::Reserved(_) => {
                    return Some(self.fail_at(vec![PROTOCOL_ERROR], "a reserved opcode", end));
                }
            }
        }
        None
    }

    /// What is wrong with a frame, by its header alone.
    fn violation_of(&self, head: &Head) -> Option<Violation> {
        let mut codes = Vec::new();
        let mut what = None;
        let mut note = |wrong: bool, code: u16, name: &'static str| {
            if wrong {
                what.get_or_insert(name);
                if !codes.contains(&code) {
                    codes.push(code);
                }
            }
        };
        let control = head.opcode.is_control();
        note(head.rsv != 0, PROTOCOL_ERROR, "a reserved bit is set");
        note(
            matches!(head.opcode, Opcode::Reserved(_)),
            PROTOCOL_ERROR,
            "a reserved opcode",
        );
        note(
            head.mask.is_some() != (self.sender == Sender::Client),
            PROTOCOL_ERROR,
            "a server's frame with a mask, or a client's without",
        );
        note(
            control && !head.fin,
            PROTOCOL_ERROR,
            "a control frame in fragments",
        );
        note(
            control && head.len > MAX_CONTROL_BYTES,
            PROTOCOL_ERROR,
            "a control frame of more than 125 bytes",
        );
        note(
            head.opcode == Opcode::Continuation && self.begun.is_none(),
            PROTOCOL_ERROR,
            "a continuation of nothing",
        );
        note(
            matches!(head.opcode, Opcode::Text | Opcode::Binary) && self.begun.is_some(),
            PROTOCOL_ERROR,
            "a new message before the last one ended",
        );
        note(
            head.len > i64::MAX.unsigned_abs(),
            PROTOCOL_ERROR,
            "a length of 64 bits",
        );
        // A control frame is not a message: the limit only applies to it if it is also too big for
        // a control frame.
        let too_big = head.len > self.max_message_bytes.max(MAX_CONTROL_BYTES);
        let so_far = self.begun.as_ref().map_or(0, |begun| begun.bytes.len());
        let whole = head.len.saturating_add(so_far as u64);
        note(
            too_big || (!control && whole > self.max_message_bytes),
            TOO_BIG,
            "a message over the limit",
        );
        Some(Violation {
            what: what?,
            codes,
            by: if too_big { head.payload_at } else { head.end() },
        })
    }

    /// Takes in a data frame; `Some` if it ends a message, or breaks one.
    fn data(&mut self, frame: Frame) -> Option<Seen> {
        let Frame {
            opcode,
            payload,
            fin,
            start,
            end,
            ..
        } = frame;
        let mut begun = match self.begun.take() {
            Some(mut begun) => {
                begun.bytes.extend_from_slice(&payload);
                begun.frames = begun.frames.saturating_add(1);
                begun.end = end;
                begun
            }
            None => Begun {
                text: opcode == Opcode::Text,
                bytes: payload,
                frames: 1,
                start,
                end,
                valid: 0,
            },
        };
        if begun.text
            && let Err(error) = std::str::from_utf8(&begun.bytes[begun.valid..])
        {
            // An incomplete sequence is no error until the message ends: the rest may still come.
            if fin || error.error_len().is_some() {
                return Some(self.fail_at(vec![NOT_UTF8], "a text that is not UTF-8", end));
            }
            begun.valid += error.valid_up_to();
        } else {
            begun.valid = begun.bytes.len();
        }
        if !fin {
            self.begun = Some(begun);
            return None;
        }
        let item = if begun.text {
            match String::from_utf8(begun.bytes) {
                Ok(text) => Item::Text(text),
                Err(_) => {
                    return Some(self.fail_at(vec![NOT_UTF8], "a text that is not UTF-8", end));
                }
            }
        } else {
            Item::Binary(begun.bytes)
        };
        Some(Seen {
            item,
            end,
            frames: begun.frames,
        })
    }

    fn fail_at(&mut self, codes: Vec<u16>, what: &'static str, end: u64) -> Seen {
        let by = end;
        self.fail(Violation { codes, what, by }, end)
    }

    fn fail(&mut self, violation: Violation, end: u64) -> Seen {
        self.stop();
        Seen {
            item: Item::Violation(violation),
            end,
            frames: 1,
        }
    }

    /// Stops reading.
    fn stop(&mut self) {
        self.over = true;
        self.frames.clear();
        drop(mem::take(&mut self.begun));
    }
}

/// Splits the payload of a Close (RFC 6455, 5.5.1).
fn close(payload: &[u8]) -> Result<Item, (Vec<u16>, &'static str)> {
    let (code, reason) = match payload {
        [] => (None, &[][..]),
        [_] => return Err((vec![PROTOCOL_ERROR], "a Close of one byte")),
        [high, low, reason @ ..] => (Some(u16::from_be_bytes([*high, *low])), reason),
    };
    let Ok(reason) = std::str::from_utf8(reason) else {
        let mut codes = vec![NOT_UTF8];
        if code.is_some_and(|code| !is_legal_close_code(code)) {
            codes.push(PROTOCOL_ERROR);
        }
        return Err((codes, "a Close whose reason is not UTF-8"));
    };
    Ok(Item::Close {
        code,
        reason: reason.to_owned(),
    })
}
