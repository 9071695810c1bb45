//! Sending: one frame built once, handed to each connection, cut where a step wants it cut.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use wstape_tape::{Action, CloseFrame, Step};

use super::agenda::Op;
use super::conn::Phase;
use super::state::State;
use crate::CLOSE_WAIT;
use crate::frame;
use crate::journal::JournalKind;
use crate::layers::Scope;

/// Event names that are remembered, so that the journal need not copy them.
const MOST_NAMES: usize = 64;

/// Longest event name that the journal keeps, in bytes.
const LONGEST_NAME_BYTES: usize = 128;

/// Something to write onto a stream.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    what: Arc<str>,
    bytes: Bytes,
    kind: Kind,
}

impl Outgoing {
    /// Length on the wire, in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it is a Close.
    pub(super) fn is_close(&self) -> bool {
        self.kind == Kind::Close
    }

    /// Its name in the journal.
    pub(super) fn what(self) -> Arc<str> {
        self.what
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
    /// Bytes that are no frame.
    Bytes,
}

impl Kind {
    fn goes_to(self, phase: Phase) -> bool {
        match phase {
            Phase::Open => true,
            Phase::Closing => matches!(self, Self::RawFrame | Self::Bytes),
            Phase::Raw => self == Self::Bytes,
            Phase::Handshake | Phase::Hung | Phase::Answered => false,
        }
    }

    fn frames(self) -> u64 {
        u64::from(self != Self::Bytes)
    }
}

/// Work on one connection, in order.
enum Item {
    Bytes { bytes: Bytes, frames: u64 },
    Step(usize),
}

/// Names of the events sent so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: Vec<Arc<str>>,
}

impl Names {
    fn intern(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.known.iter().find(|known| ***known == *name) {
            return Arc::clone(known);
        }
        let mut cut = name.len().min(LONGEST_NAME_BYTES);
        while !name.is_char_boundary(cut) {
            cut -= 1;
        }
        let new: Arc<str> = name[..cut].into();
        if self.known.len() < MOST_NAMES {
            self.known.push(Arc::clone(&new));
        }
        new
    }

