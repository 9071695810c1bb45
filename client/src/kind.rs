//! The kinds of event that have a type.

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
