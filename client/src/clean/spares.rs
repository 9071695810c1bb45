//! Storage to read into.

use std::mem;

use super::Cursor;
use super::habits::Habits;
use crate::event::EngineEvent;
use crate::models::{Object, Positions, Regime, Risk, V2Status};

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

impl<T: Object + Default> Spare<T> {
    /// Reads a payload that has at least one own field.
    #[inline]
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>) -> Option<Box<T>> {
        let mut value = self.value.take().unwrap_or_default();
        value.reread(cursor)?.then_some(value)
    }
}
