//! One established connection: reading, liveness, and the closing handshake of a shutdown.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message;

use super::clock::Sleep;
use super::feed::Feed;
use super::liveness::{Due, Liveness, Standing, Timeouts};
use super::shutdown::Shutdown;
use super::socket::{self, Socket};
use crate::EndReason;

/// How long a shutdown waits for the answer to its Close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Messages read before other tasks get a turn and the clock is read again: half of what the
/// events channel holds, so that a receiver that keeps reading misses none.
const MESSAGES_PER_TURN: u32 = 64;
/// The same, if nobody listens to the events: a fraction of a millisecond's work.
const MESSAGES_PER_UNHEARD_TURN: u32 = 512;
/// Turns given to all other tasks before a deadline counts as passed: what they do at that very
/// instant (deliver bytes, above all) comes first.
const TURNS_TO_SETTLE: u32 = 8;

/// An established connection being read.
pub(crate) struct Connection<'a> {
    socket: Socket,
    feed: &'a mut Feed,
    liveness: Liveness,
    /// Pings sent and Pongs to them seen on this connection.
    pinged: u64,
    ponged: u64,
    /// The armed timer and its deadline.
    timer: Option<(Duration, Sleep)>,
}

enum Woken {
    Read(Result<Message, EndReason>),
    Shutdown,
    Deadline,
}

impl<'a> Connection<'a> {
    /// A connection whose handshake has just ended.
    pub(crate) fn new(socket: Socket, feed: &'a mut Feed, timeouts: Timeouts) -> Self {
        let now = feed.clock().now();
        Self {
            socket,
            feed,
            liveness: Liveness::new(timeouts, now),
            pinged: 0,
            ponged: 0,
            timer: None,
        }
    }

    /// Reads until the connection ends and gives back the socket to be finished, or closes it once
    /// `shutdown` is asked for.
    pub(crate) async fn run(mut self, shutdown: &mut Shutdown) -> (EndReason, Option<Socket>) {
        let mut settling = TURNS_TO_SETTLE;
        let mut turn = 0;
        loop {
            match self.woken(shutdown, turn).await {
                Woken::Read(Ok(message)) => {
                    settling = TURNS_TO_SETTLE;
                    if let Some(end) = self.take(message) {
                        return (end, Some(self.socket));
                    }
                    turn += 1;
                    let whole_turn = if self.feed.heard() {
                        MESSAGES_PER_TURN
                    } else {
                        MESSAGES_PER_UNHEARD_TURN
                    };
                    if turn >= whole_turn {
                        turn = 0;
                        self.feed.end_turn();
                        tokio::task::yield_now().await;
                        if shutdown.requested() {
                            return (self.close().await, None);
                        }
                    }
                }
                Woken::Read(Err(end)) => return (end, Some(self.socket)),
                Woken::Shutdown => return (self.close().await, None),
                Woken::Deadline => {
                    // A timer that has fired is spent; the next wait arms another.
                    self.timer = None;
                    turn = 0;
                    self.feed.publish();
                    if settling > 0 {
                        settling -= 1;
                        tokio::task::yield_now().await;
                        continue;
                    }
                    settling = TURNS_TO_SETTLE;
                    match self.due() {
                        Due::End(end) => return (end, Some(self.socket)),
                        Due::Ping => self.ping(),
                        Due::Nothing => {}
                    }
                }
            }
        }
    }

