//! A step's own fields.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::conn::Conn;
use super::trigger::Trigger;
use crate::json::same_extensions;
use crate::read_line::ReadLine;
use crate::{Action, Direction, Micros};

/// A line of a tape: a trigger and an action.
///
/// Its content is read and changed through [`StepFields`], to which it dereferences. A step that
/// was read keeps its line and is written back byte for byte, until its fields are mutably
/// borrowed: from then on it is written in canonical form.
///
/// ```
/// use wstape_tape::{Conn, Step};
/// let mut step = Step::parse("stdin", 1, r#"{"at_ms":5, "hang":true}"#)?;
/// assert_eq!(step.to_line(), r#"{"at_ms":5, "hang":true}"#);
/// step.conn = Conn::Nth(2);
/// assert_eq!(step.to_line(), r#"{"at_ms":5,"conn":2,"hang":true}"#);
/// # Ok::<(), wstape_tape::TapeError>(())
/// ```
///
/// Two steps are equal if they say the same: line number and spacing don't count.
///
/// A clone shares its content until either is changed, so passing a step on costs little.
#[derive(Debug, Clone)]
pub struct Step {
    fields: Arc<StepFields>,
    /// Line number in the tape it was read from, from 1; 0 for a step made in Rust.
    pub line: u64,
    text: ReadLine,
}

/// What a [`Step`] says.
#[derive(Debug, Clone)]
pub struct StepFields {
    /// When it happens.
    pub trigger: Trigger,
    /// On which connections; only for `at_ms` steps, as the other triggers say it themselves.
    pub conn: Conn,
    /// Only on connections that asked for this path, whatever the query; a final `*` matches any
    /// rest. With a path, numbers count the upgrades of that path.
    pub path: Option<String>,
    /// Name of the engine that plays it, in tapes for several engines.
    pub engine: Option<String>,
    /// What happens.
    pub action: Action,
    /// Which way a link condition holds (`direction`).
    pub direction: Direction,
    /// How long the state lasts, if it clears by itself.
    pub for_us: Option<Micros>,
    /// After how many uses the state clears by itself; for a step triggered by a client's message,
    /// its silence or a scene: how often it may happen on a connection.
    pub times: Option<u32>,
    /// How likely the step is to happen, in 0..=1; drawn from `seed`.
    pub probability: Option<f64>,
    /// How much later, at most, the step happens; drawn from `seed`.
    pub jitter: Option<Micros>,
    /// Seed for what this step draws.
    pub seed: Option<u64>,
    /// Free text (`note`).
    pub note: Option<String>,
    /// Keys that start with `x-`, in their order.
    pub extensions: Vec<(String, Box<RawValue>)>,
}

impl StepFields {
    /// `action` at `trigger`, for all connections.
    pub(super) fn new(trigger: Trigger, action: Action) -> Self {
        Self {
            trigger,
            conn: Conn::All,
            path: None,
            engine: None,
            action,
            direction: Direction::Both,
            for_us: None,
            times: None,
            probability: None,
            jitter: None,
            seed: None,
            note: None,
            extensions: Vec::new(),
        }
    }
}

impl Deref for Step {
    type Target = StepFields;

    fn deref(&self) -> &StepFields {
        &self.fields
    }
}

impl DerefMut for Step {
    /// Borrowing the fields mutably drops the line that was read.
    fn deref_mut(&mut self) -> &mut StepFields {
        self.text = ReadLine::default();
        Arc::make_mut(&mut self.fields)
    }
}

impl From<StepFields> for Step {
    /// A step made in Rust.
    fn from(fields: StepFields) -> Self {
        Self {
            fields: Arc::new(fields),
            line: 0,
            text: ReadLine::default(),
        }
    }
}

impl Step {
    /// A step made in Rust: `action` at `trigger`, for all connections.
    #[must_use]
    pub fn new(trigger: Trigger, action: Action) -> Self {
        Self::from(StepFields::new(trigger, action))
    }

    /// Makes the step of these fields, which were read from that line.
    pub(super) fn read_from(fields: StepFields, number: u64, line: &Bytes) -> Self {
        Self {
            fields: Arc::new(fields),
            line: number,
            text: ReadLine::of(line),
        }
    }

    /// Returns what it says, without the line that was read.
    #[must_use]
    pub fn into_fields(self) -> StepFields {
        Arc::unwrap_or_clone(self.fields)
    }

    /// Whether an engine of this name plays it. An engine without a name plays all steps, and a
    /// step that names no engine is played by every engine.
    ///
    /// ```
    /// use wstape_tape::Step;
    ///
    /// let step = Step::parse("a tape", 1, r#"{"at_ms":0,"engine":"blue","drop":"reset"}"#)?;
    /// assert!(step.is_of_engine(Some("blue")) && step.is_of_engine(None));
    /// assert!(!step.is_of_engine(Some("green")));
    /// # Ok::<(), wstape_tape::TapeError>(())
    /// ```
    #[must_use]
    pub fn is_of_engine(&self, name: Option<&str>) -> bool {
        match (name, self.engine.as_deref()) {
            (Some(name), Some(engine)) => name == engine,
            _ => true,
        }
    }

    /// The action's key on the wire.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.action.key()
    }

    /// The line as it was read, without its newline; `None` for a step that was made in Rust or
    /// changed.
    #[must_use]
    pub fn raw(&self) -> Option<&Bytes> {
        self.text.get()
    }

    pub(super) fn read_line(&self) -> &ReadLine {
        &self.text
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl PartialEq for StepFields {
    fn eq(&self, other: &Self) -> bool {
        self.trigger == other.trigger
            && self.conn == other.conn
            && self.path == other.path
            && self.engine == other.engine
            && self.action == other.action
            && self.direction == other.direction
            && self.for_us == other.for_us
            && self.times == other.times
            && self.probability == other.probability
            && self.jitter == other.jitter
            && self.seed == other.seed
            && self.note == other.note
            && same_extensions(&self.extensions, &other.extensions)
    }
}
