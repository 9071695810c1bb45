//! `tap`: a subscriber that turns its every observation into a step.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine_client::{
    Clock, DialError, Dialer, Dialing, EndReason, EngineState, JitterMode, NetDialer, Observed,
    ReconnectConfig, SubscriberBuilder, SystemClock, Target, WsSubscriber,
};
use http::header::{HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use parking_lot::Mutex;
use wstape_tape::Header;

use crate::error::{RecordError, TapError};
use crate::recording::{Bounds, Counts, Output, Recording, TapeTime, Writer};
use crate::redact::Redactor;
use crate::transcript::{Observation, Transcript};

/// Headers that the handshake itself sets.
const SET_BY_THE_HANDSHAKE: [&str; 7] = [
    "connection",
    "host",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "upgrade",
];
/// Words in header names that suggest a secret.
const SECRET_WORDS: [&str; 6] = ["auth", "cookie", "key", "secret", "session", "token"];

/// A tap on a live engine.
#[derive(Debug)]
pub struct Tap {
    subscriber: SubscriberBuilder,
    target: Target,
    redactor: Redactor,
    clock: Arc<dyn Clock>,
    dialer: Arc<dyn Dialer>,
}

/// The result of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// If the tap was never connected, a sentence about what was not reached, and why.
    pub unreached: Option<String>,
    /// What came, and what was lost.
    pub counts: Counts,
    /// How long it took.
    pub duration: Duration,
    /// The output's name.
    pub name: String,
}

impl Tap {
    /// Creates a tap on the engine at `url`, with `token` as the bearer token. What it records goes
    /// through `redactor`, which learns the token and the URL's secrets: if the tape contains them
    /// anyway, for example because the engine sends them back, that is detected.
    ///
    /// # Errors
    /// [`RecordError::Subscriber`] for anything but a `ws` or `wss` URL, and for a token that can't
    /// be a header value.
    pub fn new(
        url: &str,
        token: Option<String>,
        mut redactor: Redactor,
    ) -> Result<Self, RecordError> {
        redactor.remember_url(url);
        let mut subscriber = WsSubscriber::builder(url);
        if let Some(token) = token {
            redactor.remember("the bearer token", &token);
            subscriber = subscriber.token(token);
        }
        subscriber.validate()?;
        Ok(Self {
            subscriber,
            target: Target::parse(url)?,
            redactor,
            clock: Arc::new(SystemClock::new()),
            dialer: Arc::new(NetDialer::new()),
        })
    }

    /// Uses the caller's clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Uses the caller's dialer.
    #[must_use]
    pub fn dialer(mut self, dialer: Arc<dyn Dialer>) -> Self {
        self.dialer = dialer;
        self
    }

    /// Adds a text message that is sent at the beginning of each connection, including those after
    /// a reconnect: a subscription, for an engine that sends nothing without one. Messages are sent
    /// in the order of calls. The tape records them as `received`, redacted like any message.
    #[must_use]
    pub fn send(mut self, text: impl Into<String>) -> Self {
        self.subscriber = self.subscriber.send(text);
        self
    }

