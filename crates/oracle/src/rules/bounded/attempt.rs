//! One dial and its stream, for a subscriber that is judged by bounds.

use std::collections::VecDeque;

use wstape_tape::Micros;

use crate::wire::{Frames, Messages, Opening, Sender};

/// How far an attempt has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Dialling, or waiting for the answer.
    Handshake,
    Open,
    Ended,
}

/// One dial and its stream.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) opening: Opening,
    pub(super) messages: Messages,
    pub(super) sent: Frames,
    pub(super) phase: Phase,
    /// Unanswered Pings, and when they came.
    pub(super) pings: VecDeque<(Vec<u8>, Micros)>,
    /// When an unanswered Close came.
    pub(super) close_owed: Option<Micros>,
    pub(super) closed: bool,
    /// Whether no answers can be expected: writes block or fail, or the peer broke the protocol.
    pub(super) excused: bool,
    /// When the subscriber sent a Close, unprompted or in answer.
    pub(super) own_close_at: Option<Micros>,
    pub(super) dialed_at: Micros,
    /// The start of the silence: the dial or the last delivered byte.
    pub(super) silent_since: Micros,
    /// Whether it was already reported as kept too long.
    pub(super) kept_too_long: bool,
    pub(super) course: Course,
}

/// The most complete thing that came on a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Heard {
    #[default]
    Nothing,
    /// A Ping or a Pong.
    Frame,
    /// A message of text or bytes.
    Message,
}

/// How an attempt went, as far as a backoff is concerned.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Course {
    /// When the engine's 101 was delivered.
    pub(super) upgraded_at: Option<Micros>,
    /// Whether the answer was not quite valid: accepting it is then up to the subscriber.
    pub(super) odd_answer: bool,
    pub(super) heard: Heard,
    /// Whether something came that may or may not count as a frame: a Close, part of a message, a
    /// frame that breaks the protocol, or a message that some clients refuse for its size.
    pub(super) hinted: bool,
}

impl Attempt {
    pub(super) fn new(at: Micros, max_message_bytes: usize) -> Self {
        Self {
            opening: Opening::new(),
            messages: Messages::new(Sender::Server, max_message_bytes),
            sent: Frames::new(),
            phase: Phase::Handshake,
            pings: VecDeque::new(),
            close_owed: None,
            closed: false,
            excused: false,
            own_close_at: None,
            dialed_at: at,
            silent_since: at,
            kept_too_long: false,
            course: Course::default(),
        }
    }

    pub(super) fn excuse(&mut self) {
        self.excused = true;
        self.pings.clear();
        self.close_owed = None;
    }

    /// Since when the oldest answer has been owed.
    pub(super) fn owed_since(&self) -> Option<Micros> {
        let ping = self.pings.front().map(|(_, at)| *at);
        ping.into_iter().chain(self.close_owed).min()
    }
}
