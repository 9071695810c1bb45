//! Storage to read into.

use std::mem;

use chrono::{DateTime, Utc};

use super::Cursor;
use super::habits::Habits;
use crate::event::EngineEvent;
use crate::kind::Kind;
use crate::models::{Object, Positions, Regime, Risk, V2Status};
use crate::state::{self, EngineState};

/// Longest message, in bytes, whose storage is used again: what one huge message needed is not held for
/// good.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Storage for the next payloads, and what their order of keys is likely to be.
#[derive(Default)]
pub(crate) struct Spares {
    pub(super) payloads: Payloads,
    pub(super) habits: Habits,
}

/// One payload of each kind whose storage the next of its kind may have. What they hold means nothing.
#[derive(Default)]
pub(super) struct Payloads {
    pub(super) status: Spare<V2Status>,
    pub(super) positions: Spare<Positions>,
    pub(super) risk: Spare<Risk>,
    pub(super) regime: Spare<Regime>,
}

#[derive(Default)]
pub(super) struct Spare<T> {
    value: Option<Box<T>>,
    /// Whether the latest message of this kind was a huge one.
    huge: bool,
}

impl Spares {
    /// Told of each event before it is folded: whether the storage that it displaces may be kept. What a
    /// huge message needed may not.
    #[inline]
    pub(crate) fn may_keep(&mut self, event: &EngineEvent, message_bytes: usize) -> bool {
        let huge = match event {
            EngineEvent::Status(_) => &mut self.payloads.status.huge,
            EngineEvent::Positions(_) => &mut self.payloads.positions.huge,
            EngineEvent::Risk(_) => &mut self.payloads.risk.huge,
            EngineEvent::Regime(_) => &mut self.payloads.regime.huge,
            EngineEvent::Heartbeat(_) | EngineEvent::Unknown { .. } => return false,
        };
        !mem::replace(huge, message_bytes > MAX_MESSAGE_BYTES)
    }

    /// Keeps the storage of a payload that the mirror has no more use for.
    #[inline]
    pub(crate) fn keep(&mut self, displaced: EngineEvent) {
        match displaced {
            EngineEvent::Status(value) => self.payloads.status.value = Some(value),
            EngineEvent::Positions(value) => self.payloads.positions.value = Some(value),
            EngineEvent::Risk(value) => self.payloads.risk.value = Some(value),
            EngineEvent::Regime(value) => self.payloads.regime.value = Some(value),
            EngineEvent::Heartbeat(_) | EngineEvent::Unknown { .. } => {}
        }
    }
}

impl Spares {
    /// After a message of so many bytes that was not clean: what a huge one needed is freed.
    #[cold]
    pub(super) fn gave_up(&mut self, message_bytes: usize) {
        if message_bytes > MAX_MESSAGE_BYTES {
            let payloads = &mut self.payloads;
            payloads.status.value = None;
            payloads.positions.value = None;
            payloads.risk.value = None;
            payloads.regime.value = None;
        }
    }

    /// Takes out what was read last.
    pub(super) fn take(&mut self, kind: Kind, ts: DateTime<Utc>) -> Option<EngineEvent> {
        let payloads = &mut self.payloads;
        match kind {
            Kind::Heartbeat => Some(EngineEvent::Heartbeat(ts)),
            Kind::Status => payloads.status.value.take().map(EngineEvent::Status),
            Kind::Positions => payloads.positions.value.take().map(EngineEvent::Positions),
            Kind::Risk => payloads.risk.value.take().map(EngineEvent::Risk),
            Kind::Regime => payloads.regime.value.take().map(EngineEvent::Regime),
        }
    }

    /// Changes what was read last for what the mirror shows.
    #[inline]
    pub(crate) fn fold(&mut self, kind: Kind, ts: DateTime<Utc>, mirror: &mut EngineState) {
        let payloads = &mut self.payloads;
        mirror.apply_heartbeat(ts);
        match kind {
            Kind::Heartbeat => {}
            Kind::Status => state::exchange(&mut mirror.status, &mut payloads.status.value, ts),
            Kind::Positions => {
                state::exchange(&mut mirror.positions, &mut payloads.positions.value, ts);
            }
            Kind::Risk => state::exchange(&mut mirror.risk, &mut payloads.risk.value, ts),
            Kind::Regime => state::exchange(&mut mirror.regime, &mut payloads.regime.value, ts),
        }
    }

    /// After a fold of a message of so many bytes: frees what it displaced if a huge message needed that.
    #[inline]
    pub(crate) fn folded(&mut self, kind: Kind, message_bytes: usize) {
        let payloads = &mut self.payloads;
        match kind {
            Kind::Heartbeat => {}
            Kind::Status => payloads.status.folded(message_bytes),
            Kind::Positions => payloads.positions.folded(message_bytes),
            Kind::Risk => payloads.risk.folded(message_bytes),
            Kind::Regime => payloads.regime.folded(message_bytes),
        }
    }
}

impl<T: Object + Default> Spare<T> {
    /// Reads a payload that has at least one own field.
    #[inline]
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let value = self.value.get_or_insert_default();
        value.reread(cursor)?.then_some(())
    }

    #[inline]
    fn folded(&mut self, message_bytes: usize) {
        if mem::replace(&mut self.huge, message_bytes > MAX_MESSAGE_BYTES) {
            self.value = None;
        }
    }
}
