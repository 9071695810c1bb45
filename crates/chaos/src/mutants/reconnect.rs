//! The subscriber's task: dial, read, wait, again.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use tokio::sync::watch;
use wstape_harness::{Dialer, Transport};
use wstape_oracle::wire::{is_legal_close_code, retry_after};
use wstape_oracle::{EndReason, Settings};

use super::address::Address;
use super::backoff::Backoff;
use super::connection::Connection;
use super::flaw::Flaw;
use super::handshake::{Ask, Handshake};
use super::mirror::Mirror;
use super::socket::Socket;
use super::wish::{gone, wished};

/// The longest that finishing an ended connection may take.
const FINISH_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a task that nobody ends lives.
const FORGOTTEN_FOR: Duration = Duration::from_hours(1);
/// Failures in a row after which a subscriber that gives up does so.
const MAX_FAILURES: u32 = 5;
/// The most reconnects besides the correct one.
const MAX_FORKS: u32 = 3;

/// A subscriber's task.
#[derive(Clone)]
pub(super) struct Subscription {
    /// The host in the handshake's request, with its port.
    host: String,
    path: String,
    /// The URL as given.
    url: String,
    target: Address,
    settings: Settings,
    dialer: Arc<dyn Dialer>,
    mirror: Mirror,
    wish: watch::Receiver<bool>,
    backoff: Backoff,
    /// The source of handshake keys and frame masks.
    noise: ChaCha8Rng,
    forks: u32,
    /// Attempts in a row without a frame.
    failures: u32,
}

/// A handshake in progress.
type Asking = Pin<Box<dyn Future<Output = Handshake> + Send>>;

/// What an attempt leaves behind.
struct Ended {
    reason: EndReason,
    retry_after: Option<Duration>,
    framed: bool,
    opened: bool,
    socket: Option<Socket>,
}

impl Ended {
    fn early(reason: EndReason) -> Self {
        Self {
            reason,
            retry_after: None,
            framed: false,
            opened: false,
            socket: None,
        }
    }
}

