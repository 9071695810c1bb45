//! A scenario: a tape, overlays, settings; run in virtual or in real time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use wstape_mock_engine::{Clock, Engine, EngineBuilder, StartAt, field};
use wstape_oracle::{JitterMode, Mirror, Settings};
use wstape_tape::{Action, Header, Micros, Tape, TapeError, Trigger};

use crate::counter::Counter;
use crate::demand::Demands;
use crate::dialer::{MemoryDialer, PLAIN_URL, TcpDialer, lead};
use crate::display::Display;
use crate::error::ScenarioError;
use crate::net::Dialer;
use crate::notebook::Notebook;
use crate::outcome::Outcome;
use crate::shutdown::{MAX_SHUTDOWN, Shutdown};
use crate::source::Source;
use crate::subject::{Stage, Subject, Time};

/// The address that a real run listens on: any free port of loopback.
const LOOPBACK: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// How long a run may last in its own time, unless told otherwise.
pub const MAX_VIRTUAL: Duration = Duration::from_hours(31 * 24);

/// How long a run goes on after tapes without an end: enough for a subscriber to notice and retry.
fn grace(settings: &Settings) -> Duration {
    settings.max_backoff.saturating_add(settings.idle_timeout)
}

/// Calls `play`, which blocks on a runtime of its own: on this thread, or on another if this thread
/// is already in a runtime and so can't block on a second one. A panic in it reaches the caller.
fn beside_a_runtime<T: Send>(play: impl FnOnce() -> T + Send) -> T {
    if Handle::try_current().is_err() {
        return play();
    }
    let joined = std::thread::scope(|scope| scope.spawn(play).join());
    joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A tape and its overlays, to be played at a subscriber.
///
/// ```
/// use wstape_tape::Tape;
/// use wstape::OurSubscriber;
/// use wstape_harness::Scenario;
///
/// let tape = Tape::parse("greeting", concat!(
///     r#"{"tape":1,"title":"One heartbeat"}"#, "\n",
///     r#"{"at_ms":10,"emit":{"event":"heartbeat","ts":"2026-01-01T00:00:00Z"}}"#, "\n",
///     r#"{"at_ms":20,"end":true}"#, "\n",
/// ))?;
/// let outcome = Scenario::new(tape).run(&OurSubscriber)?;
/// assert_eq!(outcome.events["heartbeat"], 1);
/// assert_eq!(outcome.mirror.unwrap()["last_heartbeat"], "2026-01-01T00:00:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Scenario {
    base: Source,
    overlays: Vec<Source>,
    settings: Option<Settings>,
    max_virtual: Duration,
}

impl Scenario {
    /// A scenario of a tape in memory.
    #[must_use]
    pub fn new(base: Tape) -> Self {
        Self {
            base: Source::Tape(Arc::new(base)),
            overlays: Vec::new(),
            settings: None,
            max_virtual: MAX_VIRTUAL,
        }
    }

    /// A scenario of a tape in a file, which is streamed.
    #[must_use]
    pub fn from_path(path: impl AsRef<Path>) -> Self {
        Self {
            base: Source::File(path.as_ref().to_owned()),
            overlays: Vec::new(),
            settings: None,
            max_virtual: MAX_VIRTUAL,
        }
    }

    /// Lays a tape in memory over it.
    #[must_use]
    pub fn overlay(mut self, tape: Tape) -> Self {
        self.overlays.push(Source::Tape(Arc::new(tape)));
        self
    }

    /// Lays a tape in a file over it, or a [field overlay](wstape_mock_engine::field) if the path
    /// is the name of one, such as `field/caddy-2.11-reload`.
    #[must_use]
    pub fn overlay_path(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        self.overlays.push(match field::find(&path) {
            Some(Ok(tape)) => Source::Tape(Arc::new(tape)),
            Some(Err(error)) => Source::Unknown(error),
            None => Source::File(path),
        });
        self
    }

    /// Overrides the settings that the base tape's header gives the subscriber.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Limits how long a run may last, in its own time; [`MAX_VIRTUAL`] by default.
    #[must_use]
    pub fn max_virtual(mut self, max: Duration) -> Self {
        self.max_virtual = max;
        self
    }

    /// Reads all tapes to their ends without playing anything: checks that they are sound, and
    /// returns how long the run will last.
    ///
    /// # Errors
    /// The first flaw; and a run that would last too long.
    pub fn look_through(&self) -> Result<Duration, ScenarioError> {
        let (_, settings) = self.head()?;
        let mut last = (Micros::ZERO, self.base.name(), 1);
        let mut end: Option<(Micros, String, u64)> = None;
        for source in std::iter::once(&self.base).chain(&self.overlays) {
            source.each_step(|step| {
                let Trigger::At(at) = step.trigger else {
                    return;
                };
                let place = || (at, source.name(), step.line);
                if step.action == Action::End && end.as_ref().is_none_or(|(end, ..)| at < *end) {
                    end = Some(place());
                }
                if at >= last.0 {
                    last = place();
                }
            })?;
        }
        let grace = match end {
            Some(_) => Micros::ZERO,
            None => Micros::from(grace(&settings)),
        };
        let (at, path, line) = end.unwrap_or(last);
        let lasts = Micros(at.0.saturating_add(grace.0)).duration();
        if lasts > self.max_virtual {
            return Err(ScenarioError::TooLong {
                path,
                line,
                lasts,
                may: self.max_virtual,
            });
        }
        Ok(lasts)
    }

