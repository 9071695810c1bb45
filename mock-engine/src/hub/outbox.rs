//! What a step sends, made once however many connections take it.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use wstape_tape::{Action, CloseFrame, Trigger};
use wstape_wire::Head;

use super::phase::Phase;
use crate::frame;
use crate::ids::LayerIndex;
use crate::timestamps::Shift;

/// The most event names remembered, so that the journal need not copy them.
const MAX_NAMES: usize = 64;

/// The reserved bits of a frame's first byte.
const RSV: u8 = 0x70;

/// The longest event name that the journal keeps, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// Something to write onto a stream.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    what: Arc<str>,
    bytes: Bytes,
    kind: Kind,
}

impl Outgoing {
    /// Its length on the wire, in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Takes the bytes themselves, for the last connection that gets them.
    pub(super) fn take_bytes(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes)
    }

    /// Its opcode and payload, if it is a message that may be compressed.
    pub(super) fn message(&self) -> Option<(u8, &[u8])> {
        let opcode = self.bytes.first()? & 0x0f;
        let data = self.kind == Kind::Frame && matches!(opcode, frame::TEXT | frame::BINARY);
        match Head::of(&self.bytes) {
            Head::Whole { bytes, .. } if data => Some((opcode, &self.bytes[bytes..])),
            _ => None,
        }
    }

    /// The number of whole frames in it.
    pub(super) fn frames(&self) -> u64 {
        u64::from(self.kind != Kind::Bytes)
    }

    /// Whether it is a legal message or Ping or Pong.
    pub(super) fn is_legal(&self) -> bool {
        self.kind == Kind::Frame
    }

    /// Whether it is a Close.
    pub(super) fn is_close(&self) -> bool {
        self.kind == Kind::Close
    }

    /// Its name in the journal.
    pub(super) fn what(&self) -> Arc<str> {
        Arc::clone(&self.what)
    }

    /// Whether a connection in this phase takes it.
    pub(super) fn goes_to(&self, phase: Phase) -> bool {
        match phase {
            Phase::Open => true,
            Phase::Closing => matches!(self.kind, Kind::RawFrame | Kind::Bytes),
            Phase::Raw => self.kind == Kind::Bytes,
            Phase::Handshake | Phase::Hung | Phase::Answered | Phase::HalfClosed => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A legal message or Ping or Pong: nothing for a connection that is closing.
    Frame,
    /// A Close.
    Close,
    /// A frame of any shape.
    RawFrame,
    /// Bytes that are not a frame.
    Bytes,
}

/// The names of the events sent so far.
#[derive(Debug, Default)]
struct Names {
    known: Vec<Arc<str>>,
}

impl Names {
    fn intern(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.known.iter().find(|known| ***known == *name) {
            return Arc::clone(known);
        }
        let mut cut = name.len().min(MAX_NAME_BYTES);
        while !name.is_char_boundary(cut) {
            cut -= 1;
        }
        let new: Arc<str> = name[..cut].into();
        if self.known.len() < MAX_NAMES {
            self.known.push(Arc::clone(&new));
        }
        new
    }

    /// The name in a message's `event`, or `text` if it has none.
    fn of_event(&mut self, json: &[u8]) -> Arc<str> {
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(borrow)]
            event: Cow<'a, str>,
        }
        // Engines put the event first; anything else is parsed in full.
        let quick = json.strip_prefix(br#"{"event":"#).and_then(|rest| {
            let rest = rest
                .strip_prefix(b" ")
                .unwrap_or(rest)
                .strip_prefix(b"\"")?;
            let end = memchr::memchr2(b'"', b'\\', rest)?;
            if rest[end] == b'"' {
                std::str::from_utf8(&rest[..end]).ok()
            } else {
                None
            }
        });
        match quick {
            Some(name) => self.intern(name),
            None => match serde_json::from_slice::<Head<'_>>(json) {
                Ok(head) => self.intern(&head.event),
                Err(_) => self.intern("text"),
            },
        }
    }
}

/// Makes what is sent.
#[derive(Debug)]
pub(super) struct Outbox {
    names: Names,
    /// How timestamps are moved when they are played; `None` if they stay.
    shift: Option<Shift>,
}

impl Outbox {
    pub(super) fn new(shift: Option<Shift>) -> Self {
        Self {
            names: Names::default(),
            shift,
        }
    }

    /// Takes on another base tape, with this wall time at 0.
    pub(super) fn rebase(&mut self, wall: DateTime<Utc>) {
        if let Some(shift) = &mut self.shift {
            shift.rebase(wall);
        }
    }

    /// The journal's name for something that the engine itself sends.
    pub(super) fn name(&mut self, name: &str) -> Arc<str> {
        self.names.intern(name)
    }

