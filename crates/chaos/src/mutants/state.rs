//! The mirror and the record that a mutant keeps.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::RwLock;
use serde_json::Value;
use wstape_oracle::model::{Event, Kind, Model, Reading};
use wstape_oracle::{ConnectionRecord, Field, Mirror, Record};

use super::flaw::Flaw;

/// What a mutant keeps.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) readings: [Option<Reading>; Field::ALL.len()],
    pub(super) last_heartbeat: Option<DateTime<Utc>>,
    pub(super) connection: ConnectionRecord,
}

/// The mirror's field that events of this kind change.
pub(super) fn field_of(kind: Kind) -> Option<Field> {
    Some(match kind {
        Kind::Heartbeat => return None,
        Kind::Status => Field::Status,
        Kind::Positions => Field::Positions,
        Kind::Risk => Field::Risk,
        Kind::Regime => Field::Regime,
    })
}

impl State {
    /// Records that a dial begins.
    pub(super) fn dials(&mut self, wall: DateTime<Utc>) {
        let connection = &mut self.connection;
        connection.reconnect_count = connection.reconnect_count.saturating_add(1);
        connection.total_attempts += 1;
        connection.last_reconnect_at = Some(wall);
    }

    /// Records that the handshake is done.
    pub(super) fn connected(&mut self, wall: DateTime<Utc>) {
        let connection = &mut self.connection;
        connection.ws_connected = true;
        connection.reconnect_count = 0;
        connection.refused_status = None;
        connection.connected_at = Some(wall);
    }

    pub(super) fn disconnected(&mut self) {
        self.connection.ws_connected = false;
    }

    /// Folds an event, whose time counts as `ts`.
    pub(super) fn apply(&mut self, event: &Event, ts: DateTime<Utc>) {
        self.last_heartbeat = Some(ts);
        if let Some(field) = event.kind.and_then(field_of) {
            self.readings[field as usize] = Some(Reading {
                value: Arc::clone(&event.data),
                as_of: ts,
                fetched: false,
            });
        }
    }

    fn write(&self, field: Field, into: &mut String) {
        match &self.readings[field as usize] {
            Some(reading) => reading.write(into),
            None => into.push_str("null"),
        }
    }
}

/// What a mutant shows.
pub(super) struct Shown {
    pub(super) flaw: Option<Flaw>,
    pub(super) state: Arc<RwLock<State>>,
}

impl Mirror for Shown {
    fn json(&self) -> Value {
        let state = self.state.read();
        let mut members: serde_json::Map<String, Value> = Field::ALL
            .into_iter()
            .map(|field| {
                let mut text = String::new();
                state.write(field, &mut text);
                let value = serde_json::from_str(&text).unwrap_or_default();
                (field.name().to_owned(), value)
            })
            .collect();
        let heartbeat = state.last_heartbeat.map(|at| format!("{at:?}"));
        members.insert("last_heartbeat".to_owned(), heartbeat.into());
        members.into()
    }

    fn field(&self, field: Field, into: &mut Vec<u8>) {
        let mut text = String::new();
        self.state.read().write(field, &mut text);
        into.extend_from_slice(text.as_bytes());
    }

    fn last_heartbeat(&self) -> Option<DateTime<Utc>> {
        self.state.read().last_heartbeat
    }

    fn backfill(&self, field: Field, payload: &str, as_of: DateTime<Utc>) -> bool {
        let kind = match field {
            Field::Status => Kind::Status,
            Field::Positions => Kind::Positions,
            Field::Risk => Kind::Risk,
            Field::Regime => Kind::Regime,
        };
        let mut model = Model::new();
        model.backfill(kind, payload, as_of);
        let mut state = self.state.write();
        // A payload that is not a reading is the world's mistake: the mirror then differs from the
        // model, which reports it.
        if let Some(reading) = model.reading(kind) {
            state.readings[field as usize] = Some(reading.clone());
        }
        if self.flaw == Some(Flaw::HeartbeatMovedByHttp) {
            state.last_heartbeat = Some(as_of);
        }
        true
    }
}

impl Record for Shown {
    fn record(&self) -> ConnectionRecord {
        self.state.read().connection
    }
}
