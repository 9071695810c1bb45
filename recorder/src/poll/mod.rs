//! `poll`: repeatedly asks an engine that offers only HTTP.
//!
//! `base` is where to ask, `fetch` how to ask, `surface` holds the last answers and makes the steps
//! for a new one.

mod base;
mod fetch;
mod surface;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use engine_client::{Clock, Dialer, NetDialer, SystemClock};
use wstape_tape::{Action, Header, Micros, Step};

use base::Base;
use fetch::{Answer, Fetcher, Silence};
use surface::{SURFACE, Surface};

use crate::error::{MIN_EVERY, PollError, RecordError};
use crate::recording::{Bounds, Counts, Encoder, Output, Recording, Sender, TapeTime, Writer};
use crate::redact::Redactor;

/// How long an answer may take by default, including dial, TLS and body.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Polls an engine's HTTP surface: `/v2/status`, `/positions`, `/risk` and `/regime`, one after
/// another, round after round.
///
/// Each answer that differs from the one before becomes two steps: an `http` step, so that the same
/// GETs get the same answers at the same moment of the tape, and, if it is a 200 with JSON, an
/// `emit` of its kind, which pushes it to a subscriber.
///
/// ```no_run
/// # async fn poll(key: [u8; 32]) -> Result<(), wstape_recorder::RecordError> {
/// use std::time::Duration;
/// use wstape_recorder::{Output, Poll, Redactor, Rules};
///
/// let redactor = Redactor::new(Rules::default(), key);
/// let poll = Poll::new("http://127.0.0.1:8765", Duration::from_secs(1), None, redactor)?;
/// poll.check().await?;
/// let output = Output::create("polled.jsonl".as_ref(), false)?;
/// let polled = poll.run(output, tokio::time::sleep(Duration::from_secs(60))).await?;
/// eprintln!("{polled}");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Poll {
    base: Base,
    every: Duration,
    timeout: Duration,
    token: Option<http::HeaderValue>,
    ignored: Vec<String>,
    redactor: Redactor,
    clock: Arc<dyn Clock>,
    dialer: Arc<dyn Dialer>,
}

/// The result of recording a polled engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polled {
    /// A sentence, if nothing was ever read: the engine could not be reached, or answered only with
    /// errors.
    pub unreached: Option<String>,
    /// The number of answers.
    pub answers: u64,
    /// The number of answers that differed from the one before, including the first for each path.
    pub changes: u64,
    /// What the recording saw and wrote.
    pub counts: Counts,
    /// How long it took.
    pub duration: Duration,
    /// The output's name.
    pub name: String,
}

impl Poll {
    /// Polls the engine at `url` at this interval, with `token` as the bearer token. What it
    /// records goes through `redactor`.
    ///
    /// # Errors
    /// [`PollError::Url`] for anything but an `http` or `https` URL, [`PollError::Token`] for a
    /// token that can't be a header value, [`PollError::Every`] below [`MIN_EVERY`].
    pub fn new(
        url: &str,
        every: Duration,
        token: Option<&str>,
        mut redactor: Redactor,
    ) -> Result<Self, RecordError> {
        let base = Base::parse(url)?;
        if every < MIN_EVERY {
            return Err(PollError::Every(every).into());
        }
        if let Some(token) = token {
            redactor.remember("the bearer token", token);
        }
        redactor.remember_url(url);
        Ok(Self {
            base,
            every,
            timeout: ANSWER_TIMEOUT,
            token: token.map(fetch::bearer).transpose()?,
            ignored: Vec::new(),
            redactor,
            clock: Arc::new(SystemClock::new()),
            dialer: Arc::new(NetDialer::new()),
        })
    }