    /// Checks all its tapes, runs it in virtual time, and returns when it is over. It needs its own
    /// runtime, so if this thread is already in a tokio runtime (a `#[tokio::test]`), it runs on a
    /// thread of its own.
    ///
    /// # Errors
    /// If a tape or the settings are wrong, or the subscriber does not start.
    ///
    /// # Panics
    /// If the subscriber panics.
    pub fn run(&self, subject: &dyn Subject) -> Result<Outcome, ScenarioError> {
        beside_a_runtime(|| self.run_here(subject))
    }

    fn run_here(&self, subject: &dyn Subject) -> Result<Outcome, ScenarioError> {
        self.look_through()?;
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let (header, settings) = self.head()?;
        runtime.block_on(async {
            let wall = header.wall_at_zero();
            let clock = match subject.time() {
                Time::Fine => Clock::virtual_at(wall),
                // What a real clock reads off a paused runtime is plain time.
                Time::Plain => Clock::real_at(wall),
            };
            let (engine, net) = self.engine(&clock, &settings)?.in_memory()?;
            let url = match subject.time() {
                Time::Fine => engine.url(),
                Time::Plain => PLAIN_URL.to_owned(),
            };
            let memory = MemoryDialer::new(net, clock);
            let dialer: Arc<dyn Dialer> = Arc::new(memory.clone());
            let _led = lead(Arc::clone(&dialer));
            let playing = self.play(engine, url, dialer, header, settings, subject);
            let outcome = tokio::select! {
                biased;
                at = memory.spins() => return Err(ScenarioError::Spins { at }),
                outcome = playing => outcome?,
            };
            if memory.count() == 0 {
                return Err(ScenarioError::NeverDialled);
            }
            Ok(outcome)
        })
    }