    /// Waits for a message, a shutdown, or a deadline: in that order if they come together.
    fn woken<'s>(
        &'s mut self,
        shutdown: &'s mut Shutdown,
        turn: u32,
    ) -> impl Future<Output = Woken> + 's {
        let mut waited = false;
        poll_fn(move |cx| {
            if let Poll::Ready(read) = self.socket.poll_message(cx) {
                if waited || turn == 0 {
                    self.feed.read_clock();
                }
                return Poll::Ready(Woken::Read(read));
            }
            waited = true;
            self.liveness.bytes(self.socket.message_underway());
            self.feed.wake();
            if shutdown.poll_requested(cx).is_ready() {
                return Poll::Ready(Woken::Shutdown);
            }
            let Some(deadline) = self.deadline() else {
                return Poll::Pending;
            };
            let armed = match &mut self.timer {
                // An armed timer that fires before the deadline is kept: what is due is checked
                // again then. One that would fire after it is replaced.
                Some((at, sleep)) if *at <= deadline => sleep,
                timer => {
                    let sleep = self.feed.clock().sleep_until(deadline);
                    &mut timer.insert((deadline, sleep)).1
                }
            };
            armed.as_mut().poll(cx).map(|()| Woken::Deadline)
        })
    }

    /// The next instant at which something must be decided.
    fn deadline(&self) -> Option<Duration> {
        let lost_or_ping = self.liveness.deadline(self.standing());
        let retry = self.feed.retry_at();
        lost_or_ping.into_iter().chain(retry).min()
    }

    fn due(&mut self) -> Due {
        let now = self.feed.read_clock();
        self.liveness.due(now, self.standing())
    }

    fn standing(&self) -> Standing {
        Standing {
            underway: self.socket.message_underway(),
            write_blocked_since: self.socket.write_blocked_since(),
            last_event: self.feed.last_event(),
        }
    }

    fn ping(&mut self) {
        self.liveness.pinged();
        if self.socket.write_blocked_since().is_some() {
            // The Ping would wait behind the stalled write, which is noticed by its own timeout.
            return;
        }
        self.pinged += 1;
        let payload = Bytes::from(self.pinged.to_string());
        self.feed.ping_sent(&payload);
        self.socket.send(Message::Ping(payload));
    }

    /// Whether a Pong answers one of our Pings: the latest may answer for those before it
    /// (RFC 6455, 5.5.3), and none answers twice.
    fn answers_us(&mut self, payload: &[u8]) -> bool {
        let number = std::str::from_utf8(payload)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
            .filter(|number| (self.ponged + 1..=self.pinged).contains(number));
        if let Some(number) = number {
            self.ponged = number;
        }
        number.is_some()
    }

    /// Takes a message in; returns `Some` if it was the peer's Close.
    fn take(&mut self, message: Message) -> Option<EndReason> {
        match message {
            Message::Text(text) => self.feed.text(&text),
            Message::Binary(bytes) => self.feed.binary(&bytes),
            Message::Ping(payload) => self.feed.ping(&payload),
            Message::Pong(payload) => {
                let answer = self.answers_us(&payload);
                self.feed.pong(&payload, answer);
            }
            Message::Close(frame) => {
                let code = frame.as_ref().map(|frame| u16::from(frame.code));
                let reason = frame.as_ref().map_or("", |frame| frame.reason.as_str());
                self.feed.close(code, reason);
                return Some(EndReason::Closed { code });
            }
            // Only ever written, never read.
            Message::Frame(_) => return None,
        }
        self.liveness.frame(self.feed.now());
        None
    }

    /// Sends Close 1000 and folds what still comes until the answer, the end, or the timeout.
    async fn close(mut self) -> EndReason {
        let mut unsent = true;
        let deadline = self.feed.read_clock().saturating_add(CLOSE_TIMEOUT);
        let mut timeout = self.feed.clock().sleep_until(deadline);
        let mut turn = 0;
        loop {
            let read = poll_fn(|cx| {
                // Sent only once earlier writes are out: behind a blocked one there may be no room
                // for the Close, and it would be lost.
                if unsent && self.socket.poll_flush(cx).is_ready() {
                    unsent = false;
                    self.socket.send(socket::close(1000));
                }
                if let Poll::Ready(read) = self.socket.poll_message(cx) {
                    self.feed.read_clock();
                    return Poll::Ready(Some(read));
                }
                self.feed.wake();
                timeout.as_mut().poll(cx).map(|()| None)
            })
            .await;
            let Some(Ok(message)) = read else { break };
            if self.take(message).is_some() || self.feed.now() >= deadline {
                break;
            }
            turn += 1;
            if turn % MESSAGES_PER_TURN == 0 {
                self.feed.wake();
                tokio::task::yield_now().await;
            }
        }
        EndReason::Shutdown
    }
}
