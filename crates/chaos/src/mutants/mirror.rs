//! Folds what came into the mirror, and passes it to the receivers.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::RwLock;
use serde_json::Value;
use tokio::sync::broadcast;
use wstape_harness::Clock;
use wstape_oracle::model::{Event, Folded, Kind, Model};
use wstape_oracle::{EndReason, Field, Heard};

use super::flaw::Flaw;
use super::state::{State, field_of};

/// How far ahead of UTC the machine is, for a subscriber that reads naive times as local.
const LOCAL_OFFSET: TimeDelta = TimeDelta::hours(2);
/// Turns that others get while the mirror is torn.
const TURNS_TORN: u32 = 4;
/// How soon a slow receiver is checked again.
const SLOW_RECEIVER_POLL: Duration = Duration::from_millis(1);

/// The mirror as its subscriber sees it.
#[derive(Clone)]
pub(super) struct Mirror {
    pub(super) flaw: Option<Flaw>,
    pub(super) state: Arc<RwLock<State>>,
    pub(super) events: broadcast::Sender<Heard>,
    /// How many events a receiver may fall behind.
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
            state.disconnected();
        }
        state.dials(wall);
    }

    /// Notes that the transport is up.
    pub(super) fn dialed(&self) {
        if self.has(Flaw::ConnectedTooSoon) {
            self.connected();
        }
    }

    pub(super) fn connected(&self) {
        let mut state = self.state.write();
        let attempts = state.connection.reconnect_count;
        state.connected(self.clock.wall());
        if self.has(Flaw::AttemptsNotReset) {
            state.connection.reconnect_count = attempts;
        }
    }

    pub(super) fn refused(&self, status: u16) {
        self.state.write().connection.refused_status = Some(status);
    }

    pub(super) fn ended(&self, reason: EndReason) {
        let mut state = self.state.write();
        let unseen = self.has(Flaw::LossSeenLate)
            || self.has(Flaw::ConnectedAfterShutdown) && reason == EndReason::Shutdown;
        if !unseen {
            state.disconnected();
        }
        if self.has(Flaw::LossEmptiesMirror) && reason != EndReason::Shutdown {
            state.readings = Default::default();
        }
        state.connection.last_end = Some(reason);
        state.connection.last_end_at = Some(self.clock.wall());
    }

    /// Notes a Ping or a Pong: an answer to one of our Pings, or an unsolicited frame.
    pub(super) fn sign_of_life(&self, answers_us: bool) {
        let wall = self.clock.wall();
        let mut state = self.state.write();
        state.connection.last_frame_at = Some(wall);
        if answers_us {
            state.connection.last_pong_at = Some(wall);
        }
        if !answers_us || self.has(Flaw::HeartbeatMovedByPong) {
            state.last_heartbeat = Some(wall);
        }
    }

    /// Folds a message; returns whether it was an event.
    pub(super) async fn text(&self, text: &str) -> bool {
        let wall = self.clock.wall();
        let Folded::Event(event) = Model::read(text, wall) else {
            self.undecodable();
            return false;
        };
        self.fold(event, text).await;
        true
    }

    /// Does the same as [`text`](Self::text) for a binary message.
    pub(super) async fn binary(&self, bytes: &[u8]) -> bool {
        let wall = self.clock.wall();
        if self.has(Flaw::BinaryIgnored) {
            self.state.write().connection.last_frame_at = Some(wall);
            return true;
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.undecodable();
            return false;
        };
        self.text(text).await
    }

    fn undecodable(&self) {
        let mut state = self.state.write();
        state.connection.last_frame_at = Some(self.clock.wall());
        if !self.has(Flaw::UndecodableUncounted) {
            state.connection.undecodable += 1;
        }
    }

    async fn fold(&self, mut event: Event, text: &str) {
        if self.has(Flaw::EmptyIsHealthy)
            && event.payload_failed
            && Kind::of(&event.name) == Some(Kind::Risk)
            && let Some(healthy) = healthy(&event)
        {
            event = healthy;
        }
        if self.has(Flaw::SumIsPositions)
            && event.payload_failed
            && Kind::of(&event.name) == Some(Kind::Positions)
            && let Some(emptied) = emptied(&event)
        {
            event = emptied;
        }
        let mut ts = event.ts;
        if (self.has(Flaw::NaiveIsLocal) || self.has(Flaw::OffsetIgnored))
            && let Some(written) = written_ts(text)
        {
            ts = self.misread(&written, ts);
        }
        let ignored = self.has(Flaw::OlderIgnored)
            && self
                .state
                .read()
                .last_heartbeat
                .is_some_and(|last| ts < last);
        if ignored {
            let wall = self.clock.wall();
            let mut state = self.state.write();
            state.connection.last_frame_at = Some(wall);
            state.connection.last_event_at = Some(wall);
        } else {
            self.apply(&event, ts).await;
        }
        self.tell(event).await;
    }

    async fn apply(&self, event: &Event, ts: DateTime<Utc>) {
        if self.has(Flaw::MirrorTorn) {
            self.tear(event, ts).await;
        }
        let wall = self.clock.wall();
        let mut state = self.state.write();
        state.connection.last_frame_at = Some(wall);
        state.connection.last_event_at = Some(wall);
        state.connection.failed_payloads += u64::from(event.payload_failed);
        state.apply(event, ts);
        if self.has(Flaw::BadPayloadWipes)
            && event.payload_failed
            && let Some(field) = Kind::of(&event.name).and_then(field_of)
        {
            state.readings[field as usize] = None;
        }
    }

    /// Replaces a reading's value, and leaves its time unchanged for a moment.
    async fn tear(&self, event: &Event, ts: DateTime<Utc>) {
        {
            let mut state = self.state.write();
            state.last_heartbeat = Some(ts);
            let wall = self.clock.wall();
            state.connection.last_frame_at = Some(wall);
            state.connection.last_event_at = Some(wall);
            let Some(field) = event.kind.and_then(field_of) else {
                return;
            };
            if let Some(reading) = &mut state.readings[field as usize] {
                reading.value = Arc::clone(&event.data);
            }
        }
        for _ in 0..TURNS_TORN {
            tokio::task::yield_now().await;
        }
    }

    async fn tell(&self, event: Event) {
        if self.has(Flaw::UnknownLost) && event.kind.is_none() {
            return;
        }
        if self.has(Flaw::SlowReceiverWaitedFor) {
            while self.events.receiver_count() > 0 && self.events.len() >= self.capacity {
                let until = self.now().saturating_add(SLOW_RECEIVER_POLL);
                self.clock.sleep_until(until).await;
            }
        }
        // A send fails if nobody listens, which is no error here.
        let _ = self.events.send(told(event));
    }

    /// Returns the time as a subscriber reads it that misunderstands offsets.
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

