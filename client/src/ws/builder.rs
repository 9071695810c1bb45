//! Everything about a subscriber that can be set.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::RwLock;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::{Notify, broadcast};

use super::clock::{Clock, SystemClock};
use super::dial::{Dialer, NetDialer};
use super::error::WsError;
use super::events::Events;
use super::feed::Feed;
use super::handshake::Upgrade;
use super::liveness::Timeouts;
use super::observer::Observer;
use super::reconnect::Subscription;
use super::shutdown::Shutdown;
use super::subscriber::WsSubscriber;
use super::target::Target;
use crate::backoff::ReconnectConfig;
use crate::{EngineEvent, EngineState};

/// Events that a receiver may fall behind by before it misses some.
pub const EVENTS_CAPACITY: usize = 128;
/// Silence after which a Ping is sent, unless set otherwise.
pub const PING_INTERVAL: Duration = Duration::from_secs(15);
/// Silence after which a connection counts as lost, unless set otherwise.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Time that one message may take to come in, unless set otherwise.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_mins(2);
/// Limit on dial, TLS and handshake together, unless set otherwise.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest message taken, unless set otherwise. A message of the engine's is a few KiB.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// Settings for a new subscriber.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::time::Duration;
/// use engine_client::{EngineState, WsSubscriber};
///
/// let mut builder = WsSubscriber::builder("ws://127.0.0.1:9/ws")
///     .token("secret")
///     .ping_interval(Duration::from_secs(5))
///     .idle_timeout(Duration::from_secs(10));
/// let mut events = builder.events();
/// let subscriber = builder.spawn(EngineState::shared()).unwrap();
/// subscriber.shutdown().await.unwrap();
/// assert!(events.recv().await.is_err(), "nothing came, and nothing more will");
/// # }
/// ```
#[must_use = "a builder does nothing until it spawns"]
pub struct SubscriberBuilder {
    url: String,
    token: Option<String>,
    headers: HeaderMap,
    opening: Vec<String>,
    reconnect: ReconnectConfig,
    timeouts: Timeouts,
    connect_timeout: Duration,
    max_message_bytes: usize,
    events: Events,
    clock: Option<Arc<dyn Clock>>,
    dialer: Option<Arc<dyn Dialer>>,
    observer: Option<Box<dyn Observer>>,
    jitter_seed: Option<u64>,
}

