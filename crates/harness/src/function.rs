//! A subject that is a function: from a stage to a future that never ends.

use std::env;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::Value;
use tokio::task::{JoinError, JoinHandle};
use wstape_oracle::{Backoff, Bounds, Fold, OwnRule, Rule, RuleSet};
use wstape_tape::Micros;

use crate::panics::last_place;
use crate::shutdown::Shutdown;
use crate::subject::{Handle, Running, Stage, Stopping, Subject, Terms, Time};

/// The name of a subject that was given none.
const UNNAMED: &str = "subscriber";

/// Turns a function into a subject. The function gets a [`Stage`], which says where the engine is,
/// and returns a future that follows the engine for as long as it lives.
///
/// It lives in [plain time](Time::Plain), dials through `wstape_dial` or the stage's dialer, and is
/// judged by what shows on the wire. It is shut down by ending its task, unless it asks to be told
/// first, with [`Stage::shutdown`].
///
/// ```
/// use tokio::io::AsyncReadExt;
/// use wstape_harness::{Scenario, subject};
/// use wstape_tape::Tape;
///
/// let naive = subject(|stage| async move {
///     while let Ok(mut stream) = wstape_dial::dial("127.0.0.1", 1).await {
///         let _greeting = stream.read(&mut [0; 64]).await;
///         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
///     }
///     drop(stage);
/// })
/// .named("naive");
/// let tape = Tape::parse("tape", "{\"tape\":1}\n{\"at_ms\":10,\"end\":true}\n")?;
/// let outcome = Scenario::new(tape).run(&naive)?;
/// assert_eq!(outcome.subject, "naive");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn subject<F, Fut>(start: F) -> FunctionSubject<F>
where
    F: Fn(Stage) -> Fut + Send + Sync,
    Fut: Future<Output = ()> + Send + 'static,
{
    FunctionSubject {
        start,
        name: UNNAMED.to_owned(),
        time: Time::default(),
        terms: Terms::default(),
        rules: Vec::new(),
        without: RuleSet::default(),
        model: None,
        is_text_alone: false,
        crates: Vec::new(),
        memory: None,
    }
}

/// Makes a rule of the subject's own, for a case.
type MakeRule = dyn Fn() -> Box<dyn OwnRule> + Send + Sync;

/// A function under test; see [`subject`].
#[derive(Clone)]
pub struct FunctionSubject<F> {
    start: F,
    name: String,
    time: Time,
    terms: Terms,
    rules: Vec<Arc<MakeRule>>,
    without: RuleSet,
    model: Option<Fold>,
    is_text_alone: bool,
    crates: Vec<String>,
    memory: Option<fn() -> usize>,
}

impl<F> fmt::Debug for FunctionSubject<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionSubject")
            .field("name", &self.name)
            .field("time", &self.time)
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}

impl<F> FunctionSubject<F> {
    /// Its name in outcomes and reports.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the time that it lives in.
    #[must_use]
    pub fn time(mut self, time: Time) -> Self {
        self.time = time;
        self
    }

    /// Sets the terms that it is judged by.
    #[must_use]
    pub fn terms(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    fn bounds(mut self, change: impl FnOnce(&mut Bounds)) -> Self {
        let mut bounds = match self.terms {
            Terms::Bounds(bounds) => bounds,
            Terms::Settings => Bounds::default(),
        };
        change(&mut bounds);
        self.terms = Terms::Bounds(bounds);
        self
    }

    /// Declares how it backs off: growth, cap, jitter and reset are judged from here on, and with
    /// jitter whether a crowd comes back spread out.
    #[must_use]
    pub fn backoff(self, backoff: Backoff) -> Self {
        self.bounds(|bounds| bounds.backoff = Some(backoff))
    }

    /// Declares after how long it gives up an open connection that brings nothing, and a dial or a
    /// handshake that does not finish.
    #[must_use]
    pub fn lost_within(self, silence: Duration) -> Self {
        self.bounds(|bounds| bounds.max_silence = Some(Micros::from(silence)))
    }

    /// Declares that the same case gives the same trace: it draws no random numbers, and takes all
    /// its time from tokio's clock.
    #[must_use]
    pub fn deterministic(self) -> Self {
        self.bounds(|bounds| bounds.is_deterministic = true)
    }

    /// Adds a rule of its own, made anew for each case; see [`OwnRule`].
    #[must_use]
    pub fn rule<R: OwnRule + Clone + Sync + 'static>(mut self, rule: R) -> Self {
        self.rules.push(Arc::new(move || Box::new(rule.clone())));
        self
    }

    /// Leaves rules out, in chaos, tests and every report.
    #[must_use]
    pub fn without(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.without = self.without.iter().chain(rules).collect();
        self
    }

