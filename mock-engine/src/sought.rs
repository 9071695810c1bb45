//! What is looked for in what clients send: a frame, or a message.

use wstape_tape::{Expect, Match, Received};

use crate::dialogue::{Assembly, Matcher, Message};
use crate::expect::{Wanted, WantedMessage};
use crate::frame::ClientFrame;

/// What is sought.
#[derive(Debug)]
pub(crate) enum Sought {
    /// A frame.
    Frame(Received),
    /// A message, however many frames it comes in.
    Message(Box<Matcher>),
}

impl Sought {
    /// What an expectation seeks in what clients send; `None` if nothing.
    pub(crate) fn of(expect: &Expect) -> Option<Self> {
        let message = expect.message.as_deref().cloned().map(Self::message);
        message.or_else(|| expect.received.clone().map(Self::Frame))
    }

    fn message(wanted: Match) -> Self {
        Self::Message(Box::new(Matcher::new(wanted)))
    }

    /// Whether a message is sought.
    pub(crate) fn is_message(&self) -> bool {
        matches!(self, Self::Message(_))
    }

    /// Whether this frame, or the message that it completes, is what is sought.
    pub(crate) fn is(&self, frame: &ClientFrame, message: Option<&Message>) -> bool {
        match self {
            Self::Frame(wanted) => Wanted(wanted).is(frame),
            Self::Message(wanted) => message.is_some_and(|message| wanted.is(message)),
        }
    }

    /// Whether this frame alone, as a journal keeps it, is what is sought. A message of several
    /// frames, or one longer than a journal keeps, can't be recognized this way.
    pub(crate) fn is_kept(&self, frame: &ClientFrame) -> bool {
        let whole = frame.fin && frame.len == frame.payload.len();
        let message = (whole && self.is_message())
            .then(|| Assembly::default().take(frame))
            .flatten();
        self.is(frame, message.as_ref())
    }

    /// What is sought, in words.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Frame(wanted) => Wanted(wanted).to_string(),
            Self::Message(wanted) => WantedMessage(wanted.wanted()).to_string(),
        }
    }
}
