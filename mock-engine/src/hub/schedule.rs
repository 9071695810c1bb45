//! What will happen later, in order, and when the tape's time began.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;
use wstape_tape::{Micros, Step};

use crate::dialogue::{Kept, RunIndex, StepIndex, Ticket};
use crate::ids::{ConnId, LayerIndex, Renumbering, Scope};

/// Identifies an entry of the schedule: its time, and its place among those of the same time.
type Slot = (Micros, u64);

/// Something due at a time.
#[derive(Debug)]
pub(super) enum Op {
    /// A step that its jitter put off, or that was posted for later.
    Step {
        layer: LayerIndex,
        scope: Scope,
        step: Step,
    },
    /// A state whose time is over.
    Expire {
        layer: LayerIndex,
        scope: Scope,
        generation: u64,
    },
    /// A prologue step on one connection.
    Prologue { conn: ConnId, index: usize },
    /// The time of an expectation is over.
    Judge { number: u64 },
    /// A step of a dialogue that happens some time after its message.
    Answer {
        conn: ConnId,
        step: StepIndex,
        count: u64,
        kept: Option<Arc<Kept>>,
        /// Whether it answers the connection's Close, and so ends the connection.
        ends: bool,
    },
    /// A silence that may be complete.
    Silence { conn: ConnId, step: StepIndex },
    /// A line of a scene, for the `nth` time from 0 since the scene's `starts`th start.
    Scene {
        conn: ConnId,
        run: RunIndex,
        starts: u64,
        step: StepIndex,
        nth: u64,
    },
    /// A message of a scene that is late.
    Late {
        conn: ConnId,
        layer: LayerIndex,
        step: Step,
        _room: Ticket,
    },
    /// The end of a muting.
    Unmute {
        conn: ConnId,
        run: RunIndex,
        muting: u64,
    },
    /// A late Pong.
    Pong { conn: ConnId, payload: Bytes },
    /// A check for whether the link forgets a connection; a check with an older number no longer
    /// counts.
    Idle { conn: ConnId, number: u64 },
    /// The client has had long enough to answer a Close.
    CloseWait { conn: ConnId },
    /// The tape has had long enough to answer the client's Close, which had this code.
    CloseAnswer { conn: ConnId, code: Option<u16> },
}

impl Op {
    /// The connection that this belongs to; when that is over, this is dropped.
    fn conn(&self) -> Option<ConnId> {
        match *self {
            Self::Step { .. } | Self::Expire { .. } | Self::Judge { .. } => None,
            Self::Prologue { conn, .. }
            | Self::Pong { conn, .. }
            | Self::Answer { conn, .. }
            | Self::Silence { conn, .. }
            | Self::Scene { conn, .. }
            | Self::Late { conn, .. }
            | Self::Unmute { conn, .. }
            | Self::CloseWait { conn }
            | Self::Idle { conn, .. }
            | Self::CloseAnswer { conn, .. } => Some(conn),
        }
    }
}

/// What starts the tape's time by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartTrigger {
    /// The first accepted connection.
    Accept,
    /// This many upgrades.
    Upgrades(u64),
}

/// Everything due later, ordered by time, then by when it was added.
#[derive(Debug)]
pub(super) struct Schedule {
    ops: BTreeMap<Slot, Op>,
    counter: u64,
    /// How many of them are steps.
    put_off: usize,
    /// The entries that belong to each connection.
    of_conn: BTreeMap<ConnId, BTreeSet<Slot>>,
    /// The engine's clock at the tape's time 0, once it has begun.
    zero: Option<Micros>,
    /// What was put off before the tape began, counted from its time 0.
    unstarted: Vec<(Micros, Op)>,
    trigger: Option<StartTrigger>,
    /// Wakes the driver.
    wake: Arc<Notify>,
}

impl Schedule {
    pub(super) fn new(trigger: Option<StartTrigger>, wake: Arc<Notify>) -> Self {
        Self {
            ops: BTreeMap::new(),
            counter: 0,
            put_off: 0,
            of_conn: BTreeMap::new(),
            zero: None,
            unstarted: Vec::new(),
            trigger,
            wake,
        }
    }

    /// The engine's clock at the tape's time 0, once it has begun.
    pub(super) fn zero(&self) -> Option<Micros> {
        self.zero
    }

    /// Makes now the tape's time 0.
    pub(super) fn begin(&mut self, now: Micros) {
        self.zero = Some(now);
        self.trigger = None;
        for (after, op) in std::mem::take(&mut self.unstarted) {
            self.put(Micros(now.0.saturating_add(after.0)), op);
        }
        self.wake.notify_one();
    }

