//! The client's mirror and receivers, as chaos looks at them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine_client::{
    ConnectionHealth, EngineEvent, EngineState, Positions, Regime, Risk, Source, V2Status,
    WsSubscriber,
};
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use tokio::sync::broadcast::{self, error::TryRecvError};

use super::subject::{Field, Handle, Heard, Receiver, Stopping, View};

/// The mirror of the client's type, looked at.
pub struct Mirror {
    state: Arc<RwLock<EngineState>>,
    /// The fields as they were last written out.
    written: Mutex<EngineState>,
}

impl Mirror {
    /// Looks at `state`.
    #[must_use]
    pub fn new(state: Arc<RwLock<EngineState>>) -> Self {
        Self {
            state,
            written: Mutex::default(),
        }
    }
}

impl View for Mirror {
    fn field(&self, field: Field, into: &mut Vec<u8>) {
        let (state, mut written) = (self.state.read(), self.written.lock());
        match field {
            Field::Status => json(&state.status, &mut written.status, into),
            Field::Positions => json(&state.positions, &mut written.positions, into),
            Field::Risk => json(&state.risk, &mut written.risk, into),
            Field::Regime => json(&state.regime, &mut written.regime, into),
        }
    }

    fn is_unchanged(&self, field: Field) -> bool {
        let (state, written) = (self.state.read(), self.written.lock());
        match field {
            Field::Status => state.status == written.status,
            Field::Positions => state.positions == written.positions,
            Field::Risk => state.risk == written.risk,
            Field::Regime => state.regime == written.regime,
        }
    }

    fn last_heartbeat(&self) -> Option<DateTime<Utc>> {
        self.state.read().last_heartbeat
    }

    fn health(&self) -> ConnectionHealth {
        self.state.read().connection
    }

    fn backfill(&self, field: Field, payload: &str, as_of: DateTime<Utc>) {
        let mut state = self.state.write();
        // A payload that does not decode is the world's mistake: the mirror then departs from
        // the model, which says so.
        match field {
            Field::Status => {
                if let Ok(value) = serde_json::from_str::<V2Status>(payload) {
                    state.apply_status(value, as_of, Source::Http);
                }
            }
            Field::Positions => {
                if let Ok(value) = serde_json::from_str::<Positions>(payload) {
                    state.apply_positions(value, as_of, Source::Http);
                }
            }
            Field::Risk => {
                if let Ok(value) = serde_json::from_str::<Risk>(payload) {
                    state.apply_risk(value, as_of, Source::Http);
                }
            }
            Field::Regime => {
                if let Ok(value) = serde_json::from_str::<Regime>(payload) {
                    state.apply_regime(value, as_of, Source::Http);
                }
            }
        }
    }
}

impl Handle for WsSubscriber {
    fn receiver(&self) -> Box<dyn Receiver> {
        Box::new(self.events())
    }

    fn shutdown(self: Box<Self>) -> Stopping {
        Box::pin(async move {
            WsSubscriber::shutdown(*self)
                .await
                .map_err(|error| error.to_string())
        })
    }
}

impl Receiver for broadcast::Receiver<EngineEvent> {
    fn hear(&mut self) -> Option<Heard> {
        let event = match self.try_recv() {
            Ok(event) => event,
            Err(TryRecvError::Lagged(missed)) => return Some(Heard::Lagged(missed)),
            Err(TryRecvError::Closed) => return Some(Heard::Closed),
            Err(TryRecvError::Empty) => return None,
        };
        Some(match event {
            EngineEvent::Heartbeat(ts) => Heard::Heartbeat(ts),
            EngineEvent::Status(value) => Heard::Reading(Field::Status, text(&value)),
            EngineEvent::Positions(value) => Heard::Reading(Field::Positions, text(&value)),
            EngineEvent::Risk(value) => Heard::Reading(Field::Risk, text(&value)),
            EngineEvent::Regime(value) => Heard::Reading(Field::Regime, text(&value)),
            EngineEvent::Unknown { event, ts, data } => Heard::Unknown {
                event,
                ts,
                data: data.to_string(),
            },
        })
    }
}

/// Writes a field out, and takes it down.
///
/// # Panics
/// Never: the models serialise into memory.
fn json<T: Serialize + Clone>(field: &T, written: &mut T, into: &mut Vec<u8>) {
    serde_json::to_writer(into, field).expect("a mirror serialises into memory");
    written.clone_from(field);
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a payload serialises into memory")
}
