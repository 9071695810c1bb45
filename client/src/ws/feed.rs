//! Passes on what arrives: to the mirror, the receivers, those who wait, and the observer.

use std::future::Future;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use parking_lot::RwLock;
use tokio::sync::Notify;

use super::clock::{Clock, within};
use super::events::Events;
use super::mirror::Mirror;
use super::observer::{Observed, Observer};
use crate::decode::{Decoded, Decoder, Undecodable};
use crate::kind::Kind;
use crate::{EndReason, EngineState};

/// How soon a change that readers block is tried again.
const READERS_RETRY: Duration = Duration::from_millis(10);

/// How long to wait at the end for readers that block a change.
const READERS_TIMEOUT: Duration = Duration::from_secs(1);

/// The subscriber's one writer of the mirror.
pub(crate) struct Feed {
    clock: Arc<dyn Clock>,
    mirror: Mirror,
    events: Events,
    changed: Arc<Notify>,
    observer: Option<Box<dyn Observer>>,
    /// The clock as last read: messages that arrive together share it.
    now: Duration,
    wall: DateTime<Utc>,
    /// Whether a frame came on the present connection.
    framed: bool,
    /// When the latest event came on the present connection, or when it was established if none has
    /// come.
    last_event: Duration,
    /// Whether the mirror has changed and those waiting for that don't know yet.
    wake_due: bool,
    decoder: Decoder,
}

