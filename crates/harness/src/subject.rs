//! The subscriber under test: what it is started with, and what it lets rules observe.
//!
//! A subject is little more than a function from a [`Stage`] to something [`Running`]. It may
//! expose its mirror and its record of the connection, report its events and accept a shutdown;
//! each is optional, and what it does not offer is not judged.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde_json::Value;
use wstape_oracle::{
    Bounds, Fold, Heard, Mirror, OwnRule, Record, Rule, RuleSet, Settings, Told, View,
};

use crate::display::Display;
use crate::net::{Clock, Dialer};
use crate::notebook::Notebook;
use crate::shutdown::Shutdown;

/// What a subscriber is started with.
#[derive(Debug)]
pub struct Stage {
    /// The engine's URL. In virtual time only the dialer reaches it. It may hold user info and a
    /// query, both secret.
    pub url: String,
    /// The settings for the subscriber.
    pub settings: Settings,
    /// The run's clock. A subscriber that runs in virtual time takes all its time from it.
    pub clock: Arc<dyn Clock>,
    /// Connects to the engine.
    pub dialer: Arc<dyn Dialer>,
    /// Records what the subscriber reports about itself; the outcome of one that reports nothing
    /// still has the engine's half.
    pub notebook: Notebook,
    /// Where a function under test leaves what it shows of itself.
    pub display: Display,
    /// Tells a function under test to end; see [`Stage::shutdown`].
    pub shutdown: Shutdown,
}

impl Stage {
    /// Shows a mirror: `json` returns its current state whenever it is called. Call this before the
    /// function returns its future. With a [model](crate::FunctionSubject::model) it is judged.
    pub fn show_mirror(&self, json: impl Fn() -> Value + Send + Sync + 'static) {
        self.display.set_mirror(Arc::new(json));
    }

    /// Shows a record of the connection: `told` returns its current state whenever it is called.
    /// Call this before the function returns its future.
    pub fn show_record(&self, told: impl Fn() -> Told + Send + Sync + 'static) {
        self.display.set_record(Arc::new(told));
    }

    /// Completes once the subscriber is to shut down. A function that awaits or holds it is told,
    /// and must shut down what it started and return within the bound of R5; any other is ended
    /// where it stands.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wstape_harness::{Scenario, subject};
    /// use wstape_tape::Tape;
    ///
    /// let (stopped, told) = std::sync::mpsc::channel();
    /// let polite = subject(move |stage| {
    ///     let stopped = stopped.clone();
    ///     async move {
    ///         let _stream = wstape_dial::dial("127.0.0.1", 1).await;
    ///         stage.shutdown().await;
    ///         tokio::time::sleep(Duration::from_millis(5)).await; // its own goodbyes
    ///         stopped.send("in order").expect("the test listens");
    ///     }
    /// });
    /// let tape = Tape::parse("tape", "{\"tape\":1}\n{\"at_ms\":10,\"end\":true}\n")?;
    /// Scenario::new(tape).run(&polite)?;
    /// assert_eq!(told.recv()?, "in order");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shutdown(&self) -> impl Future<Output = ()> + Send + use<> {
        self.shutdown.asked()
    }
}

/// Which time a subscriber lives in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Time {
    /// tokio's own paused time: `sleep`, `timeout`, `interval` and `tokio::time::Instant` work as
    /// usual, to tokio's millisecond. Std's and chrono's clocks stand still.
    #[default]
    Plain,
    /// Time to the microsecond, for a subscriber that takes all its time from the [`Clock`] it is
    /// handed: one microsecond of it is a millisecond of tokio's.
    Fine,
}

/// What a subscriber is judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Terms {
    /// It reconnects exactly as its [`Settings`] say, by the rules of the subscriber's contract.
    Settings,
    /// What any subscriber owes its engine, within these bounds, and what it declares beyond them.
    Bounds(Bounds),
}

impl Default for Terms {
    fn default() -> Self {
        Self::Bounds(Bounds::default())
    }
}

/// A kind of subscriber that can be put under test.
pub trait Subject: Send + Sync {
    /// What it is, in a word or two.
    fn name(&self) -> String;

    /// What it is and how it is set, in a line of the outcome.
    fn describe(&self, settings: &Settings) -> String {
        let _ = settings;
        self.name()
    }

    /// Which time it lives in.
    fn time(&self) -> Time {
        Time::default()
    }

    /// What it is judged by.
    fn terms(&self) -> Terms {
        Terms::default()
    }

