//! What is to happen later, in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use wstape_tape::{Micros, Step};

use crate::layers::Scope;

/// Names an entry of the agenda: its time, and its place among those of the same time.
pub(super) type Slot = (Micros, u64);

/// Something that is to happen at a time.
#[derive(Debug)]
pub(super) enum Op {
    /// A step that its jitter put off.
    Step {
        layer: usize,
        scope: Scope,
        step: Arc<Step>,
    },
    /// A prologue step on one connection.
    Prologue { conn: u64, index: usize },
    /// A state clears by itself.
    Expire {
        layer: usize,
        generation: u64,
        scope: Scope,
    },
    /// A late Pong.
    Pong { conn: u64, payload: Bytes },
    /// The client had long enough to answer a Close.
    CloseWait { conn: u64 },
    /// The tape had long enough to answer the client's Close, of this code.
    CloseAnswer { conn: u64, code: Option<u16> },
}

/// Ordered by time, then by when it was put in.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    ops: BTreeMap<Slot, Op>,
    counter: u64,
}

impl Agenda {
    pub(super) fn put(&mut self, due: Micros, op: Op) -> Slot {
        self.counter += 1;
        let slot = (due, self.counter);
        self.ops.insert(slot, op);
        slot
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        self.ops.remove(&slot);
    }

    /// When the next thing is due.
    pub(super) fn next_due(&self) -> Option<Micros> {
        self.ops.first_key_value().map(|((due, _), _)| *due)
    }

    /// The next thing, where it is due by `now`.
    pub(super) fn take_due(&mut self, now: Micros) -> Option<(Slot, Op)> {
        if self.next_due()? > now {
            return None;
        }
        self.ops.pop_first()
    }
}