impl Subscription {
    pub(super) fn new(
        url: &str,
        target: Address,
        settings: Settings,
        dialer: Arc<dyn Dialer>,
        mirror: Mirror,
        wish: watch::Receiver<bool>,
    ) -> Self {
        let (_, rest) = url.split_once("://").unwrap_or_default();
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(at);
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let slash = if path.starts_with('/') { "" } else { "/" };
        Self {
            host: host.to_owned(),
            path: format!("{slash}{path}"),
            url: url.to_owned(),
            target,
            backoff: Backoff::new(mirror.flaw, settings.clone()),
            noise: ChaCha8Rng::seed_from_u64(!settings.jitter_seed),
            settings,
            dialer,
            mirror,
            wish,
            forks: 0,
            failures: 0,
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.mirror.has(flaw)
    }

    /// Runs until shutdown.
    pub(super) async fn run(mut self) {
        // A shutdown that comes before the first dial leaves no attempt on record.
        if *self.wish.borrow() {
            return;
        }
        if self.has(Flaw::FirstConnectWaits) {
            let delay = self.backoff.clone().next(None);
            self.sleep(self.mirror.now().saturating_add(delay)).await;
        }
        loop {
            self.mirror.dial();
            if self.has(Flaw::UrlLogged) {
                tracing::info!(url = %self.url, "connecting");
            }
            let ended = self.connect().await;
            self.mirror.ended(ended.reason);
            if ended.reason == EndReason::Shutdown {
                return;
            }
            let ended_at = self.mirror.now();
            let resets = if self.has(Flaw::ResetOnCleanCloseOnly) {
                ended.framed && matches!(ended.reason, EndReason::Closed { .. })
            } else {
                ended.framed && !self.has(Flaw::CounterNeverReset)
            };
            if resets {
                self.backoff.reset();
            }
            self.failures = if ended.framed { 0 } else { self.failures + 1 };
            let final_word = self.is_final(ended.reason);
            let hot = self.has(Flaw::HotLoop) && ended.opened
                || self.has(Flaw::RefusalHotLoop)
                    && matches!(ended.reason, EndReason::Refused { .. });
            let delay = self.backoff.next(ended.retry_after);
            let delay = if hot { Duration::ZERO } else { delay };
            let broken = !matches!(ended.reason, EndReason::Closed { .. });
            if self.has(Flaw::TwoReconnects) && ended.opened && broken && self.forks < MAX_FORKS {
                self.forks += 1;
                tokio::spawn(spawnable(self.clone(), ended_at.saturating_add(delay)));
            }
            if let Some(socket) = ended.socket {
                self.finish(socket, ended.reason, ended_at, delay).await;
            }
            if final_word {
                wished(&mut self.wish).await;
                return;
            }
            let mut next = ended_at.saturating_add(delay);
            if self.has(Flaw::DelayAfterFinish) {
                next = self.mirror.now().saturating_add(delay);
            }
            if self.sleep(next).await {
                return;
            }
        }
    }

    /// Whether the mutant takes an end as final.
    fn is_final(&self, reason: EndReason) -> bool {
        match reason {
            EndReason::Refused { status: 400..500 } if self.has(Flaw::RefusalIsFinal) => true,
            EndReason::Closed { code: Some(1000) } if self.has(Flaw::NormalCloseIsFinal) => true,
            EndReason::Closed { code: Some(4000..) } if self.has(Flaw::KickedIsFinal) => true,
            EndReason::ConnectFailed if self.has(Flaw::TlsIsFinal) => true,
            _ => self.has(Flaw::GivesUp) && self.failures >= MAX_FAILURES,
        }
    }

    /// Waits; returns whether a shutdown came first.
    async fn sleep(&mut self, until: Duration) -> bool {
        let sleep = self.mirror.clock.sleep_until(until);
        let ignored = self.has(Flaw::ShutdownUnseenInSleep);
        let forsaken = self.has(Flaw::EndsWithItsHandle);
        let handle = self.wish.clone();
        tokio::select! {
            biased;
            () = wished(&mut self.wish), if !ignored => return true,
            () = gone(handle), if forsaken => return true,
            () = sleep => {}
        }
        *self.wish.borrow()
    }

    /// Makes one attempt, from the dial to the end of the connection.
    async fn connect(&mut self) -> Ended {
        let dialed_at = self.mirror.now();
        let (stream, early) = match self.open().await {
            Ok(open) => open,
            Err(ended) => return ended,
        };
        self.mirror.connected();
        if self.has(Flaw::ResetOnUpgrade) {
            self.backoff.reset();
        }
        if self.has(Flaw::TaskLeftBehind) {
            let until = dialed_at.saturating_add(FORGOTTEN_FOR);
            tokio::spawn(self.mirror.clock.sleep_until(until));
        }
        self.noise.set_stream(self.noise.get_stream() + 1);
        let socket = self.socket(stream, &early);
        let mut wish = self.wish.clone();
        let forsaken = self.has(Flaw::EndsWithItsHandle);
        let handle = self.wish.clone();
        let mut connection = Connection::new(socket, &self.mirror, &self.settings, dialed_at);
        let reason = tokio::select! {
            biased;
            () = gone(handle), if forsaken => EndReason::Shutdown,
            reason = connection.run(&mut wish) => reason,
        };
        let framed = connection.framed;
        let mut socket = Some(connection.socket);
        if self.has(Flaw::OldReaderApplies)
            && reason == EndReason::Idle
            && let Some(old) = socket.take()
        {
            tokio::spawn(self.clone().apply_all(old, dialed_at));
        }
        Ended {
            reason,
            retry_after: None,
            framed,
            opened: true,
            socket,
        }
    }

    /// Applies what comes on a connection, in parallel to everything else.
    async fn apply_all(self, socket: Socket, dialed_at: Duration) {
        let mut reader = Connection::new(socket, &self.mirror, &self.settings, dialed_at);
        while let Ok(seen) = poll_fn(|cx| reader.socket.poll_next(cx)).await
            && reader.take(seen.item).await.is_none()
        {}
    }

    /// Continues a handshake in parallel to everything else, and applies its result.
    fn use_late(&self, asking: Asking) {
        let late = self.clone();
        tokio::spawn(async move {
            let dialed_at = late.mirror.now();
            if let Handshake::Open(stream, early) = asking.await {
                let socket = late.socket(stream, &early);
                late.apply_all(socket, dialed_at).await;
            }
        });
    }

    fn socket(&self, stream: Box<dyn Transport>, early: &[u8]) -> Socket {
        Socket::new(
            self.mirror.flaw,
            stream,
            early,
            self.settings.max_message_bytes,
            Arc::clone(&self.mirror.clock),
            self.noise.clone(),
        )
    }

    /// Dials, for at most as long as the deadline allows.
    async fn dial(&mut self, deadline: Duration) -> Result<Box<dyn Transport>, Ended> {
        let target = self.target.clone();
        let dialer = Arc::clone(&self.dialer);
        let unbounded = self.has(Flaw::NoConnectTimeout) || self.has(Flaw::DialUnbounded);
        let ignored = self.has(Flaw::ShutdownUnseenInDial);
        let timeout = self.mirror.clock.sleep_until(deadline);
        let stream = tokio::select! {
            biased;
            () = wished(&mut self.wish), if !ignored => return Err(Ended::early(EndReason::Shutdown)),
            stream = dialer.dial(&target.host, target.port) => stream,
            () = timeout, if !unbounded => return Err(Ended::early(EndReason::ConnectTimeout)),
        };
        stream.map_err(|error| {
            // A dialer reports an untrusted certificate this way.
            let is_tls = error.kind() == io::ErrorKind::InvalidData;
            Ended::early(if is_tls {
                EndReason::ConnectFailed
            } else {
                EndReason::ConnectRefused
            })
        })
    }

    /// Dials and performs the handshake, within the connect timeout.
    async fn open(&mut self) -> Result<(Box<dyn Transport>, Vec<u8>), Ended> {
        let deadline = self
            .mirror
            .now()
            .saturating_add(self.settings.connect_timeout);
        let clock = Arc::clone(&self.mirror.clock);
        let dialer = Arc::clone(&self.dialer);
        let stream = self.dial(deadline).await?;
        let dialed_at = self.mirror.now();
        self.mirror.dialed();
        if self.has(Flaw::ResetOnConnect) {
            self.backoff.reset();
        }
        // If the dial is unbounded, the handshake has a bound of its own.
        let deadline = if self.has(Flaw::DialUnbounded) {
            dialed_at.saturating_add(self.settings.connect_timeout)
        } else {
            deadline
        };
        let unbounded = self.has(Flaw::NoConnectTimeout) || self.has(Flaw::HandshakeUnbounded);
        let ignored = self.has(Flaw::ShutdownUnseenInHandshake);
        let ask = Ask {
            flaw: self.mirror.flaw,
            host: self.host.clone(),
            path: self.path.clone(),
            token: self.settings.token.clone(),
        };
        let mut asking: Asking = {
            let mut noise = self.noise.clone();
            self.noise.set_stream(self.noise.get_stream() + 1);
            Box::pin(async move { ask.perform(stream, &mut noise).await })
        };
        let handshake = tokio::select! {
            biased;
            () = wished(&mut self.wish), if !ignored => return Err(Ended::early(EndReason::Shutdown)),
            handshake = &mut asking => handshake,
            () = clock.sleep_until(deadline), if !unbounded => {
                if self.has(Flaw::LateAnswerUsed) {
                    self.use_late(asking);
                }
                return Err(Ended::early(EndReason::ConnectTimeout));
            }
        };
        match handshake {
            Handshake::Open(stream, early) => Ok((stream, early)),
            Handshake::Failed(reason) => Err(Ended::early(reason)),
            Handshake::Refused {
                status,
                retry_after: asked,
                location,
            } => {
                if self.has(Flaw::RedirectFollowed)
                    && (300..400).contains(&status)
                    && let Some(location) = location
                    && let Some(elsewhere) = Address::parse(&location.replacen("http", "ws", 1))
                {
                    // A dial is enough to be found: a connection there would get the token.
                    drop(dialer.dial(&elsewhere.host, elsewhere.port).await);
                }
                self.mirror.refused(status);
                let asked = asked.filter(|asked| {
                    !self.has(Flaw::RetryAfterDateIgnored) || asked.trim().parse::<f64>().is_ok()
                });
                Err(Ended {
                    retry_after: retry_after(status, asked.as_deref(), clock.wall()),
                    ..Ended::early(EndReason::Refused { status })
                })
            }
        }
    }

    /// Finishes an ended connection: answers the peer's Close and waits for its end of stream, or
    /// reports its error to it.
    async fn finish(
        &mut self,
        mut socket: Socket,
        reason: EndReason,
        ended_at: Duration,
        delay: Duration,
    ) {
        let answer = match reason {
            EndReason::Closed { code } if !self.has(Flaw::CloseUnanswered) => {
                Some(code.map(|code| {
                    if is_legal_close_code(code) {
                        code
                    } else {
                        1002
                    }
                }))
            }
            EndReason::Protocol if !self.has(Flaw::ErrorUnanswered) => Some(Some(1002)),
            EndReason::Utf8 if !self.has(Flaw::ErrorUnanswered) => Some(Some(1007)),
            EndReason::TooLarge if !self.has(Flaw::ErrorUnanswered) => Some(Some(1009)),
            _ => None,
        };
        let Some(code) = answer else { return };
        socket.close(code);
        let mut bound = delay.min(FINISH_TIMEOUT);
        if self.has(Flaw::DelayAfterFinish) {
            bound = FINISH_TIMEOUT;
        }
        let unbounded = self.has(Flaw::FinishUnbounded);
        let timeout = self
            .mirror
            .clock
            .sleep_until(ended_at.saturating_add(bound));
        let waits = matches!(reason, EndReason::Closed { .. });
        tokio::select! {
            biased;
            () = poll_fn(|cx| if waits { socket.poll_end(cx) } else { socket.poll_write(cx) }) => {}
            () = wished(&mut self.wish) => {}
            () = timeout, if !unbounded => {}
        }
    }
}

/// The second of two reconnects for one end, as a future that can be spawned.
fn spawnable(mut again: Subscription, at: Duration) -> impl Future<Output = ()> + Send {
    let run: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
        if !again.sleep(at).await {
            again.run().await;
        }
    });
    run
}
