//! `tap`: a subscriber whose every observation becomes a step.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine_client::{
    Clock, EngineState, JitterMode, Observed, ReconnectConfig, SubscriberBuilder, SystemClock,
    Target, WsSubscriber,
};
use fixtures::{Action, Header, Micros, Step, TapeWriter, Trigger};
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::error::RecordError;
use crate::recording::Output;
use crate::transcript::Transcript;

/// Observations that may wait for the disk. Beyond them the newest are lost, and counted: the
/// subscriber is never held up.
const MAX_WAITING_STEPS: usize = 65_536;

/// A tap on a live engine.
#[derive(Debug)]
pub struct Tap {
    subscriber: SubscriberBuilder,
    target: Target,
    clock: Arc<dyn Clock>,
}

/// What a recording holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Messages and control frames recorded.
    pub frames: u64,
    /// Connections made.
    pub connections: u64,
    /// Times that no connection could be made, however many attempts that took.
    pub outages: u64,
    /// Steps that the disk was too slow for.
    pub lost: u64,
    /// How long it took.
    pub duration: Duration,
    /// Where it is.
    pub path: PathBuf,
}

impl Tap {
    /// A tap on the engine at `url`, with `token` as the bearer token.
    ///
    /// # Errors
    /// [`RecordError::Subscriber`] for anything but a `ws` or `wss` URL, and for a token that can't
    /// be a header value.
    pub fn new(url: &str, token: Option<String>) -> Result<Self, RecordError> {
        let mut subscriber = WsSubscriber::builder(url);
        if let Some(token) = token {
            subscriber = subscriber.token(token);
        }
        subscriber.validate()?;
        Ok(Self {
            subscriber,
            target: Target::parse(url)?,
            clock: Arc::new(SystemClock::new()),
        })
    }

    /// With a clock of the caller's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Records into `output` until `until` completes.
    ///
    /// # Errors
    /// [`RecordError::Output`] where the file can't be written, as on a full disk; what was written
    /// before plays.
    ///
    /// # Panics
    /// Outside a tokio runtime with its time and I/O drivers on.
    pub async fn run(
        self,
        output: Output,
        until: impl Future<Output = ()>,
    ) -> Result<Summary, RecordError> {
        let path = output.path().to_owned();
        let failed = |error| RecordError::Output(path.display().to_string(), error);
        let start = self.clock.now();
        let mut header = Header::new(format!("Recorded from {}", self.target));
        header.recorded_at = Some(self.clock.wall());
        header.source = Some(self.target.to_string());
        header.redacted = ["url user info", "url query", "headers but retry-after"]
            .map(ToOwned::to_owned)
            .to_vec();
        let mut writer = TapeWriter::new(output, &header).map_err(failed)?;
        for step in Transcript::first_steps() {
            writer.write(&step).map_err(failed)?;
        }

        let (sender, mut steps) = mpsc::channel(MAX_WAITING_STEPS);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::new(parking_lot::Mutex::new(Transcript::new()));
        let observer = {
            let (lost, transcript) = (Arc::clone(&lost), Arc::clone(&counted));
            move |at: Duration, seen: Observed<'_>| {
                let at = Micros::from(at.saturating_sub(start));
                for step in transcript.lock().steps(at, seen) {
                    // A closed channel is a recording that has ended, not a loss.
                    if let Err(TrySendError::Full(_)) = sender.try_send(step) {
                        lost.fetch_add(1, Ordering::Relaxed);
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

        let mut until = pin!(until);
        let mut written = Ok(());
        while written.is_ok() {
            tokio::select! {
                biased;
                step = steps.recv() => match step {
                    Some(step) => written = writer.write(&step),
                    None => break,
                },
                () = &mut until => break,
            }
        }
        let ended = self.clock.now().saturating_sub(start);
        // The recording ends here; what the closing handshake still brings is the tap's own doing.
        steps.close();
        subscriber.shutdown().await?;
        written.map_err(failed)?;
        let end_at = Micros::from(ended);
        while let Some(step) = steps.recv().await {
            if matches!(step.trigger, Trigger::At(at) if at <= end_at) {
                writer.write(&step).map_err(failed)?;
            }
        }
        let lost = lost.load(Ordering::Relaxed);
        if lost > 0 {
            let text = format!("{lost} steps lost: the disk did not keep up");
            let step = Step::at(end_at, Action::Mark(text));
            writer.write(&step).map_err(failed)?;
        }
        writer
            .write(&Step::at(end_at, Action::End))
            .map_err(failed)?;
        writer.flush().map_err(failed)?;
        let transcript = counted.lock();
        Ok(Summary {
            frames: transcript.frames,
            connections: transcript.connections,
            outages: transcript.outages,
            lost,
            duration: ended,
            path,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {}, {} in {:.1} s: {}",
            count(self.frames, "frame"),
            count(self.connections, "connection"),
            count(self.outages, "outage"),
            self.duration.as_secs_f64(),
            self.path.display()
        )
    }
}

fn count(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
