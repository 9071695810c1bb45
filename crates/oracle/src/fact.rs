//! What happened, as reported to a subject's own rules.

use wstape_tape::Micros;

/// One thing that happened between a subscriber and its engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fact<'a> {
    /// When it happened, in the case's own time.
    pub at: Micros,
    /// The dial it happened on, from 1; `None` if on none.
    pub dial: Option<u64>,
    /// What happened.
    pub what: What<'a>,
}

impl<'a> Fact<'a> {
    /// Makes a fact, for the test of a rule.
    #[must_use]
    pub fn new(at: Micros, dial: Option<u64>, what: What<'a>) -> Self {
        Self { at, dial, what }
    }
}

/// What can happen between a subscriber and its engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum What<'a> {
    /// The subscriber began to dial.
    Dial,
    /// The dial was refused.
    DialRefused,
    /// The subscriber gave up the dial.
    DialDropped,
    /// The engine answered with this status: 101 opens the connection.
    Answered(u16),
    /// The engine's answer is no answer to an upgrade.
    AnsweredBadly,
    /// A message, or a control frame, was delivered to the subscriber.
    Received(Message<'a>),
    /// The engine broke the protocol.
    ReceivedBroken(&'static str),
    /// The subscriber sent a message or a control frame.
    Sent(Message<'a>),
    /// The end of the stream was delivered.
    Fin,
    /// A reset was delivered.
    Reset,
    /// The subscriber dropped the stream.
    Dropped,
    /// Shutdown was called for.
    ShutdownCalled,
    /// Shutdown is over.
    ShutdownOver,
    /// The case is over: nothing follows.
    Over,
}

/// A whole message, however many frames it came in, or a control frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
    /// A Ping, with its payload.
    Ping(&'a [u8]),
    /// A Pong, with its payload.
    Pong(&'a [u8]),
    /// A Close, with its code if it has one.
    Close(Option<u16>),
}