    /// The `event` of a message, `text` where it has none.
    fn of_event(&mut self, json: &[u8]) -> Arc<str> {
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(borrow)]
            event: Cow<'a, str>,
        }
        // What engines write begins with the event; anything else is parsed.
        let quick = json.strip_prefix(br#"{"event":"#).and_then(|rest| {
            let rest = rest
                .strip_prefix(b" ")
                .unwrap_or(rest)
                .strip_prefix(b"\"")?;
            let end = rest.iter().position(|&b| matches!(b, b'"' | b'\\'))?;
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

impl State {
    /// What a step sends; `None` for a step that sends nothing.
    pub(super) fn outgoing(&mut self, action: &Action) -> Option<Outgoing> {
        let (what, bytes, kind) = match action {
            Action::Emit(json) => {
                let json = self
                    .shift
                    .as_ref()
                    .map_or_else(|| json.clone(), |shift| shift.apply(json));
                (
                    self.names.of_event(&json),
                    frame::whole(frame::TEXT, &json),
                    Kind::Frame,
                )
            }
            Action::Text(text) => (
                self.names.intern("text"),
                frame::whole(frame::TEXT, text.as_bytes()),
                Kind::Frame,
            ),
            Action::Binary(bytes) => (
                self.names.intern("binary"),
                frame::whole(frame::BINARY, bytes),
                Kind::Frame,
            ),
            Action::Ping(bytes) => (
                self.names.intern("ping"),
                frame::whole(frame::PING, bytes),
                Kind::Frame,
            ),
            Action::Pong(bytes) => (
                self.names.intern("pong"),
                frame::whole(frame::PONG, bytes),
                Kind::Frame,
            ),
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

    /// Sends what `action` says to the open connections in `scope`; `false` where it says
    /// nothing to send.
    pub(super) fn send(&mut self, scope: Scope, action: &Action) -> bool {
        let Some(outgoing) = self.outgoing(action) else {
            return false;
        };
        self.send_outgoing(scope, &outgoing);
        true
    }

    /// Sends it to the open connections in `scope`.
    pub(super) fn send_outgoing(&mut self, scope: Scope, outgoing: &Outgoing) {
        let receivers = |id: u64| scope.holds(id);
        let takes = |phase: Phase| outgoing.kind.goes_to(phase);
        let to = self
            .conns
            .iter()
            .filter(|&(&id, conn)| receivers(id) && takes(conn.phase))
            .count();
        let only = scope.only();
        if to == 0 {
            self.log(
                only,
                JournalKind::Lost {
                    what: Arc::clone(&outgoing.what),
                },
            );
            return;
        }
        self.log(
            only,
            JournalKind::Sent {
                what: Arc::clone(&outgoing.what),
                to,
            },
        );
        let frames = outgoing.kind.frames();
        // Connections that need more than a push: a step waits for a mark, or a Close begins.
        let mut careful = Vec::new();
        let mut overrun = Vec::new();
        for (&id, conn) in &mut self.conns {
            if !receivers(id) || !takes(conn.phase) {
                continue;
            }
            if conn.triggers.watch_sending() || outgoing.kind == Kind::Close {
                careful.push(id);
                continue;
            }
            conn.triggers.sent(outgoing.bytes.len(), frames);
            if !conn.link.push(outgoing.bytes.clone()) {
                overrun.push(id);
            }
        }
        for id in careful {
            if outgoing.kind == Kind::Close {
                self.begin_closing(id);
            }
            self.deliver(
                id,
                Item::Bytes {
                    bytes: outgoing.bytes.clone(),
                    frames,
                },
            );
        }
        for id in overrun {
            self.overrun(id);
        }
    }

    /// Sends a frame of the engine's own (an answer to Ping or Close) on one connection.
    pub(super) fn answer(&mut self, id: u64, what: &str, bytes: Bytes) {
        let what = self.names.intern(what);
        self.log(Some(id), JournalKind::Sent { what, to: 1 });
        self.deliver(id, Item::Bytes { bytes, frames: 1 });
    }

    /// Runs prologue steps on a connection, in order.
    pub(super) fn run_steps(&mut self, id: u64, steps: &[usize]) {
        for &index in steps {
            self.deliver(id, Item::Step(index));
        }
    }

    /// Works through `first` and whatever steps it sets off. A list rather than a recursion:
    /// each step may send bytes that reach the mark of the next.
    fn deliver(&mut self, id: u64, first: Item) {
        let mut work = VecDeque::from([first]);
        while let Some(item) = work.pop_front() {
            match item {
                Item::Bytes { mut bytes, frames } => {
                    let Some(conn) = self.conns.get_mut(&id) else {
                        return;
                    };
                    let now = bytes.split_to(conn.triggers.before_mark(bytes.len()));
                    let sent = now.len();
                    if !conn.link.push(now) {
                        self.overrun(id);
                        return;
                    }
                    let done = bytes.is_empty();
                    let reached = conn.triggers.sent(sent, if done { frames } else { 0 });
                    if !done {
                        work.push_front(Item::Bytes { bytes, frames });
                    }
                    for index in reached.into_iter().rev() {
                        work.push_front(Item::Step(index));
                    }
                }
                Item::Step(index) => {
                    let (layer, step) = self.prologue.step(index);
                    self.note_places(layer, Scope::One(id), &step.action);
                    if let Some(bytes) = self.step_bytes(id, &step) {
                        work.push_front(bytes);
                    } else {
                        self.perform(layer, Scope::One(id), &step);
                    }
                }
            }
        }
    }

    /// What a prologue step sends on its connection, journalled; `None` where the step is not
    /// one that sends to an open connection.
    fn step_bytes(&mut self, id: u64, step: &Step) -> Option<Item> {
        if !step.action.is_sent() {
            return None;
        }
        let phase = self.conns.get(&id)?.phase;
        let outgoing = self.outgoing(&step.action)?;
        if !outgoing.kind.goes_to(phase) {
            self.log(
                Some(id),
                JournalKind::Lost {
                    what: outgoing.what,
                },
            );
            return Some(Item::Bytes {
                bytes: Bytes::new(),
                frames: 0,
            });
        }
        self.log(
            Some(id),
            JournalKind::Sent {
                what: outgoing.what,
                to: 1,
            },
        );
        if outgoing.kind == Kind::Close {
            self.begin_closing(id);
        }
        Some(Item::Bytes {
            bytes: outgoing.bytes,
            frames: outgoing.kind.frames(),
        })
    }

    /// The engine's Close is on its way: the client has [`CLOSE_WAIT`] for its own.
    pub(super) fn begin_closing(&mut self, id: u64) {
        let due = self.clock.now().0.saturating_add(CLOSE_WAIT.0);
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.phase = Phase::Closing;
            self.schedule_for(id, wstape_tape::Micros(due), Op::CloseWait { conn: id });
        }
    }

    fn overrun(&mut self, id: u64) {
        self.log(Some(id), JournalKind::Overrun);
        self.remove(id);
    }
}