    /// Runs it over TCP on loopback, in real time; for threads see [`run`](Self::run).
    ///
    /// # Errors
    /// As [`run`](Self::run), and if no port is available.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_real(&self, subject: &dyn Subject) -> Result<Outcome, ScenarioError> {
        beside_a_runtime(|| self.run_real_here(subject))
    }

    fn run_real_here(&self, subject: &dyn Subject) -> Result<Outcome, ScenarioError> {
        self.look_through()?;
        let runtime: Runtime = Builder::new_current_thread().enable_all().build()?;
        let (header, settings) = self.head()?;
        runtime.block_on(async {
            let clock = Clock::real_at(header.wall_at_zero());
            let engine = self
                .engine(&clock, &settings)?
                .listen(LOOPBACK.into())
                .await?;
            let dialer = Arc::new(TcpDialer::new(engine.clone()));
            let dialer: Arc<dyn Dialer> = dialer;
            let _led = lead(Arc::clone(&dialer));
            let url = engine.url();
            self.play(engine, url, dialer, header, settings, subject)
                .await
        })
    }

    fn head(&self) -> Result<(Header, Settings), ScenarioError> {
        let header = self.base.header()?;
        let mut settings = match &self.settings {
            Some(settings) => settings.clone(),
            None => Settings::of(&header).map_err(|why| ScenarioError::Settings {
                path: self.base.name(),
                why,
            })?,
        };
        // Without jitter: an outcome is one exact text.
        settings.jitter = JitterMode::None;
        Ok((header, settings))
    }

    fn engine(&self, clock: &Clock, settings: &Settings) -> Result<EngineBuilder, ScenarioError> {
        let mut builder = Engine::builder()
            .clock(clock.clone())
            .token(settings.engine_token.clone())
            .start_at(StartAt::Call);
        for source in std::iter::once(&self.base).chain(&self.overlays) {
            builder = builder.layer(source.layer()?);
        }
        Ok(builder)
    }

    async fn play(
        &self,
        engine: Engine,
        url: String,
        dialer: Arc<dyn Dialer>,
        header: Header,
        settings: Settings,
        subject: &dyn Subject,
    ) -> Result<Outcome, ScenarioError> {
        let clock = engine.clock();
        let overlays = self
            .overlays
            .iter()
            .map(|overlay| {
                let title = overlay.header()?.into_fields().title;
                Ok(title.unwrap_or_else(|| overlay.name()))
            })
            .collect::<Result<Vec<_>, TapeError>>()?;
        let notebook = Notebook::new(engine.clone());
        let description = subject.describe(&settings);
        let grace = grace(&settings);
        engine.start();
        // The engine applies what holds at 0 before the subscriber's first dial.
        tokio::task::yield_now().await;
        let mut running = subject
            .start(Stage {
                url,
                settings,
                clock: Arc::new(clock.clone()),
                dialer,
                notebook: notebook.clone(),
                display: Display::default(),
                shutdown: Shutdown::default(),
            })
            .map_err(ScenarioError::Subject)?;
        let counter = Counter::default();
        if let Some(receiver) = running.receiver.take() {
            counter.count(receiver);
        }
        let mirror = running.mirror.as_deref();
        let mut demands = Demands::new(&engine);
        let played = demands.check_until(engine.finished(), mirror).await?;
        let duration = if played.ended {
            played.last_step_at
        } else {
            Micros(played.last_step_at.0.saturating_add(Micros::from(grace).0))
        };
        // One microsecond more, so that everything due at the last instant has happened.
        let over = clock.sleep_until(Micros(duration.0.saturating_add(1)));
        demands.check_until(over, mirror).await;
        // In real time the end is played a little later than the tape says.
        let last_at = demands.end().map_or(duration, |end| end.max(duration));
        let (demands, timeline) = demands.finish(mirror, last_at);
        let reconnects = notebook.reconnects();
        let outcome = Outcome {
            title: header.into_fields().title,
            overlays,
            subject: description,
            duration,
            torn: played
                .torn
                .iter()
                .map(|torn| format!("line {}: {} bytes not played", torn.line, torn.bytes.len()))
                .collect(),
            timeline,
            reconnects: reconnects.listed,
            more_reconnects: reconnects.more,
            demands,
            events: counter.counts(),
            mirror: mirror.map(Mirror::json),
        };
        if let Some(handle) = running.handle.take() {
            let bound = clock.now().0.saturating_add(Micros::from(MAX_SHUTDOWN).0);
            tokio::select! {
                biased;
                stopped = handle.shutdown() => if let Err(error) = stopped {
                    // A panic in the subscriber's task is a bug in the subscriber: let it show.
                    panic!("{error}");
                },
                () = clock.sleep_until(Micros(bound)) => return Err(ScenarioError::NeverStops),
            }
        }
        engine.shutdown().await;
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::subject::Running;

    /// A subject that must not be started.
    struct Unwanted;

    impl Subject for Unwanted {
        fn name(&self) -> String {
            "unwanted".to_owned()
        }

        fn start(&self, _: Stage) -> Result<Running, String> {
            panic!("it is started before the tapes were looked through");
        }
    }

    fn error(lines: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let tape = folder.path().join("t.jsonl");
        fs::write(&tape, format!("{{\"tape\":1}}\n{lines}\n")).unwrap();
        let error = Scenario::from_path(&tape).run(&Unwanted).unwrap_err();
        let text = match &error {
            ScenarioError::Tape(error) => error.report(),
            other => other.to_string(),
        };
        let folder = format!("{}/", folder.path().display());
        text.replace(&folder, "")
    }

    #[test]
    fn a_run_that_would_last_too_long_is_refused_before_it_begins() {
        let last = r#"{"at_ms":9007199254740991,"mark":"far"}"#;
        assert_eq!(
            error(last),
            "t.jsonl:2: the run would last 104249991 days, but the limit is 31 days; trim the \
             tape, or \
             allow more"
        );
        // Without an end, the subscriber's own patience counts.
        let patient = r#"{"tape":1,"x-subscriber":{"idle_timeout_ms":9007199254740991}}"#;
        let tape = Tape::parse("t", &format!("{patient}\n")).unwrap();
        let error = Scenario::new(tape).run(&Unwanted).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("the run would last 104249991 days")
        );
        let tape = Tape::parse("t", "{\"tape\":1}\n{\"at_ms\":5000,\"end\":true}\n").unwrap();
        let scenario = Scenario::new(tape);
        assert_eq!(scenario.look_through().unwrap(), Duration::from_secs(5));
        let short = scenario.max_virtual(Duration::from_secs(4));
        assert!(short.look_through().is_err());
    }

    #[tokio::test]
    async fn it_runs_in_an_asynchronous_test_too_and_a_panic_there_is_the_tests() {
        let tape = "{\"tape\":1}\n{\"at_ms\":3600000,\"end\":true}\n";
        let scenario = Scenario::new(Tape::parse("an hour", tape).unwrap());
        let client = crate::subject(|stage| async move {
            while wstape_dial::dial("127.0.0.1", 1).await.is_ok() {
                tokio::time::sleep(Duration::from_mins(10)).await;
            }
            drop(stage);
        });
        let outcome = scenario.run(&client).unwrap();
        assert_eq!(outcome.duration, Micros::from_ms(3_600_000));
        let panics = std::panic::AssertUnwindSafe(|| scenario.run(&Unwanted).map(drop));
        let panic = std::panic::catch_unwind(panics).unwrap_err();
        let said = panic.downcast_ref::<&str>().copied().unwrap_or_default();
        assert!(said.starts_with("it is started before"), "{said}");
    }

    #[test]
    fn a_flaw_in_a_later_line_is_told_before_anything_is_played() {
        let told = error("{\"at_ms\":1,\"mark\":\"a\"}\n{\"at_ms\":86400000,\"dorp\":\"fin\"}");
        assert!(
            told.starts_with("t.jsonl:3:19: unknown key \"dorp\""),
            "{told}"
        );
    }
}
