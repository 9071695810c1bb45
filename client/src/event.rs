//! What the engine pushes, once decoded.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::models::{Positions, Regime, Risk, V2Status};

/// One event of the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum EngineEvent {
    /// The engine is alive, at this time by its clock.
    Heartbeat(DateTime<Utc>),
    /// `status` or `v2_status`.
    Status(Box<V2Status>),
    /// `positions` or `positions_update`.
    Positions(Box<Positions>),
    /// `risk` or `risk_update`.
    Risk(Box<Risk>),
    /// `regime` or `regime_update`.
    Regime(Box<Regime>),
    /// An event of another name, or one of the above whose payload is not a reading of its kind.
    Unknown {
        /// The name it came under.
        event: String,
        /// When it happened, by the engine's clock.
        ts: DateTime<Utc>,
        /// Its payload as it came; `null` if there was none.
        data: Value,
    },
}

impl EngineEvent {
    /// The kind of event in one word: `heartbeat`, `status`, `positions`, `risk`, `regime`, or the
    /// name that an unknown one came under.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Heartbeat(_) => "heartbeat",
            Self::Status(_) => "status",
            Self::Positions(_) => "positions",
            Self::Risk(_) => "risk",
            Self::Regime(_) => "regime",
            Self::Unknown { event, .. } => event,
        }
    }
}
