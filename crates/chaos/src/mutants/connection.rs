//! An established connection: reading, liveness, and the closing handshake of a shutdown.

use std::future::{Future, poll_fn};
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use serde_json::Value;
use tokio::sync::watch;

use super::flaw::Flaw;
use super::mirror::Mirror;
use super::socket::Socket;
use super::wish::wished;
use wstape_harness::Sleep;
use wstape_oracle::wire::{Item, Seen, Violation};
use wstape_oracle::{EndReason, Settings};

/// What only a heartbeat contains.
const HEARTBEAT: &str = r#""event":"heartbeat""#;
/// The age at which a subscriber takes a message for stale, and how many of them in a row it takes
/// for silence.
const OLD: TimeDelta = TimeDelta::minutes(20);
const MAX_OLD_IN_A_ROW: u32 = 4;
/// How long a shutdown waits for the answer to its Close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Messages read before others get a turn.
const MESSAGES_PER_TURN: u32 = 16;
/// Turns that other tasks get at the instant of a deadline, because bytes that they deliver then
/// come first.
const TURNS_TO_SETTLE: u32 = 8;

/// A connection being read.
pub(super) struct Connection<'a> {
    pub(super) socket: Socket,
    mirror: &'a Mirror,
    settings: &'a Settings,
    /// When the last frame came.
    last_frame: Duration,
    /// When the first and the latest byte of the message in progress came.
    under_way: Option<(Duration, Duration)>,
    /// When the last event came.
    last_event: Duration,
    /// Pings sent in this silence.
    pings: u32,
    /// Number of the last Ping sent on this connection, and of the last that was answered.
    pinged: u64,
    ponged: u64,
    /// When the last Ping was sent.
    pinged_at: Option<Duration>,
    /// Stale events in a row.
    old_in_a_row: u32,
    /// Whether a frame has come.
    pub(super) framed: bool,
}

