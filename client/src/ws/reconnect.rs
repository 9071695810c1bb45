//! The subscriber's task: dial, read, wait, again. SPEC's reconnect rules live here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use tokio_tungstenite::tungstenite::Message;

use super::clock::within;
use super::connection::Connection;
use super::dial::{DialError, Dialer};
use super::feed::Feed;
use super::handshake::{Handshake, Upgrade};
use super::liveness::Timeouts;
use super::retry_after::retry_after;
use super::shutdown::Shutdown;
use super::socket::Socket;
use super::target::Target;
use crate::EndReason;
use crate::backoff::{JitterMode, ReconnectConfig, apply_jitter, exp_backoff_cap};

/// Longest time to finish an ended connection, unless the delay is shorter.
const FINISH_TIMEOUT: Duration = Duration::from_secs(1);

/// All that a subscriber's task needs.
pub(crate) struct Subscription {
    pub(crate) target: Target,
    pub(crate) upgrade: Upgrade,
    /// Messages that each connection begins with.
    pub(crate) opening: Vec<String>,
    pub(crate) dialer: Arc<dyn Dialer>,
    pub(crate) feed: Feed,
    pub(crate) backoff: ReconnectConfig,
    pub(crate) timeouts: Timeouts,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_message_bytes: usize,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) shutdown: Shutdown,
}

/// What an ended attempt leaves behind.
struct Ended {
    reason: EndReason,
    retry_after: Option<Duration>,
    socket: Option<Socket>,
}

impl Ended {
    fn without_socket(reason: EndReason) -> Self {
        Self {
            reason,
            retry_after: None,
            socket: None,
        }
    }
}

impl Subscription {
    /// Runs the subscription until shutdown.
    pub(crate) async fn run(mut self) {
        self.reconnect().await;
        self.feed.finish().await;
    }

    /// Dials, reads and waits, again and again, until shutdown.
    async fn reconnect(&mut self) {
        let mut attempt: u32 = 0;
        loop {
            // Checked before the dial is counted: one that is not made is no attempt.
            if self.shutdown.requested() {
                return;
            }
            self.feed.dial();
            tracing::debug!(target_url = %self.target, "dialing");
            let ended = self.attempt().await;
            self.feed.ended(ended.reason);
            if ended.reason == EndReason::Shutdown {
                tracing::debug!("shut down");
                return;
            }
            let end_at = self.feed.now();
            if self.feed.framed() {
                attempt = 0;
            }
            let delay = self.delay(attempt, ended.retry_after);
            tracing::info!(reason = %ended.reason, ?delay, attempt, "connection lost");
            self.feed.retry(delay, attempt);
            attempt = attempt.saturating_add(1);
            let next_dial = end_at.saturating_add(delay);
            if let Some(socket) = ended.socket {
                let finish_by = end_at.saturating_add(delay.min(FINISH_TIMEOUT));
                let timeout = self.feed.clock().sleep_until(finish_by);
                let finish = within(timeout, socket.finish(ended.reason));
                let _ = self.shutdown.unless(finish).await;
            }
            let sleep = self.feed.clock().sleep_until(next_dial);
            let slept = self.feed.until(self.shutdown.unless(sleep)).await;
            if slept.is_none() {
                tracing::debug!("shut down while waiting");
                return;
            }
        }
    }

    /// One attempt, from the dial to the end of the connection it made.
    async fn attempt(&mut self) -> Ended {
        let clock = Arc::clone(self.feed.clock());
        let deadline = self.feed.now().saturating_add(self.connect_timeout);
        let open = open(self.dialer.as_ref(), &self.target, &self.upgrade);
        let opened = within(clock.sleep_until(deadline), open);
        let opened = self.feed.until(self.shutdown.unless(opened)).await;
        let (stream, early, headers) = match opened {
            None => return Ended::without_socket(EndReason::Shutdown),
            Some(None) => return Ended::without_socket(EndReason::ConnectTimeout),
            Some(Some(Err(error))) => {
                let reason = match &error {
                    DialError::Connect(io) if io.kind() == io::ErrorKind::ConnectionRefused => {
                        EndReason::ConnectRefused
                    }
                    DialError::Connect(_) => EndReason::ConnectFailed,
                    DialError::Tls(_) => EndReason::Tls,
                };
                tracing::debug!(%reason, %error, "dial failed");
                return Ended::without_socket(reason);
            }
            Some(Some(Ok(Handshake::Failed(reason, error)))) => {
                tracing::debug!(%reason, %error, "handshake failed");
                return Ended::without_socket(reason);
            }
            Some(Some(Ok(Handshake::Refused(status, headers)))) => {
                self.feed.read_clock();
                self.feed.refused(status, &headers);
                return Ended {
                    retry_after: retry_after(status, &headers, clock.wall()),
                    ..Ended::without_socket(EndReason::Refused {
                        status: status.as_u16(),
                    })
                };
            }
            Some(Some(Ok(Handshake::Open(stream, early, headers)))) => (stream, early, headers),
        };
        let mut socket = Socket::new(stream, early, self.max_message_bytes, clock).await;
        self.feed.connected(&headers);
        tracing::info!(target_url = %self.target, "connected");
        for text in &self.opening {
            self.feed.sent(text);
            socket.send(Message::text(text.as_str()));
        }
        let connection = Connection::new(socket, &mut self.feed, self.timeouts);
        let (reason, socket) = connection.run(&mut self.shutdown).await;
        Ended {
            reason,
            retry_after: None,
            socket,
        }
    }

    /// Rules 1 and 6: how long to wait before the next dial.
    fn delay(&mut self, attempt: u32, retry_after: Option<Duration>) -> Duration {
        let ReconnectConfig {
            initial_backoff,
            max_backoff,
            multiplier,
            jitter,
        } = self.backoff;
        let cap = exp_backoff_cap(initial_backoff, max_backoff, multiplier, attempt);
        let drawn = apply_jitter(cap, jitter, &mut || self.rng.next_u64());
        let Some(wanted) = retry_after.map(|asked| asked.min(max_backoff)) else {
            return drawn;
        };
        match jitter {
            JitterMode::None => drawn.max(wanted),
            JitterMode::Full => wanted.saturating_add(drawn),
        }
    }
}

/// A stream to the peer, and what the peer answers on it.
async fn open(
    dialer: &dyn Dialer,
    target: &Target,
    upgrade: &Upgrade,
) -> Result<Handshake, DialError> {
    let stream = dialer.dial(target).await?;
    Ok(upgrade.perform(stream).await)
}