    /// Whether accepting the `accepted`th connection starts the tape's time. While answers are
    /// held, that counts as an upgrade, because only the tape lets anybody be upgraded.
    pub(super) fn starts_at_accept(&self, accepted: u64, held: bool) -> bool {
        match self.trigger {
            Some(StartTrigger::Accept) => true,
            Some(StartTrigger::Upgrades(many)) => held && accepted >= many,
            None => false,
        }
    }

    /// Whether the `upgraded`th upgrade starts the tape's time.
    pub(super) fn starts_at_upgrade(&self, upgraded: u64) -> bool {
        matches!(self.trigger, Some(StartTrigger::Upgrades(many)) if upgraded >= many)
    }

    /// Schedules something. What belongs to a connection is dropped if that ends first.
    pub(super) fn put(&mut self, due: Micros, op: Op) {
        self.counter += 1;
        let slot = (due, self.counter);
        if let Some(conn) = op.conn() {
            self.of_conn.entry(conn).or_default().insert(slot);
        }
        self.put_off += usize::from(matches!(op, Op::Step { .. }));
        self.ops.insert(slot, op);
        self.wake.notify_one();
    }

    /// Schedules something a span from now, or from the tape's time 0 if that is still to come.
    pub(super) fn put_after(&mut self, now: Micros, span: Micros, op: Op) {
        if self.zero.is_some() {
            self.put(Micros(now.0.saturating_add(span.0)), op);
        } else {
            self.unstarted.push((span, op));
        }
    }

    /// Drops what belongs to a connection that is over.
    pub(super) fn forget(&mut self, conn: ConnId) {
        for slot in self.of_conn.remove(&conn).unwrap_or_default() {
            self.ops.remove(&slot);
        }
    }

    /// Moves steps and ends of states that are scheduled by layers that hold their answers to the
    /// connections that have their numbers now.
    pub(super) fn renumber(
        &mut self,
        renumbering: &Renumbering,
        holds: impl Fn(LayerIndex) -> bool,
    ) {
        let unstarted = self.unstarted.iter_mut().map(|(_, op)| op);
        for op in self.ops.values_mut().chain(unstarted) {
            let (Op::Step { layer, scope, .. } | Op::Expire { layer, scope, .. }) = op else {
                continue;
            };
            if let Scope::One(id) = *scope
                && holds(*layer)
            {
                *scope = Scope::One(renumbering.of(id));
            }
        }
    }

    /// Takes out the steps that layers which hold their answers have put off for connections after
    /// `last`.
    pub(super) fn take_steps_behind(
        &mut self,
        last: ConnId,
        holds: impl Fn(LayerIndex) -> bool,
    ) -> Vec<(ConnId, Step)> {
        let behind = |op: &Op| match op {
            Op::Step { layer, scope, step } if holds(*layer) => {
                let id = scope.only().filter(|&id| id > last)?;
                Some((id, step.clone()))
            }
            _ => None,
        };
        let mut taken = Vec::new();
        self.ops.retain(|_, op| match behind(op) {
            Some(step) => {
                taken.push(step);
                false
            }
            None => true,
        });
        self.put_off -= taken.len();
        taken
    }

    /// Drops what these layers still had to do: the tapes return to before their beginning.
    pub(super) fn rewind(&mut self, of: impl Fn(LayerIndex) -> bool) {
        let goes = |op: &Op| match op {
            Op::Step { layer, .. } | Op::Expire { layer, .. } => of(*layer),
            _ => false,
        };
        self.ops.retain(|_, op| !goes(op));
        self.unstarted.retain(|(_, op)| !goes(op));
        let steps = self.ops.values().filter(|op| matches!(op, Op::Step { .. }));
        self.put_off = steps.count();
        self.zero = None;
    }

    /// Whether steps that were put off are still to come.
    pub(super) fn has_put_off(&self) -> bool {
        self.put_off > 0
    }

    /// The number of steps that wait for their time.
    pub(super) fn waiting_steps(&self) -> usize {
        self.put_off + self.unstarted.len()
    }

    /// When the next thing is due.
    pub(super) fn next_due(&self) -> Option<Micros> {
        self.ops.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes the next thing, if it is due by `now`.
    pub(super) fn take_due(&mut self, now: Micros) -> Option<Op> {
        if self.next_due()? > now {
            return None;
        }
        let (slot, op) = self.ops.pop_first()?;
        self.put_off -= usize::from(matches!(op, Op::Step { .. }));
        if let Some(conn) = op.conn()
            && let Some(slots) = self.of_conn.get_mut(&conn)
        {
            slots.remove(&slot);
            if slots.is_empty() {
                self.of_conn.remove(&conn);
            }
        }
        Some(op)
    }
}