/// An event as a receiver hears it.
fn told(event: Event) -> Heard {
    let reading = |field| Heard::Reading(field, event.data.to_string());
    match event.kind {
        Some(Kind::Heartbeat) => Heard::Heartbeat(event.ts),
        Some(Kind::Status) => reading(Field::Status),
        Some(Kind::Positions) => reading(Field::Positions),
        Some(Kind::Risk) => reading(Field::Risk),
        Some(Kind::Regime) => reading(Field::Regime),
        None => Heard::Unknown {
            data: event.data.to_string(),
            event: event.name,
            ts: event.ts,
        },
    }
}

/// Returns the event with its missing risk fields at their defaults, for a mutant that reads
/// anything as the risk.
fn healthy(event: &Event) -> Option<Event> {
    let mut data: Value = serde_json::from_str(&event.data).ok()?;
    data.as_object_mut()?
        .entry("halted")
        .or_insert(false.into());
    read_anew(event, &data)
}

/// The event with an empty list, for a mutant that takes a sum without its list for positions.
fn emptied(event: &Event) -> Option<Event> {
    let mut data: Value = serde_json::from_str(&event.data).ok()?;
    let object = data.as_object_mut()?;
    object.get("account_value")?.as_f64()?;
    object.remove("positions");
    object.insert("items".to_owned(), Value::Array(Vec::new()));
    read_anew(event, &data)
}

/// Reads the event as if it had come with this payload; `None` if that is not a reading either.
fn read_anew(event: &Event, data: &Value) -> Option<Event> {
    let message = serde_json::json!({"event": event.name, "data": data});
    let Folded::Event(read) = Model::read(&message.to_string(), event.ts) else {
        return None;
    };
    read.kind.is_some().then_some(read)
}

/// The message's `ts` as it was written, if it is a string.
fn written_ts(text: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(message.get("ts")?.as_str()?.to_owned())
}
