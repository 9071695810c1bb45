//! The client's events, as the harness hears them.

use std::borrow::Cow;

use engine_client::EngineEvent;
use serde::Serialize;
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};
use wstape_harness::{Arrival, Hearing, Receiver};
use wstape_oracle::{Field, Heard};

/// A receiver of the client's events.
pub(super) struct Events(pub(super) broadcast::Receiver<EngineEvent>);

impl Receiver for Events {
    fn hear(&mut self) -> Option<Heard> {
        let event = match self.0.try_recv() {
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

    fn next(&mut self) -> Hearing<'_> {
        Box::pin(async {
            match self.0.recv().await {
                Ok(event) => Arrival::Event(kind(&event)),
                Err(RecvError::Lagged(missed)) => Arrival::Missed(missed),
                Err(RecvError::Closed) => Arrival::Closed,
            }
        })
    }
}

fn kind(event: &EngineEvent) -> Cow<'static, str> {
    match event {
        EngineEvent::Heartbeat(_) => "heartbeat".into(),
        EngineEvent::Status(_) => Field::Status.name().into(),
        EngineEvent::Positions(_) => Field::Positions.name().into(),
        EngineEvent::Risk(_) => Field::Risk.name().into(),
        EngineEvent::Regime(_) => Field::Regime.name().into(),
        EngineEvent::Unknown { event, .. } => event.clone().into(),
    }
}

/// Returns a payload as JSON text.
///
/// # Panics
/// Never: the client's models serialise into memory.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a payload serialises into memory")
}
