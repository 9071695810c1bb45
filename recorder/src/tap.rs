//! `tap`: a subscriber whose every observation becomes a step.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine_client::{
    Clock, Dialer, EngineState, JitterMode, Observed, ReconnectConfig, SubscriberBuilder,
    SystemClock, Target, WsSubscriber,
};
use wstape_tape::{Action, Header, Micros, Step};

use crate::error::RecordError;
use crate::recording::{Bounds, Counts, Output, Recording, Writer};
use crate::redact::Redactor;
use crate::transcript::{Observation, Transcript};

/// A tap on a live engine.
#[derive(Debug)]
pub struct Tap {
    subscriber: SubscriberBuilder,
    target: Target,
    redactor: Redactor,
    clock: Arc<dyn Clock>,
}

/// What a recording holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What came, and what was lost of it.
    pub counts: Counts,
    /// How long it took.
    pub duration: Duration,
    /// What the output is called.
    pub name: String,
}

impl Tap {
    /// A tap on the engine at `url`, with `token` as the bearer token. What it records goes
    /// through `redactor`, which learns the token and the URL's secrets: a tape that they reach
    /// all the same, as where the engine sends them back, is found out.
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
        })
    }

    /// With a clock of the caller's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With a dialer of the caller's.
    #[must_use]
    pub fn dialer(mut self, dialer: Arc<dyn Dialer>) -> Self {
        self.subscriber = self.subscriber.dialer(dialer);
        self
    }

    /// Records into `output` until `until` completes. Progress is read off the
    /// [`Output::stats`].
    ///
    /// The disk never holds the subscriber up: what it does not keep up with is lost, and counted
    /// in the [`Summary`] and in a `mark` at its place in the tape.
    ///
    /// # Errors
    /// [`RecordError::Output`] where the output can't be written; [`RecordError::Broken`] where it
    /// fails on the way, as on a full disk; what was acknowledged before plays.
    /// [`RecordError::Secret`] where the tape holds one.
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
        let start = self.clock.now();
        let mut header = Header::new(format!("Recorded from {}", self.target));
        header.recorded_at = Some(self.clock.wall());
        header.source = Some(self.target.to_string());
        let mut tape = Recording::begin(output, header, self.redactor)?;
        for step in Transcript::first_steps() {
            tape.push(step)?;
        }
        tape.commit()?;

        let transcript = Transcript::new(stats.clone());
        let writer = Writer::start(tape, transcript, Arc::clone(&self.clock), Bounds::QUEUE);
        let end = Arc::new(AtomicU64::new(u64::MAX));
        let observer = {
            let (sender, stats, end) = (writer.sender(), stats.clone(), Arc::clone(&end));
            move |at: Duration, seen: Observed<'_>| {
                let at = Micros::from(at.saturating_sub(start));
                // What the closing handshake still brings is the tap's own doing.
                if at.0 > end.load(Ordering::Acquire) {
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
                        sender.send_vital(at, turn.bytes(), (at, seen));
                    }
                }
            }
        };
        let subscriber = self
            .subscriber
            .reconnect(ReconnectConfig {
                // With jitter the replay, which has none, would dial at other times.
                jitter: JitterMode::None,
                ..ReconnectConfig::default()
            })
            .clock(Arc::clone(&self.clock))
            .observer(observer)
            .spawn(EngineState::shared())?;

        tokio::select! {
            biased;
            () = writer.failed() => {}
            () = until => {}
        }
        let duration = self.clock.now().saturating_sub(start);
        let end_at = Micros::from(duration);
        end.store(end_at.0, Ordering::Release);
        let stopped = subscriber.shutdown().await;
        writer
            .finish(move |_, tape| tape.push(Step::at(end_at, Action::End)))
            .await?;
        stopped?;
        Ok(Summary {
            counts: stats.counts(),
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
