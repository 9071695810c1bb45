//! Storage to read payloads into.

use std::mem;

use serde::de::DeserializeSeed as _;

use crate::event::EngineEvent;
use crate::json::Cursor;
use crate::models::{Object, Positions, Read, Regime, Risk, V2Status};

/// Longest message, in bytes, whose storage is reused, so that what one huge message needed is not
/// held for good.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// One payload of each kind, to lend its storage to the next of its kind. Their contents mean
/// nothing.
#[derive(Default)]
pub(super) struct Spares {
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
    /// Whether the one before it was.
    was_huge: bool,
}

impl Spares {
    /// Notes that an event came, in a message of this many bytes.
    #[inline]
    pub(super) fn came(&mut self, event: &EngineEvent, message_bytes: usize) {
        match event {
            EngineEvent::Status(_) => self.status.came(message_bytes),
            EngineEvent::Positions(_) => self.positions.came(message_bytes),
            EngineEvent::Risk(_) => self.risk.came(message_bytes),
            EngineEvent::Regime(_) => self.regime.came(message_bytes),
            EngineEvent::Heartbeat(_) | EngineEvent::Unknown { .. } => {}
        }
    }

    /// Keeps what the latest event displaced: the previous one of its kind.
    #[inline]
    pub(super) fn keep(&mut self, displaced: EngineEvent) {
        match displaced {
            EngineEvent::Status(value) => self.status.keep(value),
            EngineEvent::Positions(value) => self.positions.keep(value),
            EngineEvent::Risk(value) => self.risk.keep(value),
            EngineEvent::Regime(value) => self.regime.keep(value),
            EngineEvent::Heartbeat(_) | EngineEvent::Unknown { .. } => {}
        }
    }
}

impl<T: Object + Default> Spare<T> {
    /// Reads a payload with at least one known field. If it gives up, the storage is freed.
    #[inline]
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>) -> Option<Box<T>> {
        let mut value = self.value.take().unwrap_or_default();
        let speaks = Read(&mut *value).deserialize(cursor).ok()?;
        speaks.then_some(value)
    }

    /// Notes that a message of this kind came.
    #[inline]
    fn came(&mut self, message_bytes: usize) {
        self.was_huge = mem::replace(&mut self.huge, message_bytes > MAX_MESSAGE_BYTES);
    }

    #[inline]
    fn keep(&mut self, displaced: Box<T>) {
        if !self.was_huge {
            self.value = Some(displaced);
        }
    }
}
