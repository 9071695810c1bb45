//! Folding what came into the mirror, and handing it to the receivers.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use engine_client::{
    Clock, Decoded, EndReason, EngineEvent, EngineState, Positions, Risk, decode, decode_binary,
};
use parking_lot::RwLock;
use serde_json::Value;
use tokio::sync::broadcast;

use super::flaw::Flaw;

/// How far ahead of UTC the machine of a subscriber is that reads naive times as local.
const LOCAL_OFFSET: TimeDelta = TimeDelta::hours(2);
/// Turns that others get while the mirror is torn.
const TURNS_TORN: u32 = 4;
/// How soon a slow receiver is looked at again.
const SLOW_RECEIVER_POLL: Duration = Duration::from_millis(1);

/// The mirror as its subscriber sees it.
#[derive(Clone)]
pub(super) struct Mirror {
    pub(super) flaw: Option<Flaw>,
    pub(super) state: Arc<RwLock<EngineState>>,
    pub(super) events: broadcast::Sender<EngineEvent>,
    /// Events that a receiver may fall behind by.
    pub(super) capacity: usize,
    pub(super) clock: Arc<dyn Clock>,
}

impl Mirror {
    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    pub(super) fn dial(&self) {
        let wall = self.clock.wall();
        let mut state = self.state.write();
        if self.has(Flaw::LossSeenLate) {
            state.on_ws_disconnected();
        }
        state.on_reconnect_attempt(wall);
    }

    /// The transport is up.
    pub(super) fn dialed(&self) {
        if self.has(Flaw::ConnectedTooSoon) {
            self.connected();
        }
    }

    pub(super) fn connected(&self) {
        let mut state = self.state.write();
        let attempts = state.connection.reconnect_count;
        state.on_ws_connected();
        if self.has(Flaw::AttemptsNotReset) {
            state.connection.reconnect_count = attempts;
        }
        state.connection.connected_at = Some(self.clock.wall());
    }

    pub(super) fn refused(&self, status: u16) {
        self.state.write().connection.refused_status = Some(status);
    }

    pub(super) fn ended(&self, reason: EndReason) {
        let mut state = self.state.write();
        let unseen = self.has(Flaw::LossSeenLate)
            || self.has(Flaw::ConnectedAfterShutdown) && reason == EndReason::Shutdown;
        if !unseen {
            state.on_ws_disconnected();
        }
        if self.has(Flaw::LossEmptiesMirror) && reason != EndReason::Shutdown {
            state.status = None;
            state.positions = None;
            state.risk = None;
            state.regime = None;
        }
        state.connection.last_end = Some(reason);
        state.connection.last_end_at = Some(self.clock.wall());
    }

    /// A Ping, or a Pong: one that answers a Ping of ours, or one that nobody asked for.
    pub(super) fn sign_of_life(&self, answers_us: bool) {
        let wall = self.clock.wall();
        let mut state = self.state.write();
        state.connection.last_frame_at = Some(wall);
        if answers_us {
            state.connection.last_pong_at = Some(wall);
        }
        if !answers_us || self.has(Flaw::HeartbeatMovedByPong) {
            state.apply_heartbeat(wall);
        }
    }

    /// Folds a message; whether it was an event.
    pub(super) async fn text(&self, text: &str) -> bool {
        let wall = self.clock.wall();
        let Ok(decoded) = decode(text, wall) else {
            self.undecodable();
            return false;
        };
        self.fold(decoded, text).await;
        true
    }

    /// As [`text`](Self::text).
    pub(super) async fn binary(&self, bytes: &[u8]) -> bool {
        let wall = self.clock.wall();
        if self.has(Flaw::BinaryIgnored) {
            self.state.write().connection.last_frame_at = Some(wall);
            return true;
        }
        let (Ok(decoded), Ok(text)) = (decode_binary(bytes, wall), std::str::from_utf8(bytes))
        else {
            self.undecodable();
            return false;
        };
        self.fold(decoded, text).await;
        true
    }

    fn undecodable(&self) {
        let mut state = self.state.write();
        state.connection.last_frame_at = Some(self.clock.wall());
        if !self.has(Flaw::UndecodableUncounted) {
            state.connection.undecodable += 1;
        }
    }

