//! The mirror: the engine's state as far as it has been told.

use std::mem;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::RwLock;
use serde::Serialize;

use crate::event::EngineEvent;
pub use crate::health::{ConnectionHealth, EndReason};
use crate::models::{HlRate, Positions, Regime, Risk, V2Status};
use crate::stat::{Source, Stat};

/// What is known of the engine. `None` means "not seen yet", never "the engine has none".
///
/// The last message to arrive wins, whatever its time: order on one connection is the engine's own
/// order, and a clock that steps back must not freeze the mirror.
///
/// ```
/// use chrono::{TimeZone as _, Utc};
/// use engine_client::{EngineState, decode};
///
/// let now = Utc.with_ymd_and_hms(2026, 4, 21, 19, 5, 36).unwrap();
/// let message = r#"{"event":"risk","ts":"2026-04-21T19:05:35Z","data":{"halted":true}}"#;
/// let decoded = decode(message, now)?;
///
/// let mirror = EngineState::shared();
/// mirror.write().apply(decoded.event, decoded.ts);
/// let risk = mirror.read().risk.clone().expect("a risk event came");
/// assert!(risk.value.is_halted());
/// assert_eq!(risk.as_of, decoded.ts);
/// # Ok::<(), engine_client::Undecodable>(())
/// ```
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub struct EngineState {
    /// The engine's summary of itself.
    pub status: Option<Stat<V2Status>>,
    /// The open positions.
    pub positions: Option<Stat<Positions>>,
    /// The account against its limits.
    pub risk: Option<Stat<Risk>>,
    /// The market regime.
    pub regime: Option<Stat<Regime>>,
    /// Time of the latest event that came over the socket, or of the latest Ping or unsolicited
    /// Pong: the measure of whether the feed is alive.
    pub last_heartbeat: Option<DateTime<Utc>>,
    /// How the connection stands.
    pub connection: ConnectionHealth,
}

/// What an event displaced from the mirror, handed out so that it can be dropped after the lock is
/// released: freeing a long list of positions takes longer than putting one there.
#[derive(Debug)]
pub struct Displaced {
    event: Option<EngineEvent>,
}

impl Displaced {
    pub(crate) fn into_event(self) -> Option<EngineEvent> {
        self.event
    }
}

impl EngineState {
    /// A mirror that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A mirror that has seen nothing, to be shared between the subscriber and its readers.
    #[must_use]
    pub fn shared() -> Arc<RwLock<Self>> {
        Arc::new(RwLock::new(Self::new()))
    }

    /// Age of the feed at `now`, in whole seconds; negative if the engine's clock is ahead, `None`
    /// if nothing has come yet.
    #[must_use]
    pub fn feed_age_seconds(&self, now: DateTime<Utc>) -> Option<i64> {
        Some(
            now.signed_duration_since(self.last_heartbeat?)
                .num_seconds(),
        )
    }

    /// The engine's use of the exchange's API, if it has said so.
    #[must_use]
    pub fn hl_rate_snapshot(&self) -> Option<HlRate> {
        self.status.as_ref()?.value.hl_rate
    }

    /// Records that the WebSocket is up.
    pub fn on_ws_connected(&mut self) {
        self.connection.ws_connected = true;
        self.connection.reconnect_count = 0;
        self.connection.refused_status = None;
    }

    /// Records that the WebSocket is down.
    pub fn on_ws_disconnected(&mut self) {
        self.connection.ws_connected = false;
    }

    /// Records that a dial starts; the first of the process counts too.
    pub fn on_reconnect_attempt(&mut self, at: DateTime<Utc>) {
        let connection = &mut self.connection;
        connection.reconnect_count = connection.reconnect_count.saturating_add(1);
        connection.total_attempts = connection.total_attempts.saturating_add(1);
        connection.last_reconnect_at = Some(at);
    }

    /// Folds an event that came over the socket, true at `ts`. Every event moves `last_heartbeat`,
    /// even one of an unknown kind; only a known kind moves anything else.
    pub fn apply(&mut self, event: EngineEvent, ts: DateTime<Utc>) -> Displaced {
        self.last_heartbeat = Some(ts);
        let displaced = match event {
            EngineEvent::Status(value) => {
                fold(&mut self.status, value, ts).map(EngineEvent::Status)
            }
            EngineEvent::Positions(value) => {
                fold(&mut self.positions, value, ts).map(EngineEvent::Positions)
            }
            EngineEvent::Risk(value) => fold(&mut self.risk, value, ts).map(EngineEvent::Risk),
            EngineEvent::Regime(value) => {
                fold(&mut self.regime, value, ts).map(EngineEvent::Regime)
            }
            EngineEvent::Heartbeat(_) => None,
            EngineEvent::Unknown { .. } => Some(event),
        };
        Displaced { event: displaced }
    }

    /// Puts a status into the mirror. Only [`Source::Ws`] moves `last_heartbeat`: what was fetched
    /// must not hide a stalled feed.
    pub fn apply_status(&mut self, status: V2Status, as_of: DateTime<Utc>, source: Source) {
        self.beat(as_of, source);
        self.status = Some(reading(status, as_of, source));
    }

    /// Puts positions into the mirror; `source` as for [`EngineState::apply_status`].
    pub fn apply_positions(&mut self, positions: Positions, as_of: DateTime<Utc>, source: Source) {
        self.beat(as_of, source);
        self.positions = Some(reading(positions, as_of, source));
    }

    /// Puts the risk into the mirror; `source` as for [`EngineState::apply_status`].
    pub fn apply_risk(&mut self, risk: Risk, as_of: DateTime<Utc>, source: Source) {
        self.beat(as_of, source);
        self.risk = Some(reading(risk, as_of, source));
    }

    /// Puts the regime into the mirror; `source` as for [`EngineState::apply_status`].
    pub fn apply_regime(&mut self, regime: Regime, as_of: DateTime<Utc>, source: Source) {
        self.beat(as_of, source);
        self.regime = Some(reading(regime, as_of, source));
    }

    /// Records a sign of life without a payload.
    pub fn apply_heartbeat(&mut self, at: DateTime<Utc>) {
        self.last_heartbeat = Some(at);
    }

    fn beat(&mut self, as_of: DateTime<Utc>, source: Source) {
        if source == Source::Ws {
            self.apply_heartbeat(as_of);
        }
    }
}

fn reading<T>(value: T, as_of: DateTime<Utc>, source: Source) -> Stat<T> {
    Stat {
        value,
        as_of,
        n: None,
        source,
    }
}

/// Stores a reading from the socket, and returns the old one in the new one's box.
fn fold<T>(field: &mut Option<Stat<T>>, mut value: Box<T>, ts: DateTime<Utc>) -> Option<Box<T>> {
    if let Some(stat) = field {
        mem::swap(&mut stat.value, &mut *value);
        stat.as_of = ts;
        stat.n = None;
        stat.source = Source::Ws;
        Some(value)
    } else {
        *field = Some(reading(*value, ts, Source::Ws));
        None
    }
}