    /// What it is judged by with these settings: for most subjects the same with any.
    fn terms_of(&self, settings: &Settings) -> Terms {
        let _ = settings;
        self.terms()
    }

    /// Which rules it may be judged by: all, by default. Chaos, replay, tests and every report
    /// follow it.
    fn rules(&self) -> RuleSet {
        let own: Vec<Rule> = self
            .own_rules()
            .iter()
            .map(|rule| Rule::Own(rule.name()))
            .collect();
        RuleSet::all(&own)
    }

    /// Rules of its own, made anew for a case.
    fn own_rules(&self) -> Vec<Box<dyn OwnRule>> {
        Vec::new()
    }

    /// What its mirror must show, if it is judged by bounds.
    fn model(&self) -> Option<Fold> {
        None
    }

    /// The crates whose log lines are its own, as a log's target names them (`price_feed`). What
    /// other crates log is blamed on those. Empty if unknown: then every line is its own.
    fn crates(&self) -> Vec<String> {
        Vec::new()
    }

    /// Reads how many bytes the process has allocated, if its allocator counts them: then a case
    /// whose memory keeps growing is a finding.
    fn memory(&self) -> Option<fn() -> usize> {
        None
    }

    /// Starts one on the current tokio runtime.
    ///
    /// # Errors
    /// Why it can't start, in words.
    fn start(&self, stage: Stage) -> Result<Running, String>;
}

/// A subscriber that runs, and what it offers. Its tasks end with the runtime at the latest.
#[derive(Default)]
pub struct Running {
    /// Its mirror, which outlives the handle.
    pub mirror: Option<Arc<dyn Mirror>>,
    /// Its record of the connection, which outlives the handle.
    pub record: Option<Arc<dyn Record>>,
    /// A receiver that misses nothing from the first connection on.
    pub receiver: Option<Box<dyn Receiver>>,
    /// Its handle, by which it can be shut down. Dropping it leaves the subscriber running.
    pub handle: Option<Box<dyn Handle>>,
}

impl Running {
    /// What it lets rules observe.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            mirror: self.mirror.as_deref(),
            record: self.record.as_deref(),
        }
    }

    /// What it offers.
    #[must_use]
    pub fn offers(&self) -> Offers {
        let offered = [
            (Offer::Mirror, self.mirror.is_some()),
            (Offer::Record, self.record.is_some()),
            (Offer::Receiver, self.receiver.is_some()),
            (Offer::Handle, self.handle.is_some()),
        ];
        let offered = offered.into_iter().filter(|(_, is)| *is);
        offered.map(|(offer, _)| offer).collect()
    }
}

/// Something that a subscriber lets rules observe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offer {
    /// Its mirror.
    Mirror,
    /// Its record of the connection.
    Record,
    /// A receiver of its events.
    Receiver,
    /// A handle, by which it can be shut down.
    Handle,
}

/// What a subscriber lets rules observe: rules that need what is missing are not judged.
pub type Offers = BTreeSet<Offer>;

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("mirror", &self.mirror.is_some())
            .field("record", &self.record.is_some())
            .field("receiver", &self.receiver.is_some())
            .field("handle", &self.handle.is_some())
            .finish()
    }
}

/// What [`Handle::shutdown`] returns: completes when the subscriber ends, `Err` if it panicked.
pub type Stopping = Pin<Box<dyn Future<Output = Result<(), String>>>>;

/// A subscriber's handle.
pub trait Handle {
    /// Another receiver, of events from now on; `None` if it has no more.
    fn receiver(&self) -> Option<Box<dyn Receiver>> {
        None
    }

    /// Whether it has ended unasked: `Err` with the message if it panicked. Once ready it is not
    /// polled again. By default it never has.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        let _ = cx;
        Poll::Pending
    }

    /// Asks it to end. Nothing happens before the first poll.
    fn shutdown(self: Box<Self>) -> Stopping;
}

/// What [`Receiver::next`] returns.
pub type Hearing<'a> = Pin<Box<dyn Future<Output = Arrival> + Send + 'a>>;

/// A receiver of a subscriber's events.
pub trait Receiver: Send + 'static {
    /// The next item, if there is one; `None` if there is nothing new.
    fn hear(&mut self) -> Option<Heard>;

    /// Waits for the next event. Dropping the future loses nothing.
    fn next(&mut self) -> Hearing<'_>;
}

/// What came to a receiver, as far as counting needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// An event of this kind.
    Event(Cow<'static, str>),
    /// This many were missed.
    Missed(u64),
    /// Nothing more will come.
    Closed,
}
