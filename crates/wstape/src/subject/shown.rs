//! The client's mirror, as the harness sees it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine_client::{ConnectionHealth, EngineState, Positions, Regime, Risk, Source, V2Status};
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use serde_json::Value;
use wstape_oracle::{ConnectionRecord, EndReason, Field, Mirror, Record};

/// A view of the client's state.
pub(super) struct Shown {
    state: Arc<RwLock<EngineState>>,
    /// The fields as they were last written out.
    written: Mutex<EngineState>,
}

impl Shown {
    pub(super) fn new(state: Arc<RwLock<EngineState>>) -> Self {
        Self {
            state,
            written: Mutex::default(),
        }
    }
}

impl Mirror for Shown {
    /// # Panics
    /// Never: the state serialises into memory.
    fn json(&self) -> Value {
        serde_json::to_value(&*self.state.read()).expect("a mirror serialises into memory")
    }

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

    fn backfill(&self, field: Field, payload: &str, as_of: DateTime<Utc>) -> bool {
        let mut state = self.state.write();
        // A payload that does not decode is the world's mistake: the mirror then differs from the
        // model, which reports it.
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
        true
    }
}

impl Record for Shown {
    fn record(&self) -> ConnectionRecord {
        let ConnectionHealth {
            ws_connected,
            reconnect_count,
            total_attempts,
            last_reconnect_at,
            connected_at,
            last_frame_at,
            last_event_at,
            last_pong_at,
            last_end,
            last_end_at,
            refused_status,
            undecodable,
            failed_payloads,
        } = self.state.read().connection;
        ConnectionRecord {
            ws_connected,
            reconnect_count,
            total_attempts,
            last_reconnect_at,
            connected_at,
            last_frame_at,
            last_event_at,
            last_pong_at,
            last_end: last_end.map(end_reason),
            last_end_at,
            refused_status,
            undecodable,
            failed_payloads,
        }
    }
}

/// Returns the rules' name for the client's reason.
fn end_reason(reason: engine_client::EndReason) -> EndReason {
    use engine_client::EndReason as Client;
    match reason {
        Client::Closed { code } => EndReason::Closed { code },
        Client::Fin => EndReason::Fin,
        Client::Reset => EndReason::Reset,
        Client::Protocol => EndReason::Protocol,
        Client::Utf8 => EndReason::Utf8,
        Client::TooLarge => EndReason::TooLarge,
        Client::Idle => EndReason::Idle,
        Client::MessageTimeout => EndReason::MessageTimeout,
        Client::EventTimeout => EndReason::EventTimeout,
        Client::WriteStalled => EndReason::WriteStalled,
        Client::Io => EndReason::Io,
        Client::Refused { status } => EndReason::Refused { status },
        Client::ConnectRefused => EndReason::ConnectRefused,
        Client::ConnectFailed => EndReason::ConnectFailed,
        Client::Tls => EndReason::Tls,
        Client::HandshakeFailed => EndReason::HandshakeFailed,
        Client::ConnectTimeout => EndReason::ConnectTimeout,
        Client::Shutdown => EndReason::Shutdown,
        // A reason the rules do not know matches no end, and the record's rule reports it.
        _ => EndReason::Other,
    }
}

/// Writes a field out, and remembers it.
///
/// # Panics
/// Never: the models serialise into memory.
fn json<T: Serialize + Clone>(field: &T, written: &mut T, into: &mut Vec<u8>) {
    serde_json::to_writer(into, field).expect("a mirror serialises into memory");
    written.clone_from(field);
}