impl Feed {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        mirror: Arc<RwLock<EngineState>>,
        events: Events,
        changed: Arc<Notify>,
        observer: Option<Box<dyn Observer>>,
    ) -> Self {
        let (now, wall) = (clock.now(), clock.wall());
        Self {
            clock,
            mirror: Mirror::new(mirror),
            events,
            changed,
            observer,
            now,
            wall,
            framed: false,
            last_event: now,
            wake_due: false,
            decoder: Decoder::default(),
        }
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Reads the clock again.
    pub(crate) fn read_clock(&mut self) -> Duration {
        self.now = self.clock.now();
        self.wall = self.clock.wall();
        self.now
    }

    /// The clock as last read.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// Whether a frame came since the handshake.
    pub(crate) fn framed(&self) -> bool {
        self.framed
    }

    /// When the latest event came since the handshake, or when the handshake ended if none has
    /// come.
    pub(crate) fn last_event(&self) -> Duration {
        self.last_event
    }

    pub(crate) fn dial(&mut self) {
        self.framed = false;
        self.read_clock();
        self.observe(Observed::Dial);
        let wall = self.wall;
        self.update(|state| state.on_reconnect_attempt(wall));
    }

    pub(crate) fn connected(&mut self, headers: &HeaderMap) {
        self.last_event = self.read_clock();
        self.observe(Observed::Connected { headers });
        let wall = self.wall;
        self.update(|state| {
            state.on_ws_connected();
            state.connection.connected_at = Some(wall);
            state.connection.refused_status = None;
        });
    }

    pub(crate) fn refused(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.observe(Observed::Refused { status, headers });
        self.update(|state| state.connection.refused_status = Some(status.as_u16()));
    }

    /// Records that an attempt or a connection ended now.
    pub(crate) fn ended(&mut self, reason: EndReason) {
        self.read_clock();
        self.observe(Observed::End(reason));
        let wall = self.wall;
        self.update(|state| {
            state.on_ws_disconnected();
            state.connection.last_end = Some(reason);
            state.connection.last_end_at = Some(wall);
        });
    }

    pub(crate) fn retry(&mut self, delay: Duration, attempt: u32) {
        self.observe(Observed::Retry { delay, attempt });
    }

    pub(crate) fn ping_sent(&mut self, payload: &[u8]) {
        self.observe(Observed::PingSent(payload));
    }

    pub(crate) fn sent(&mut self, text: &str) {
        self.observe(Observed::Sent(text));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.observe(Observed::Text(text));
        let decoded = self.decoder.decode(text, self.wall);
        self.fold(decoded);
    }

    pub(crate) fn binary(&mut self, bytes: &[u8]) {
        self.observe(Observed::Binary(bytes));
        let decoded = self.decoder.decode_binary(bytes, self.wall);
        self.fold(decoded);
    }

    pub(crate) fn ping(&mut self, payload: &[u8]) {
        self.observe(Observed::Ping(payload));
        self.framed = true;
        let wall = self.wall;
        self.update(|state| {
            state.apply_heartbeat(wall);
            state.connection.last_frame_at = Some(wall);
        });
    }

    /// Records a Pong. The answer to one of our Pings proves that the link is alive, not that the
    /// feed is.
    pub(crate) fn pong(&mut self, payload: &[u8], answer: bool) {
        self.observe(Observed::Pong { payload, answer });
        self.framed = true;
        let wall = self.wall;
        self.update(|state| {
            state.connection.last_frame_at = Some(wall);
            if answer {
                state.connection.last_pong_at = Some(wall);
            } else {
                state.apply_heartbeat(wall);
            }
        });
    }

    pub(crate) fn close(&mut self, code: Option<u16>, reason: &str) {
        self.observe(Observed::Close { code, reason });
    }

    /// Puts a message into the mirror, then hands it to the receivers: whoever hears of an event
    /// finds it, or a later one, in the mirror.
    fn fold(&mut self, decoded: Result<Decoded, Undecodable>) {
        self.framed = true;
        let wall = self.wall;
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(undecodable) => {
                tracing::debug!(%undecodable, "message dropped");
                self.change(None, |state| {
                    state.connection.undecodable += 1;
                    state.connection.last_frame_at = Some(wall);
                });
                return;
            }
        };
        let Decoded {
            event,
            ts,
            payload_failed,
        } = decoded;
        self.last_event = self.now;
        // Copied only if somebody listens.
        let copy = self.events.heard().then(|| event.clone());
        let displaced = self.change(Kind::of_event(&event), |state| {
            state.connection.last_frame_at = Some(wall);
            state.connection.last_event_at = Some(wall);
            state.connection.failed_payloads += u64::from(payload_failed);
            state.apply(event, ts)
        });
        // Kept or freed only after readers have the mirror again.
        if let Some(displaced) = displaced.into_event() {
            self.decoder.keep(displaced);
        }
        if let Some(copy) = copy {
            self.events.send(copy);
        }
    }

    /// Changes the mirror and wakes those who wait for that.
    fn update(&mut self, change: impl FnOnce(&mut EngineState)) {
        self.change(None, change);
        self.wake();
    }

    /// Changes the mirror; [`wake`](Self::wake) is due before the task waits or yields.
    #[inline]
    fn change<T>(&mut self, kind: Option<Kind>, change: impl FnOnce(&mut EngineState) -> T) -> T {
        self.wake_due = true;
        self.mirror.change(kind, change)
    }

    /// When to check again whether readers are out of the way, if something is late because of
    /// them.
    pub(crate) fn retry_at(&self) -> Option<Duration> {
        self.mirror
            .is_late()
            .then(|| self.clock.now().saturating_add(READERS_RETRY))
    }

    /// Shows the changes that readers have blocked, if they no longer do.
    pub(crate) fn publish(&mut self) {
        if self.mirror.is_late() && self.mirror.publish() {
            self.wake_due = true;
            self.wake();
        }
    }

    /// Waits for `work`; changes that readers block go in once they no longer do.
    pub(crate) async fn until<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        while let Some(retry_at) = self.retry_at() {
            let retry = self.clock.sleep_until(retry_at);
            if let Some(done) = within(retry, work.as_mut()).await {
                return done;
            }
            self.publish();
        }
        work.await
    }

    /// After the subscriber's end: gives readers in the way a while to go, so that whoever waited
    /// for the end sees it in the mirror.
    pub(crate) async fn finish(&mut self) {
        self.update(EngineState::on_ws_disconnected);
        let give_up_at = self.clock.now().saturating_add(READERS_TIMEOUT);
        while let Some(retry_at) = self.retry_at() {
            if retry_at > give_up_at {
                return;
            }
            self.clock.sleep_until(retry_at).await;
            self.publish();
        }
    }

    /// Ends a turn of messages taken together: wakes those who wait, and checks who still listens.
    pub(crate) fn end_turn(&mut self) {
        self.wake();
        self.events.recount();
    }

    /// Whether anybody may be listening to the events.
    #[inline]
    pub(crate) fn heard(&self) -> bool {
        self.events.heard()
    }

    /// Wakes those who wait for a change of the mirror, if it has changed. Messages that arrive
    /// together share one wake: whoever waits is told before this task waits or yields.
    #[inline]
    pub(crate) fn wake(&mut self) {
        if mem::take(&mut self.wake_due) {
            self.changed.notify_waiters();
        }
    }

    fn observe(&mut self, seen: Observed<'_>) {
        if let Some(observer) = &mut self.observer {
            observer.observe(self.now, seen);
        }
    }
}

impl Drop for Feed {
    /// However the task ends, the mirror must not go on saying that it is connected; nothing here
    /// waits for a reader.
    fn drop(&mut self) {
        self.mirror.change_at_last(EngineState::on_ws_disconnected);
        self.changed.notify_waiters();
    }
}
