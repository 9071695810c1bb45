//! The kinds of event that have a type.

use crate::EngineEvent;

/// A kind of event, whichever of its names it came under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Heartbeat,
    Status,
    Positions,
    Risk,
    Regime,
}

impl Kind {
    /// The kind of an event that has a type.
    pub(crate) fn of_event(event: &EngineEvent) -> Option<Self> {
        Some(match event {
            EngineEvent::Heartbeat(_) => Self::Heartbeat,
            EngineEvent::Status(_) => Self::Status,
            EngineEvent::Positions(_) => Self::Positions,
            EngineEvent::Risk(_) => Self::Risk,
            EngineEvent::Regime(_) => Self::Regime,
            EngineEvent::Unknown { .. } => return None,
        })
    }

    /// The kind that goes by this name on the wire.
    pub(crate) fn of(event: &str) -> Option<Self> {
        Some(match event {
            "heartbeat" => Self::Heartbeat,
            "status" | "v2_status" => Self::Status,
            "positions" | "positions_update" => Self::Positions,
            "risk" | "risk_update" => Self::Risk,
            "regime" | "regime_update" => Self::Regime,
            _ => return None,
        })
    }
}
