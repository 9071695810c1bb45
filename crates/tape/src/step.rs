//! A step: when, for whom, what.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::error::{Flaw, TapeErrorKind};
use crate::header::same_extensions;
use crate::{Action, Direction, Micros};
use crate::{TapeError, parse, print};

/// A line of a tape: a trigger and an action.
#[derive(Debug, Clone)]
pub struct Step {
    /// When it happens.
    pub trigger: Trigger,
    /// On whose connection; meaningful for `at_ms` steps, an `on_connect` step is on its own.
    pub conn: Conn,
    /// Name of the engine, in tapes of several.
    pub engine: Option<String>,
    /// What happens.
    pub action: Action,
    /// Which way a link condition holds (`direction`).
    pub direction: Direction,
    /// The state set clears by itself after this long.
    pub for_us: Option<Micros>,
    /// The state set clears by itself after this many uses.
    pub times: Option<u32>,
    /// How likely the step is to happen, in 0..=1; drawn from `seed`.
    pub probability: Option<f64>,
    /// The step happens this much later at most; drawn from `seed`.
    pub jitter: Option<Micros>,
    /// Seed of what this step draws.
    pub seed: Option<u64>,
    /// Free text (`note`).
    pub note: Option<String>,
    /// Keys that start with `x-`, in their order.
    pub extensions: Vec<(String, Box<RawValue>)>,
    /// Line number in the tape it was read from, from 1; 0 for a step made in Rust.
    pub line: u64,
    /// The line as it was read, without its newline: written back byte for byte.
    pub(crate) raw: Option<Bytes>,
}

/// When a step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// `at_ms`: on the engine's clock.
    At(Micros),
    /// `on_connect`: on one connection, or on each.
    OnConnect {
        /// Connection number, from 1; `None` for `"each"`.
        nth: Option<u64>,
        /// When, on that connection.
        after: After,
    },
}

/// When, on a connection, a prologue step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// `after_ms`: since the accept. Actions that send frames wait for the 101.
    Time(Micros),
    /// `after_frames`: once this many frames were sent to the client; 0 is the 101.
    Frames(u64),
    /// `after_bytes`: once exactly this many bytes were sent after the 101's head; a frame that
    /// crosses the mark is cut there.
    Bytes(u64),
    /// `after_received`: once this many frames came from the client.
    Received(u64),
}

/// Which connections an `at_ms` step is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Conn {
    /// All that are open, and for states those to come.
    #[default]
    All,
    /// The one with this number, from 1.
    Nth(u64),
}

impl Step {
    /// A step made in Rust: `action` at `trigger`, for all connections.
    #[must_use]
    pub fn new(trigger: Trigger, action: Action) -> Self {
        Self {
            trigger,
            conn: Conn::All,
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
            line: 0,
            raw: None,
        }
    }

    /// A step at a time of the engine's clock.
    #[must_use]
    pub fn at(at: Micros, action: Action) -> Self {
        Self::new(Trigger::At(at), action)
    }

    /// Reads one line, with or without its newline. `file` and `line` are what an error says and
    /// what [`Step::line`] will be.
    ///
    /// ```
    /// use wstape_tape::{Action, Step};
    /// let step = Step::parse("stdin", 1, r#"{"at_ms":5,"hang":true,"times":2}"#)?;
    /// assert_eq!((step.action, step.times), (Action::Hang(true), Some(2)));
    /// # Ok::<(), wstape_tape::TapeError>(())
    /// ```
    ///
    /// # Errors
    /// Where the line is not a step.
    pub fn parse(file: &str, line: u64, text: &str) -> Result<Self, TapeError> {
        let bytes = Bytes::copy_from_slice(text.strip_suffix('\n').unwrap_or(text).as_bytes());
        let read = match bytes.iter().position(|b| *b == b'\n') {
            None => parse::step(&bytes, line),
            Some(at) => Err(Flaw::new(TapeErrorKind::Json, at, 1, "more than one line")),
        };
        read.map_err(|flaw| TapeError::in_line(file, line, &bytes, flaw))
    }

    /// The action's key on the wire.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.action.key()
    }

    /// The line as it was read, without its newline; `None` for a step made in Rust.
    #[must_use]
    pub fn raw(&self) -> Option<&Bytes> {
        self.raw.as_ref()
    }

    /// Forgets the line as it was read, so that a changed step is written as what it is now.
    pub fn forget_raw(&mut self) {
        self.raw = None;
    }

    /// The line, without a newline: as it was read where it was read, else in canonical form
    /// ([`to_canonical`](Self::to_canonical)).
    ///
    /// ```
    /// use wstape_tape::{Action, End, Micros, Step};
    /// let step = Step::at(Micros::from_ms(5), Action::Drop(End::Fin));
    /// assert_eq!(step.to_line(), r#"{"at_ms":5,"drop":"fin"}"#);
    /// ```
    #[must_use]
    pub fn to_line(&self) -> String {
        match &self.raw {
            Some(raw) => String::from_utf8_lossy(raw).into_owned(),
            None => self.to_canonical(),
        }
    }

    /// The line in canonical form: keys in the order of the format's reference, defaults left
    /// out, no spaces. A step whose values the format allows parses back to an equal one, apart
    /// from `note` and `x-` keys inside the action. An emit that is not one line of JSON with an
    /// `event` is written as the `text` or `frame` that sends the same bytes.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        print::step(self)
    }
}

impl PartialEq for Step {
    /// Two steps are equal where they say the same: line number and spacing don't count.
    fn eq(&self, other: &Self) -> bool {
        self.trigger == other.trigger
            && self.conn == other.conn
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
