//! What a subscriber's user does in a case.

use std::str::FromStr;

use wstape_oracle::Field;
use wstape_tape::{Action, Micros, Step};

use crate::extension::{extension, raw};

/// The key, on a `mark` step, for a call that the world makes on the subscriber.
pub const CALL_KEY: &str = "x-call";

/// A call that the world makes on the subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// `shutdown`: ends the subscriber.
    Shutdown,
    /// `drop-handle`: drops the handle; the subscriber runs on.
    DropHandle,
    /// `drop-receiver`: drops the oldest receiver.
    DropReceiver,
    /// `new-receiver`: takes another receiver.
    NewReceiver,
    /// `stall-receivers`: receivers stop reading.
    StallReceivers,
    /// `resume-receivers`: receivers read again.
    ResumeReceivers,
    /// `backfill-FIELD`: a reading comes over HTTP.
    Backfill(Field),
}

/// A call that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line}: \"{CALL_KEY}\" is {found}; expected one of {}",
    Call::names()
)]
pub struct UnknownCall {
    /// The line of the tape that it is on.
    pub line: u64,
    /// The text found there.
    pub found: String,
}

impl Call {
    /// All calls.
    pub const ALL: [Self; 10] = [
        Self::Shutdown,
        Self::DropHandle,
        Self::DropReceiver,
        Self::NewReceiver,
        Self::StallReceivers,
        Self::ResumeReceivers,
        Self::Backfill(Field::Status),
        Self::Backfill(Field::Positions),
        Self::Backfill(Field::Risk),
        Self::Backfill(Field::Regime),
    ];

    /// Its name in a tape.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::DropHandle => "drop-handle",
            Self::DropReceiver => "drop-receiver",
            Self::NewReceiver => "new-receiver",
            Self::StallReceivers => "stall-receivers",
            Self::ResumeReceivers => "resume-receivers",
            Self::Backfill(Field::Status) => "backfill-status",
            Self::Backfill(Field::Positions) => "backfill-positions",
            Self::Backfill(Field::Risk) => "backfill-risk",
            Self::Backfill(Field::Regime) => "backfill-regime",
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// The step of a faults tape that makes this call.
    ///
    /// ```
    /// use wstape_tape::Micros;
    /// use wstape_chaos::Call;
    /// let step = Call::Shutdown.step(Micros::from_ms(250));
    /// assert_eq!(step.to_line(), r#"{"at_ms":250,"mark":"call","x-call":"shutdown"}"#);
    /// ```
    #[must_use]
    pub fn step(self, at: Micros) -> Step {
        let mut step = Step::at(at, Action::Mark("call".to_owned()));
        step.extensions
            .push((CALL_KEY.to_owned(), raw(self.name())));
        step
    }

    /// Returns the call that a step makes, if it makes one.
    ///
    /// # Errors
    /// [`UnknownCall`] for a call that does not exist.
    pub fn of(step: &Step) -> Result<Option<Self>, UnknownCall> {
        let Some(found) = extension(step, CALL_KEY) else {
            return Ok(None);
        };
        let name: Option<String> = serde_json::from_str(found.get()).ok();
        name.and_then(|name| name.parse().ok())
            .map(Some)
            .ok_or_else(|| UnknownCall {
                line: step.line,
                found: found.get().to_owned(),
            })
    }
}

impl FromStr for Call {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|call| call.name() == name)
            .ok_or(())
    }
}