    /// Adds a model: what the mirror that it [shows](Stage::show_mirror) must be, starting with
    /// `empty`, message by message. See [`Fold`].
    #[must_use]
    pub fn model(
        mut self,
        empty: Value,
        fold: impl Fn(&mut Value, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.model = Some(Fold::new(empty, fold));
        self
    }

    /// Declares that it reads text messages only, as a client does that matches `Message::Text` and
    /// ignores the rest: its [model](Self::model) is then not asked about binary messages, which
    /// count as undecodable.
    #[must_use]
    pub fn text_alone(mut self) -> Self {
        self.is_text_alone = true;
        self
    }

    /// Bounds its memory, as counted by an allocator that the binary installs. Chaos then plays one
    /// case at a time, and a case whose memory keeps growing is a finding.
    #[must_use]
    pub fn memory(mut self, allocated: fn() -> usize) -> Self {
        self.memory = Some(allocated);
        self
    }

    /// Names a crate whose log lines are the subject's own, as in `env!("CARGO_CRATE_NAME")`; see
    /// [`Subject::crates`].
    #[must_use]
    pub fn logs_of(mut self, name: impl Into<String>) -> Self {
        self.crates.push(name.into());
        self
    }
}

impl<F, Fut> Subject for FunctionSubject<F>
where
    F: Fn(Stage) -> Fut + Send + Sync,
    Fut: Future<Output = ()> + Send + 'static,
{
    fn name(&self) -> String {
        self.name.clone()
    }

    fn time(&self) -> Time {
        self.time
    }

    fn terms(&self) -> Terms {
        self.terms
    }

    fn rules(&self) -> RuleSet {
        let own = self.rules.iter().map(|rule| Rule::Own(rule().name()));
        RuleSet::all(&own.collect::<Vec<_>>()).without(&self.without)
    }

    fn own_rules(&self) -> Vec<Box<dyn OwnRule>> {
        let made = self.rules.iter().map(|rule| rule());
        made.filter(|rule| !self.without.contains(Rule::Own(rule.name())))
            .collect()
    }

    fn model(&self) -> Option<Fold> {
        let model = self.model.clone()?;
        Some(if self.is_text_alone {
            model.text_alone()
        } else {
            model
        })
    }

    fn crates(&self) -> Vec<String> {
        if self.crates.is_empty() {
            return own_crates();
        }
        self.crates.clone()
    }

    fn memory(&self) -> Option<fn() -> usize> {
        self.memory
    }

    fn start(&self, stage: Stage) -> Result<Running, String> {
        let display = stage.display.clone();
        let shutdown = stage.shutdown.clone();
        let task = tokio::spawn((self.start)(stage));
        Ok(Running {
            mirror: display.mirror(),
            record: display.record(),
            handle: Some(Box::new(Task { task, shutdown })),
            ..Running::default()
        })
    }
}

/// The package that cargo runs, and the test target that runs, as log lines name them.
fn own_crates() -> Vec<String> {
    let package = env::var("CARGO_PKG_NAME").ok();
    let program = env::current_exe().ok();
    let target = program.and_then(|program| {
        let name = program.file_stem()?.to_str()?.to_owned();
        // cargo puts a hash after the name of a test target.
        Some(
            name.rsplit_once('-')
                .map_or(name.clone(), |(name, _)| name.to_owned()),
        )
    });
    let names = package.into_iter().chain(target);
    names.map(|name| name.replace('-', "_")).collect()
}

/// The task of a function under test.
struct Task {
    task: JoinHandle<()>,
    shutdown: Shutdown,
}

/// Returns how a task ended: with its message if it panicked.
fn ended(joined: Result<(), JoinError>) -> Result<(), String> {
    match joined {
        Err(error) if error.is_panic() => Err(panic_message(&*error.into_panic())),
        _ => Ok(()),
    }
}

impl Handle for Task {
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        Pin::new(&mut self.task).poll(cx).map(ended)
    }

    fn shutdown(self: Box<Self>) -> Stopping {
        Box::pin(async move {
            if !self.shutdown.ask() {
                self.task.abort();
            }
            ended(self.task.await)
        })
    }
}

/// The panic message of tokio's sockets on a runtime whose time is virtual.
const NO_IO: &str = "IO is disabled";

/// Returns a panic's message and, if a socket of the subject's own caused it, what to do about it.
#[must_use]
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    let place = last_place();
    if said.contains(NO_IO) {
        return "it opened a tokio socket, which bypasses the engine: dial through wstape_dial, or \
                play it over TCP with --real"
            .to_owned();
    }
    match place {
        Some(place) => format!("{said} (at {place})"),
        None => said,
    }
}
