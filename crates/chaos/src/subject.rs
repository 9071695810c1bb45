//! The subscriber that is judged: what a world needs of it.
//!
//! Everything is asked for, nothing is pushed: the world looks whenever something may have
//! changed, on the one thread that world and subscriber share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine_client::{Clock, ConnectionHealth, Dialer};

use wstape_harness::Settings;

/// What a subscriber is started with.
#[derive(Debug)]
pub struct Opening {
    /// Where the engine is. It may hold user info and a query, both secret.
    pub url: String,
    /// How the subscriber is set; jitter's mode and seed among it.
    pub settings: Settings,
    /// The world's clock. The subscriber takes all its time from it.
    pub clock: Arc<dyn Clock>,
    /// Leads to the engine. Dials of any other target are traced and fail.
    pub dialer: Arc<dyn Dialer>,
}

/// A kind of subscriber that chaos can judge.
pub trait Judged: Send + Sync {
    /// What it is, in a word or two.
    fn name(&self) -> String;

    /// Starts one on the current tokio runtime.
    ///
    /// # Errors
    /// Why it can't start, in words.
    fn start(&self, opening: Opening) -> Result<Started, String>;
}

/// A subscriber that runs.
pub struct Started {
    /// Its mirror, which outlives the handle.
    pub view: Arc<dyn View>,
    /// Dropping it is dropping the subscriber's handle: the subscriber runs on.
    pub handle: Box<dyn Handle>,
    /// A receiver that misses nothing from the first connection on.
    pub receiver: Box<dyn Receiver>,
}

/// The part of the mirror that holds a reading of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `status`.
    Status,
    /// `positions`.
    Positions,
    /// `risk`.
    Risk,
    /// `regime`.
    Regime,
}

impl Field {
    /// All of them, in the mirror's order.
    pub const ALL: [Self; 4] = [Self::Status, Self::Positions, Self::Risk, Self::Regime];

    /// The member's name in the mirror.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Positions => "positions",
            Self::Risk => "risk",
            Self::Regime => "regime",
        }
    }
}

/// A look at a subscriber's mirror.
pub trait View: Send + Sync {
    /// Appends the field as JSON text, as `engine_client::EngineState` serialises it: `null`, or
    /// `{"value":…,"as_of":…,"n":…,"source":…}`. Called after every step: it must be quick.
    fn field(&self, field: Field, into: &mut Vec<u8>);

    /// Whether the field is certainly what it was when [`field`](Self::field) was last asked for
    /// it: then it need not be written out again. Saying no is always right.
    fn is_unchanged(&self, field: Field) -> bool {
        let _ = field;
        false
    }

    /// The mirror's `last_heartbeat`.
    fn last_heartbeat(&self) -> Option<DateTime<Utc>>;

    /// The connection's own record.
    fn health(&self) -> ConnectionHealth;

    /// Puts a reading that came over HTTP into the mirror: `payload` is the JSON of one that
    /// decodes. What `EngineState::apply_*` with `Source::Http` does.
    fn backfill(&self, field: Field, payload: &str, as_of: DateTime<Utc>);
}

/// What [`Handle::shutdown`] returns: ends when the subscriber has, `Err` where it had panicked.
pub type Stopping = Pin<Box<dyn Future<Output = Result<(), String>>>>;

/// The subscriber's handle.
pub trait Handle {
    /// Another receiver, of events from now on.
    fn receiver(&self) -> Box<dyn Receiver>;

    /// Asks it to end. Nothing happens before the first poll.
    fn shutdown(self: Box<Self>) -> Stopping;
}

/// A receiver of the subscriber's events.
pub trait Receiver: Send {
    /// The next thing that it has to say; `None` where there is nothing new.
    fn hear(&mut self) -> Option<Heard>;
}

/// What a receiver heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A heartbeat of that time.
    Heartbeat(DateTime<Utc>),
    /// A reading of one kind; its payload's JSON text as the client's models serialise it.
    Reading(Field, String),
    /// An event of another name, or one whose payload was no reading of its kind.
    Unknown {
        /// The name.
        event: String,
        /// Its time.
        ts: DateTime<Utc>,
        /// The payload's JSON text; `null` where there was none.
        data: String,
    },
    /// So many were missed.
    Lagged(u64),
    /// Nothing more will come.
    Closed,
}