    /// Adds a header to each handshake. The redactor learns any secret in it, so that a tape that
    /// contains it anyway is detected.
    ///
    /// # Errors
    /// [`TapError::Header`] if it is not a valid header, or one that the handshake itself sets.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, RecordError> {
        let bad = |why| TapError::Header {
            name: name.to_owned(),
            why,
        };
        let parsed =
            HeaderName::try_from(name).map_err(|_| bad("this is not a valid header name"))?;
        let word = parsed.as_str().to_owned();
        if SET_BY_THE_HANDSHAKE.contains(&word.as_str()) {
            return Err(bad("the handshake sets this header itself").into());
        }
        let mut sent = HeaderValue::try_from(value)
            .map_err(|_| bad("its value is not allowed in a header"))?;
        if SECRET_WORDS.iter().any(|secret| word.contains(secret)) {
            sent.set_sensitive(true);
            let secret = value.rsplit(' ').next().unwrap_or(value);
            self.redactor.remember("a header's value", secret);
        }
        self.subscriber = self.subscriber.header(parsed, sent);
        Ok(self)
    }

    /// Offers a subprotocol. The engine may choose one of those offered, or none.
    ///
    /// # Errors
    /// [`TapError::Header`] if it is not a valid name for a subprotocol (RFC 6455, 4.1).
    pub fn subprotocol(mut self, name: &str) -> Result<Self, RecordError> {
        // A subprotocol's name is a token, like a header's.
        let token = HeaderName::try_from(name).ok();
        let value = token.and_then(|_| HeaderValue::try_from(name).ok());
        let value = value.ok_or_else(|| TapError::Header {
            name: SEC_WEBSOCKET_PROTOCOL.as_str().to_owned(),
            why: "a subprotocol's name is one word",
        })?;
        self.subscriber = self.subscriber.header(SEC_WEBSOCKET_PROTOCOL, value);
        Ok(self)
    }

    /// Records into `output` until `until` completes. Read progress from [`Output::stats`].
    ///
    /// The disk never delays the subscriber: what it can't keep up with is lost, and counted in the
    /// [`Summary`] and in a `mark` at its place in the tape.
    ///
    /// # Errors
    /// [`RecordError::Output`] if the output can't be written; [`RecordError::Broken`] if it fails
    /// during the recording, as on a full disk; what was acknowledged before can be played.
    /// [`RecordError::Secret`] if the tape holds one.
    ///
    /// # Panics
    /// Outside a tokio runtime with its time and I/O drivers on.
    pub async fn run(
        self,
        output: Output,
        until: impl Future<Output = ()>,
    ) -> Result<Summary, RecordError> {
        let name = output.name().to_owned();
        let stats = output.stats();
        let time = TapeTime::starting(Arc::clone(&self.clock));
        let mut header = Header::new(format!("Recorded from {}", self.target));
        header.recorded_at = Some(self.clock.wall());
        header.source = Some(self.target.to_string());
        let tape = Recording::begin(output, header, self.redactor)?;

        let transcript = Transcript::new(stats.clone());
        let writer = Writer::start(tape, transcript, time.clone(), Bounds::LOSING)?;
        let end = Arc::new(AtomicU64::new(u64::MAX));
        let last_end = Arc::new(Mutex::new(None));
        let observer = {
            let (sender, stats, end) = (writer.sender(), stats.clone(), Arc::clone(&end));
            let (time, last_end) = (time.clone(), Arc::clone(&last_end));
            move |at: Duration, seen: Observed<'_>| {
                let at = time.of(at);
                // What comes during the closing handshake is the tap's own doing.
                if at.0 >= end.load(Ordering::Acquire) {
                    return;
                }
                let Some(seen) = Observation::of(seen) else {
                    return;
                };
                match &seen {
                    Observation::Frame(frame) => {
                        let bytes = frame.bytes();
                        stats.came(1, bytes as u64);
                        sender.send(at, 1, bytes, (at, seen));
                    }
                    turn => {
                        if matches!(turn, Observation::Connected) {
                            stats.connected();
                        }
                        if let Observation::End(reason) = turn {
                            *last_end.lock() = Some(*reason);
                        }
                        sender.send_vital(at, turn.bytes(), (at, seen));
                    }
                }
            }
        };
        let dialer = Arc::new(RememberingDialer::new(self.dialer));
        let subscriber = self
            .subscriber
            .reconnect(ReconnectConfig {
                // A replay has no jitter: with jitter in the recording, it would dial at other
                // times.
                jitter: JitterMode::None,
                ..ReconnectConfig::default()
            })
            .clock(Arc::clone(&self.clock))
            .dialer(Arc::clone(&dialer) as Arc<dyn Dialer>)
            .observer(observer)
            .spawn(EngineState::shared())?;

        tokio::select! {
            biased;
            () = writer.failed() => {}
            () = until => {}
        }
        let (duration, end_at) = (time.elapsed(), time.now());
        end.store(end_at.0, Ordering::Release);
        let stopped = subscriber.shutdown().await;
        writer
            .finish(move |transcript, tape| transcript.end(end_at, tape))
            .await?;
        stopped?;
        let counts = stats.counts();
        let last_end = last_end.lock().take();
        let unreached = (counts.connections == 0).then(|| {
            let why = why(last_end, &dialer);
            format!("{} was never reached: {why}", self.target)
        });
        Ok(Summary {
            unreached,
            counts,
            duration,
            name,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {}, {} in {:.1} s: {}",
            count(self.counts.frames, "frame"),
            count(self.counts.connections, "connection"),
            count(self.counts.outages, "outage"),
            self.duration.as_secs_f64(),
            self.name
        )
    }
}

fn count(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A dialer that passes dials on to another, and remembers why the last one failed: the subscriber
/// itself only keeps the kind of failure.
#[derive(Debug)]
struct RememberingDialer {
    dialer: Arc<dyn Dialer>,
    failed: Mutex<Option<String>>,
}

impl RememberingDialer {
    fn new(dialer: Arc<dyn Dialer>) -> Self {
        let failed = Mutex::default();
        Self { dialer, failed }
    }
}

impl Dialer for RememberingDialer {
    fn dial<'a>(&'a self, target: &'a Target) -> Dialing<'a> {
        Box::pin(async {
            let dialed = self.dialer.dial(target).await;
            *self.failed.lock() = dialed.as_ref().err().map(DialError::to_string);
            dialed
        })
    }
}

/// Why there never was a connection.
fn why(last_end: Option<EndReason>, dialer: &RememberingDialer) -> String {
    let dial = dialer.failed.lock().clone();
    match (last_end, dial) {
        (Some(EndReason::ConnectRefused), _) => EndReason::ConnectRefused.to_string(),
        (Some(_), Some(failed)) => failed,
        (Some(reason), None) if reason != EndReason::Shutdown => reason.to_string(),
        _ => "no answer came".to_owned(),
    }
}