impl SubscriberBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            token: None,
            headers: HeaderMap::new(),
            opening: Vec::new(),
            reconnect: ReconnectConfig::default(),
            timeouts: Timeouts {
                ping_interval: PING_INTERVAL,
                idle: IDLE_TIMEOUT,
                message: MESSAGE_TIMEOUT,
                event: Duration::ZERO,
            },
            connect_timeout: CONNECT_TIMEOUT,
            max_message_bytes: MAX_MESSAGE_BYTES,
            events: Events::new(EVENTS_CAPACITY),
            clock: None,
            dialer: None,
            observer: None,
            jitter_seed: None,
        }
    }

    /// Bearer token of every upgrade request (RFC 6750, 2.1).
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// A further header of every upgrade request; those that the handshake itself sets stay as they
    /// are. With `Sec-WebSocket-Protocol` the server may choose one of the subprotocols named there
    /// (RFC 6455, 4.1); without it, a server that names one is refused.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// A text message that each connection begins with, such as a subscription. Messages go out in
    /// the order of calls, again after each reconnect.
    pub fn send(mut self, text: impl Into<String>) -> Self {
        self.opening.push(text.into());
        self
    }

    /// Sets the backoff and its jitter.
    pub fn reconnect(mut self, reconnect: ReconnectConfig) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Silence after which a Ping is sent, and again after each further stretch of that length;
    /// zero sends none. Default [`PING_INTERVAL`].
    pub fn ping_interval(mut self, silence: Duration) -> Self {
        self.timeouts.ping_interval = silence;
        self
    }

    /// Silence, or time without progress of a write, after which the connection counts as lost;
    /// zero trusts a silent peer for ever. Silence is the time since the last whole frame, or since
    /// the last byte of a message still coming in. Default [`IDLE_TIMEOUT`].
    pub fn idle_timeout(mut self, silence: Duration) -> Self {
        self.timeouts.idle = silence;
        self
    }

    /// Longest time from a message's first byte to its last before the connection counts as lost;
    /// zero sets no bound. Until then the message's bytes end a silence as whole frames do, so one
    /// that takes longer than the idle timeout still arrives. Default [`MESSAGE_TIMEOUT`].
    pub fn message_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.message = timeout;
        self
    }

    /// Time without an event after which the connection counts as lost, however alive it is: this
    /// finds a feed that has stalled behind a server that still answers Pings. Set it longer than
    /// the longest pause between two events and than the largest event takes to come in. Default:
    /// none, and zero is none.
    pub fn event_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.event = timeout;
        self
    }

    /// Limit on dial, TLS and handshake together. Default [`CONNECT_TIMEOUT`].
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Largest message taken, in bytes; a larger one ends the connection with 1009. Default
    /// [`MAX_MESSAGE_BYTES`].
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = bytes;
        self
    }

    /// Events that a receiver may fall behind by, rounded up to a power of two. Receivers taken
    /// before this call get nothing. Default [`EVENTS_CAPACITY`].
    ///
    /// # Panics
    /// If `events` is 0 or more than half of `usize::MAX`.
    pub fn events_capacity(mut self, events: usize) -> Self {
        self.events = Events::new(events);
        self
    }

    /// The clock. Default: [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The dialer. Default: [`NetDialer`].
    pub fn dialer(mut self, dialer: Arc<dyn Dialer>) -> Self {
        self.dialer = Some(dialer);
        self
    }

    /// An observer of all that happens.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Seed of the jitter, for repeatable runs. Default: drawn from the operating system, so that
    /// no two subscribers march in step.
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.jitter_seed = Some(seed);
        self
    }

    /// A receiver that misses nothing from the first connection on.
    #[must_use]
    pub fn events(&mut self) -> broadcast::Receiver<EngineEvent> {
        self.events.subscribe()
    }

    /// Checks URL and token without starting anything.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn validate(&self) -> Result<(), WsError> {
        self.peer().map(|_| ())
    }

    fn peer(&self) -> Result<(Target, Upgrade), WsError> {
        let target = Target::parse(&self.url)?;
        let upgrade = Upgrade::new(&target, self.token.as_deref(), &self.headers)?;
        Ok((target, upgrade))
    }

    /// Starts the subscriber on the current tokio runtime, folding into `state`.
    ///
    /// # Errors
    /// [`WsError::InvalidUrl`] for anything but a `ws` or `wss` URL, [`WsError::InvalidToken`] for
    /// a token that can't be a header value.
    ///
    /// # Panics
    /// Outside a tokio runtime with its time and I/O drivers on.
    pub fn spawn(self, state: Arc<RwLock<EngineState>>) -> Result<WsSubscriber, WsError> {
        let (target, upgrade) = self.peer()?;
        let clock = self
            .clock
            .unwrap_or_else(|| Arc::new(SystemClock::new()) as Arc<dyn Clock>);
        let dialer = self
            .dialer
            .unwrap_or_else(|| Arc::new(NetDialer::new()) as Arc<dyn Dialer>);
        let rng = match self.jitter_seed {
            Some(seed) => ChaCha8Rng::seed_from_u64(seed),
            None => ChaCha8Rng::from_rng(&mut rand::rng()),
        };
        let changed = Arc::new(Notify::new());
        let (wish, shutdown) = Shutdown::new();
        let subscription = Subscription {
            target,
            upgrade,
            opening: self.opening,
            dialer,
            feed: Feed::new(
                clock,
                Arc::clone(&state),
                self.events.clone(),
                Arc::clone(&changed),
                self.observer,
            ),
            backoff: self.reconnect,
            timeouts: self.timeouts,
            connect_timeout: self.connect_timeout,
            max_message_bytes: self.max_message_bytes,
            rng,
            shutdown,
        };
        Ok(WsSubscriber {
            state,
            events: self.events,
            changed,
            shutdown: wish,
            // Boxed: a task is moved several times as it begins and ends, and this one is large.
            task: tokio::spawn(Box::pin(subscription.run())),
        })
    }
}

/// Ways to start a subscriber; the rest of the handle knows nothing of its builder.
impl WsSubscriber {
    /// Subscribes to `url` with SPEC's defaults, with `token` as the bearer token. Returns at
    /// once; the first connect starts on the subscriber's own task.
    ///
    /// # Errors
    /// [`WsError::InvalidUrl`] for anything but a `ws` or `wss` URL, [`WsError::InvalidToken`] for
    /// a token that can't be a header value.
    ///
    /// # Panics
    /// Outside a tokio runtime with its time and I/O drivers on.
    pub fn spawn(
        url: &str,
        token: Option<String>,
        state: Arc<RwLock<EngineState>>,
    ) -> Result<Self, WsError> {
        Self::spawn_with_config(url, token, state, ReconnectConfig::default())
    }

    /// As [`spawn`](Self::spawn), with another backoff. Everything else that can be set is in the
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    ///
    /// # Panics
    /// As [`spawn`](Self::spawn).
    pub fn spawn_with_config(
        url: &str,
        token: Option<String>,
        state: Arc<RwLock<EngineState>>,
        reconnect: ReconnectConfig,
    ) -> Result<Self, WsError> {
        let mut builder = Self::builder(url).reconnect(reconnect);
        if let Some(token) = token {
            builder = builder.token(token);
        }
        builder.spawn(state)
    }

    /// A subscriber to `url` with everything that can be set: clock, dialer, timeouts, limits,
    /// observer, receivers that miss nothing.
    pub fn builder(url: &str) -> SubscriberBuilder {
        SubscriberBuilder::new(url)
    }
}

impl fmt::Debug for SubscriberBuilder {
    /// Without URL and token: both may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriberBuilder")
            .field("reconnect", &self.reconnect)
            .field("timeouts", &self.timeouts)
            .field("connect_timeout", &self.connect_timeout)
            .field("max_message_bytes", &self.max_message_bytes)
            .finish_non_exhaustive()
    }
}