    /// The journal's name for a whole frame of a real engine.
    pub(super) fn name_of(&mut self, bytes: &[u8]) -> Arc<str> {
        let (Some(&first), Head::Whole { bytes: head, .. }) = (bytes.first(), Head::of(bytes))
        else {
            return self.names.intern("bytes");
        };
        let payload = bytes.get(head..).unwrap_or_default();
        let plain = first & RSV == 0;
        match first & 0x0f {
            frame::TEXT if plain => self.names.of_event(payload),
            frame::TEXT => self.names.intern("text"),
            frame::BINARY => self.names.intern("binary"),
            frame::CONTINUATION => self.names.intern("continuation"),
            frame::PING => self.names.intern("ping"),
            frame::PONG => self.names.intern("pong"),
            frame::CLOSE => match payload {
                [high, low, ..] => format!("close {}", u16::from_be_bytes([*high, *low])).into(),
                _ => self.names.intern("close"),
            },
            _ => self.names.intern("frame"),
        }
    }

    /// Makes what an action of a layer's step sends when played at the wall time `now`; `None` if
    /// it sends nothing.
    pub(super) fn make(
        &mut self,
        layer: LayerIndex,
        action: &Action,
        trigger: &Trigger,
        now: impl FnOnce() -> DateTime<Utc>,
    ) -> Option<Outgoing> {
        if let Some((what, opcode, payload)) = self.whole(layer, action, trigger, now) {
            return Some(Outgoing {
                what,
                bytes: frame::whole(opcode, &payload),
                kind: Kind::Frame,
            });
        }
        let (what, bytes, kind) = match action {
            Action::Close(close) => {
                let what = close
                    .as_ref()
                    .map_or("close".into(), |CloseFrame { code, .. }| {
                        format!("close {code}")
                    });
                (what.into(), frame::close(close.as_ref()), Kind::Close)
            }
            Action::Frame(raw) => (self.names.intern("frame"), frame::raw(raw), Kind::RawFrame),
            Action::Bytes(bytes) => (self.names.intern("bytes"), bytes.clone(), Kind::Bytes),
            _ => return None,
        };
        Some(Outgoing { what, bytes, kind })
    }

    /// Appends the whole frame that an action sends, as [`make`](Self::make) makes it, to `frames`.
    /// Returns its name in the journal; `None` for an action that sends no such frame.
    pub(super) fn put(
        &mut self,
        frames: &mut BytesMut,
        layer: LayerIndex,
        action: &Action,
        trigger: &Trigger,
        now: impl FnOnce() -> DateTime<Utc>,
    ) -> Option<Arc<str>> {
        let (what, opcode, payload) = self.whole(layer, action, trigger, now)?;
        frame::put_whole(frames, opcode, &payload);
        Some(what)
    }

    /// The whole frame that an action sends: its name in the journal, its opcode and payload.
    fn whole<'a>(
        &mut self,
        layer: LayerIndex,
        action: &'a Action,
        trigger: &Trigger,
        now: impl FnOnce() -> DateTime<Utc>,
    ) -> Option<(Arc<str>, u8, Payload<'a>)> {
        let of_every_message = |shift: &&Shift| shift.moves_every_message();
        Some(match action {
            Action::Emit(json) => {
                let json = match &self.shift {
                    Some(shift) => Payload::Made(shift.apply(json, layer, trigger, now())),
                    None => Payload::Told(json),
                };
                (self.names.of_event(&json), frame::TEXT, json)
            }
            Action::Json(json) => {
                let json = match self.shift.as_ref().filter(of_every_message) {
                    Some(shift) => Payload::Made(shift.apply(json, layer, trigger, now())),
                    None => Payload::Told(json),
                };
                (self.names.intern("json"), frame::TEXT, json)
            }
            Action::Text(text) => {
                let text = match self.shift.as_ref().filter(of_every_message) {
                    Some(shift) => {
                        let text = Bytes::copy_from_slice(text.as_bytes());
                        Payload::Made(shift.apply(&text, layer, trigger, now()))
                    }
                    None => Payload::Told(text.as_bytes()),
                };
                (self.names.intern("text"), frame::TEXT, text)
            }
            Action::Binary(bytes) => (
                self.names.intern("binary"),
                frame::BINARY,
                Payload::Told(bytes),
            ),
            Action::Ping(bytes) => (self.names.intern("ping"), frame::PING, Payload::Told(bytes)),
            Action::Pong(bytes) => (self.names.intern("pong"), frame::PONG, Payload::Told(bytes)),
            _ => return None,
        })
    }
}

/// A payload as the tape has it, or built from that.
enum Payload<'a> {
    Told(&'a [u8]),
    Made(Bytes),
}

impl Deref for Payload<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Told(bytes) => bytes,
            Self::Made(bytes) => bytes,
        }
    }
}