    /// How long an answer may take. Default: [`ANSWER_TIMEOUT`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Ignores answers that differ only in the values of keys with this name, at any depth.
    #[must_use]
    pub fn ignoring(mut self, key: impl Into<String>) -> Self {
        self.ignored.push(key.into());
        self
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

    /// Polls once, before the output is created. It is not an error if the engine is not there: it
    /// may still come.
    ///
    /// # Errors
    /// [`PollError::Peer`] if the certificate fails, or the peer does not speak HTTP.
    pub async fn check(&self) -> Result<(), RecordError> {
        match self.fetcher().get(SURFACE[0].path).await {
            Err(silence @ (Silence::Tls(_) | Silence::NotHttp(_))) => Err(PollError::Peer {
                url: self.base.to_string(),
                why: silence.to_string(),
            }
            .into()),
            _ => Ok(()),
        }
    }

    fn fetcher(&self) -> Fetcher {
        Fetcher::new(
            self.base.clone(),
            self.token.clone(),
            self.timeout,
            Arc::clone(&self.clock),
            Arc::clone(&self.dialer),
        )
    }

    /// Records into `output` until `until` completes. Read progress from [`Output::stats`]: an
    /// answer counts as a frame.
    ///
    /// While the engine can't be reached, the tape has a `down`, between two marks that say why. A
    /// single path without an answer is recorded as a mark.
    ///
    /// # Errors
    /// [`RecordError::Output`] if the output can't be written; [`RecordError::Broken`] if it fails
    /// during the recording, as on a full disk; what was acknowledged before can be played.
    /// [`RecordError::Secret`] if the tape holds one.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn run(
        self,
        output: Output,
        until: impl Future<Output = ()>,
    ) -> Result<Polled, RecordError> {
        let name = output.name().to_owned();
        let stats = output.stats();
        let time = TapeTime::starting(Arc::clone(&self.clock));
        let mut fetcher = self.fetcher();
        let mut header = Header::new(format!("Polled from {}", self.base));
        let began = self.clock.wall();
        header.recorded_at = Some(began);
        header.source = Some(self.base.to_string());
        let tape = Recording::begin(output, header, self.redactor)?;
        let writer = Writer::start(tape, Steps, time.clone(), Bounds::LOSING)?;
        let mut rounds = Rounds {
            surface: Surface::new(self.ignored, stats.clone()),
            steps: writer.sender(),
            time: time.clone(),
            began,
            trouble: None,
        };
        tokio::select! {
            biased;
            () = writer.failed() => {}
            () = until => {}
            () = rounds.go_on(&mut fetcher, self.every) => {}
        }
        let (duration, end_at) = (time.elapsed(), time.now());
        writer
            .finish(move |_, tape| tape.push(Step::at(end_at, Action::End)))
            .await?;
        Ok(Polled {
            unreached: rounds.unreached(&self.base),
            answers: rounds.surface.answers,
            changes: rounds.surface.changes,
            counts: stats.counts(),
            duration,
            name,
        })
    }
}

/// The polling itself.
struct Rounds {
    surface: Surface,
    steps: Sender<Step>,
    time: TapeTime,
    /// Wall time at the tape's time 0. It advances with the tape's own time: if the wall clock were
    /// set meanwhile, events would be stamped out of order.
    began: DateTime<Utc>,
    /// What was wrong with the last answer that was missing or was not a reading.
    trouble: Option<String>,
}

impl Rounds {
    /// Starts a round at each multiple of `every`. If one takes longer, the next starts at the next
    /// multiple.
    async fn go_on(&mut self, fetcher: &mut Fetcher, every: Duration) {
        let clock = Arc::clone(self.time.clock());
        let mut next = clock.now();
        loop {
            self.round(fetcher).await;
            let now = clock.now();
            while next <= now {
                next = next.saturating_add(every);
            }
            clock.sleep_until(next).await;
        }
    }

    /// Why nothing was read from the engine, if nothing was.
    fn unreached(&self, base: &Base) -> Option<String> {
        let why = self.trouble.as_deref().unwrap_or("no answer came");
        (self.surface.readings == 0).then(|| format!("nothing could be read from {base}: {why}"))
    }

    async fn round(&mut self, fetcher: &mut Fetcher) {
        self.surface.begin_round();
        for (index, source) in SURFACE.iter().enumerate() {
            let got = fetcher.get(source.path).await;
            let at = self.time.now();
            match got {
                Ok(answer) => {
                    if !answer.is_reading() {
                        let Answer { status, .. } = answer;
                        self.trouble =
                            Some(format!("GET {} was answered with {status}", source.path));
                    }
                    let since = i64::try_from(at.0).unwrap_or(i64::MAX);
                    let wall = self
                        .began
                        .checked_add_signed(TimeDelta::microseconds(since))
                        .unwrap_or(DateTime::<Utc>::MAX_UTC);
                    let steps = self.surface.answered(at, wall, index, answer);
                    self.send(steps);
                }
                Err(silence) => {
                    let gone = silence.is_gone();
                    self.trouble = Some(silence.to_string());
                    let steps = self.surface.silent(at, index, &silence);
                    self.send(steps);
                    if gone {
                        break;
                    }
                }
            }
        }
        let steps = self.surface.end_round();
        self.send(steps);
    }

    fn send(&self, steps: Vec<(Step, usize)>) {
        for (step, bytes) in steps {
            let at = match step.trigger {
                wstape_tape::Trigger::At(at) => at,
                _ => Micros::ZERO,
            };
            self.steps.send(at, 1, bytes, step);
        }
    }
}

/// Writes steps as they are.
struct Steps;

impl Encoder for Steps {
    type Observation = Step;

    fn encode(&mut self, step: Step, tape: &mut Recording) -> Result<(), RecordError> {
        tape.push(step)
    }
}

impl fmt::Display for Polled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outages = self.counts.outages;
        write!(
            f,
            "{} answers, {} of them new, {outages} outage{} in {:.1} s: {}",
            self.answers,
            self.changes,
            if outages == 1 { "" } else { "s" },
            self.duration.as_secs_f64(),
            self.name
        )
    }
}