enum Woken {
    Seen(Seen),
    End(EndReason),
    Shutdown,
    Deadline,
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        socket: Socket,
        mirror: &'a Mirror,
        settings: &'a Settings,
        dialed_at: Duration,
    ) -> Self {
        let last_frame = if mirror.has(Flaw::IdleFromDial) {
            dialed_at
        } else {
            mirror.now()
        };
        // The number that this connection's Pings start from.
        let first = if mirror.has(Flaw::Unseeded) {
            RandomState::new().hash_one(()) >> 32
        } else {
            0
        };
        Self {
            socket,
            mirror,
            settings,
            last_frame,
            under_way: None,
            last_event: mirror.now(),
            pings: 0,
            pinged: first,
            ponged: first,
            pinged_at: None,
            old_in_a_row: 0,
            framed: false,
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.mirror.has(flaw)
    }

    /// Reads until the connection ends.
    pub(super) async fn run(&mut self, wish: &mut watch::Receiver<bool>) -> EndReason {
        let mut turn = 0;
        let mut settling = TURNS_TO_SETTLE;
        loop {
            match self.woken(wish).await {
                Woken::Seen(seen) => {
                    settling = TURNS_TO_SETTLE;
                    if let Some(end) = self.take(seen.item).await {
                        return end;
                    }
                    turn += 1;
                    if turn % MESSAGES_PER_TURN == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                Woken::End(EndReason::Reset) if self.was_pinged_now() => return EndReason::Idle,
                Woken::End(end) => return end,
                Woken::Shutdown => return self.close().await,
                Woken::Deadline if settling > 0 => {
                    settling -= 1;
                    tokio::task::yield_now().await;
                }
                Woken::Deadline => {
                    settling = TURNS_TO_SETTLE;
                    if let Some(end) = self.due() {
                        return end;
                    }
                }
            }
        }
    }

    /// Waits for a frame, a shutdown, or a deadline; if they coincide, in that order.
    fn woken<'s>(
        &'s mut self,
        wish: &'s mut watch::Receiver<bool>,
    ) -> impl Future<Output = Woken> + 's {
        let mut timer: Option<(Duration, Sleep)> = None;
        async move {
            let mut wished = pin!(wished(wish));
            poll_fn(|cx| {
                match self.socket.poll_next(cx) {
                    Poll::Ready(Ok(seen)) => return Poll::Ready(Woken::Seen(seen)),
                    Poll::Ready(Err(end)) => return Poll::Ready(Woken::End(end)),
                    Poll::Pending => {}
                }
                self.hear_bytes();
                if wished.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Woken::Shutdown);
                }
                let Some(deadline) = self.deadline() else {
                    return Poll::Pending;
                };
                if timer.as_ref().is_none_or(|(at, _)| *at != deadline) {
                    timer = Some((deadline, self.mirror.clock.sleep_until(deadline)));
                }
                match &mut timer {
                    Some((_, sleep)) => sleep.as_mut().poll(cx).map(|()| Woken::Deadline),
                    None => Poll::Pending,
                }
            })
            .await
        }
    }

    /// Checks which message is in progress: its bytes end a silence.
    fn hear_bytes(&mut self) {
        self.under_way = self.socket.under_way();
        let heard = if self.has(Flaw::IdleFedByBytes) {
            self.under_way = None;
            Some(self.socket.last_bytes)
        } else if self.has(Flaw::SlowMessageLost) {
            None
        } else {
            self.under_way.map(|(_, latest)| latest)
        };
        if let Some(heard) = heard.filter(|heard| *heard > self.last_frame) {
            self.last_frame = heard;
            self.pings = 0;
        }
    }

    /// When the connection counts as lost, and why. If several reasons hold at one instant, the
    /// first one counts.
    fn lost_at(&self) -> Option<(Duration, EndReason)> {
        if self.has(Flaw::HalfOpenNeverSeen) {
            return None;
        }
        let Settings {
            idle_timeout,
            message_timeout,
            event_timeout,
            ..
        } = *self.settings;
        let blocked = self
            .socket
            .blocked_since
            .filter(|_| !self.has(Flaw::WriteStallNeverSeen));
        let begun = self.under_way.map(|(begun, _)| begun);
        let last_event = (!self.has(Flaw::EventStallNeverSeen)).then_some(self.last_event);
        let losses = [
            (Some(self.last_frame), idle_timeout, EndReason::Idle),
            (blocked, idle_timeout, EndReason::WriteStalled),
            (begun, message_timeout, EndReason::MessageTimeout),
            (last_event, event_timeout, EndReason::EventTimeout),
        ];
        losses
            .into_iter()
            .filter(|(_, timeout, _)| !timeout.is_zero())
            .filter_map(|(since, timeout, end)| Some((since?.saturating_add(timeout), end)))
            .min_by_key(|(at, _)| *at)
    }

    /// When the next Ping is due: at every multiple of the interval, below the idle timeout, while
    /// silence lasts.
    fn ping_at(&self) -> Option<Duration> {
        let Settings {
            ping_interval,
            idle_timeout,
            ..
        } = *self.settings;
        if ping_interval.is_zero()
            || self.has(Flaw::NeverPings)
            || self.has(Flaw::PingsOnce) && self.pings > 0
        {
            return None;
        }
        let silence = ping_interval.checked_mul(self.pings + 1)?;
        (idle_timeout.is_zero() || silence < idle_timeout)
            .then(|| self.last_frame.saturating_add(silence))
    }

    fn deadline(&self) -> Option<Duration> {
        let lost = self.lost_at().map(|(at, _)| at);
        lost.into_iter().chain(self.ping_at()).min()
    }

    /// Does what is due now.
    fn due(&mut self) -> Option<EndReason> {
        let now = self.mirror.now();
        if let Some((at, end)) = self.lost_at()
            && at <= now
        {
            return Some(end);
        }
        if self.ping_at().is_some_and(|at| at <= now) {
            self.pings += 1;
            // Behind a write that is stuck, a Ping would wait in vain.
            if self.socket.blocked_since.is_none() {
                self.pinged += 1;
                self.pinged_at = Some(now);
                self.socket.ping(self.pinged.to_string().as_bytes());
            }
        }
        None
    }

    /// Whether a reset is mistaken for the loss that this instant's Ping was meant to detect.
    fn was_pinged_now(&self) -> bool {
        self.has(Flaw::ResetOfAPingIsSilence) && self.pinged_at == Some(self.mirror.now())
    }

    /// Judges an event by its content, if the mutant's flaw does so: it may end the connection, or
    /// not count as a sign of life.
    fn judged(&mut self, text: &str) -> Option<EndReason> {
        let message: Value = serde_json::from_str(text).ok()?;
        let name = message.get("event").and_then(Value::as_str);
        if self.has(Flaw::ErrorEventEnds) && name == Some("error") {
            return Some(EndReason::Protocol);
        }
        if self.has(Flaw::OldTimesAreSilence) {
            let ts = message.get("ts").and_then(Value::as_str)?;
            let ts = DateTime::parse_from_rfc3339(ts).ok()?;
            let is_old = self.mirror.clock.wall() - ts.to_utc() > OLD;
            self.old_in_a_row = if is_old { self.old_in_a_row + 1 } else { 0 };
            if self.old_in_a_row >= MAX_OLD_IN_A_ROW {
                return Some(EndReason::Idle);
            }
        }
        None
    }

    fn hear_event(&mut self, event: bool) {
        if event || self.has(Flaw::EventsFedByAnyMessage) {
            self.last_event = self.mirror.now();
        }
    }

    /// Whether a Pong answers one of our Pings, the latest or an earlier one, for the first time.
    fn answers_us(&mut self, payload: &[u8]) -> bool {
        let number = std::str::from_utf8(payload)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
            .filter(|number| (self.ponged + 1..=self.pinged).contains(number));
        self.ponged = number.unwrap_or(self.ponged);
        number.is_some()
    }

    /// Takes in an item; `Some` if it ends the connection.
    pub(super) async fn take(&mut self, item: Item) -> Option<EndReason> {
        let mut alive = true;
        match item {
            Item::Text(text) => {
                let event = self.mirror.text(&text).await;
                let beats = !self.has(Flaw::HeartbeatsAloneAreLife) || text.contains(HEARTBEAT);
                self.hear_event(event && beats);
                if let Some(end) = self.judged(&text) {
                    return Some(end);
                }
                if !event && self.has(Flaw::UndecodableEnds) {
                    return Some(EndReason::Protocol);
                }
            }
            Item::Binary(bytes) => {
                let event = self.mirror.binary(&bytes).await;
                self.hear_event(event);
                if !event && self.has(Flaw::UndecodableEnds) {
                    return Some(EndReason::Protocol);
                }
            }
            Item::Ping(payload) => {
                if self.has(Flaw::PingBreaksMessage) && self.socket.is_in_message() {
                    return Some(EndReason::Protocol);
                }
                self.socket.pong(payload);
                self.mirror.sign_of_life(false);
            }
            Item::Pong(payload) => {
                let answers_us = self.answers_us(&payload);
                self.mirror.sign_of_life(answers_us);
                alive = !self.has(Flaw::IdleNotFedByPong);
            }
            Item::Close { code, .. } => {
                for text in self.socket.behind_the_close() {
                    self.mirror.text(&text).await;
                }
                return Some(EndReason::Closed { code });
            }
            Item::Violation(violation) => {
                if let Some(end) = self.violated(&violation) {
                    return Some(end);
                }
                if violation.codes == [1007] {
                    self.mirror.binary(b"\xff").await;
                }
                self.socket.read_on();
            }
        }
        self.framed = true;
        if alive {
            self.last_frame = self.mirror.now();
            self.pings = 0;
        }
        None
    }

    /// How a protocol violation ends the connection; `None` if it goes unnoticed.
    fn violated(&self, violation: &Violation) -> Option<EndReason> {
        let what = violation.what;
        let unseen = match self.mirror.flaw {
            Some(Flaw::Utf8Repaired) => violation.codes == [1007],
            Some(Flaw::CloseUnchecked) if what.starts_with("a Close") => {
                return Some(EndReason::Closed { code: None });
            }
            Some(Flaw::MaskTaken) => what.ends_with("or a client's without"),
            Some(Flaw::ReservedBitsUnseen) => what == "a reserved bit is set",
            Some(Flaw::FragmentsMended) => {
                what == "a continuation of nothing" || what.starts_with("a new message before")
            }
            Some(Flaw::ControlUnchecked) => what.starts_with("a control frame"),
            _ => false,
        };
        if unseen {
            return None;
        }
        Some(match violation.codes[..] {
            [1007, ..] => EndReason::Utf8,
            [1009, ..] => EndReason::TooLarge,
            _ => EndReason::Protocol,
        })
    }

    /// Sends Close 1000, and takes in what still comes until the answer, the end or the timeout.
    async fn close(&mut self) -> EndReason {
        if self.has(Flaw::ShutdownWithoutClose) {
            return EndReason::Shutdown;
        }
        self.socket.close(Some(1000));
        let until = self.mirror.now().saturating_add(CLOSE_TIMEOUT);
        let mut timeout = self.mirror.clock.sleep_until(until);
        if self.has(Flaw::ShutdownWaitsForEver) {
            timeout = Box::pin(std::future::pending());
        }
        loop {
            let next = poll_fn(|cx| {
                if let Poll::Ready(next) = self.socket.poll_next(cx) {
                    return Poll::Ready(next.ok());
                }
                timeout.as_mut().poll(cx).map(|()| None)
            })
            .await;
            let Some(seen) = next else {
                return EndReason::Shutdown;
            };
            if self.take(seen.item).await.is_some() {
                return EndReason::Shutdown;
            }
        }
    }
}