    async fn fold(&self, decoded: Decoded, text: &str) {
        let Decoded {
            mut event,
            mut ts,
            mut payload_failed,
            ..
        } = decoded;
        if self.has(Flaw::EmptyIsHealthy)
            && let EngineEvent::Unknown {
                event: name, data, ..
            } = &event
            && matches!(name.as_str(), "risk" | "risk_update")
            && let Ok(risk) = serde_json::from_value::<Risk>(data.clone())
        {
            event = EngineEvent::Risk(Box::new(risk));
            payload_failed = false;
        }
        if self.has(Flaw::SumIsPositions)
            && let EngineEvent::Unknown {
                event: name, data, ..
            } = &event
            && matches!(name.as_str(), "positions" | "positions_update")
            && data.get("account_value").is_some_and(Value::is_number)
            && let Ok(positions) = serde_json::from_value::<Positions>(data.clone())
        {
            event = EngineEvent::Positions(Box::new(positions));
            payload_failed = false;
        }
        if (self.has(Flaw::NaiveIsLocal) || self.has(Flaw::OffsetIgnored))
            && let Some(written) = written_ts(text)
        {
            ts = self.misread(&written, ts);
        }
        let stale = self.has(Flaw::OlderIgnored)
            && self
                .state
                .read()
                .last_heartbeat
                .is_some_and(|last| ts < last);
        if stale {
            let wall = self.clock.wall();
            let mut state = self.state.write();
            state.connection.last_frame_at = Some(wall);
            state.connection.last_event_at = Some(wall);
        } else {
            self.apply(&event, ts, payload_failed).await;
        }
        self.tell(event).await;
    }

    async fn apply(&self, event: &EngineEvent, ts: DateTime<Utc>, payload_failed: bool) {
        if self.has(Flaw::MirrorTorn) {
            self.tear(event, ts).await;
        }
        let wall = self.clock.wall();
        let mut state = self.state.write();
        state.connection.last_frame_at = Some(wall);
        state.connection.last_event_at = Some(wall);
        state.connection.failed_payloads += u64::from(payload_failed);
        state.apply(event.clone(), ts);
        if self.has(Flaw::BadPayloadWipes)
            && payload_failed
            && let EngineEvent::Unknown { event, .. } = event
        {
            match event.as_str() {
                "risk" | "risk_update" => state.risk = None,
                "positions" | "positions_update" => state.positions = None,
                "regime" | "regime_update" => state.regime = None,
                _ => state.status = None,
            }
        }
    }

    /// Replaces the value of a reading, and leaves its time as it was for a moment.
    async fn tear(&self, event: &EngineEvent, ts: DateTime<Utc>) {
        {
            let mut state = self.state.write();
            state.last_heartbeat = Some(ts);
            let wall = self.clock.wall();
            state.connection.last_frame_at = Some(wall);
            state.connection.last_event_at = Some(wall);
            match event {
                EngineEvent::Status(value) => replace(&mut state.status, value),
                EngineEvent::Positions(value) => replace(&mut state.positions, value),
                EngineEvent::Risk(value) => replace(&mut state.risk, value),
                EngineEvent::Regime(value) => replace(&mut state.regime, value),
                EngineEvent::Heartbeat(_) | EngineEvent::Unknown { .. } => return,
            }
        }
        for _ in 0..TURNS_TORN {
            tokio::task::yield_now().await;
        }
    }

    async fn tell(&self, event: EngineEvent) {
        if self.has(Flaw::UnknownLost) && matches!(event, EngineEvent::Unknown { .. }) {
            return;
        }
        if self.has(Flaw::SlowReceiverWaitedFor) {
            while self.events.receiver_count() > 0 && self.events.len() >= self.capacity {
                let until = self.now().saturating_add(SLOW_RECEIVER_POLL);
                self.clock.sleep_until(until).await;
            }
        }
        // Nobody listening is no error.
        let _ = self.events.send(event);
    }

    /// The time as a subscriber reads it that does not know what an offset is for.
    fn misread(&self, written: &str, ts: DateTime<Utc>) -> DateTime<Utc> {
        let time = written.get(19..).unwrap_or_default();
        let naive = !time.contains(['Z', 'z', '+', '-']);
        if self.has(Flaw::NaiveIsLocal) && naive && written.len() >= 19 {
            return ts - LOCAL_OFFSET;
        }
        if self.has(Flaw::OffsetIgnored)
            && let Ok(with_offset) = DateTime::parse_from_rfc3339(written)
        {
            return with_offset.naive_local().and_utc();
        }
        ts
    }
}

fn replace<T: Clone>(stat: &mut Option<engine_client::Stat<T>>, value: &T) {
    if let Some(stat) = stat {
        stat.value = value.clone();
    }
}

/// The message's `ts` as it was written, if it is a string.
fn written_ts(text: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(message.get("ts")?.as_str()?.to_owned())
}
