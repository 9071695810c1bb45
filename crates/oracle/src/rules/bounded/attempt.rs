//! One dial and its stream, of a subscriber that is judged by bounds.

use std::collections::VecDeque;

use wstape_tape::Micros;

use crate::wire::{Frames, Messages, Opening, Sender};

/// How far an attempt has come.
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
    /// Pings that were not answered yet, with when they came.
    pub(super) pings: VecDeque<(Vec<u8>, Micros)>,
    /// When a Close came that was not answered.
    pub(super) close_owed: Option<Micros>,
    pub(super) closed: bool,
    /// Writes find no room or fail, or the peer broke the protocol: no answers can be expected.
    pub(super) excused: bool,
    /// When the subscriber sent a Close of its own accord, or in answer.
    pub(super) own_close_at: Option<Micros>,
    pub(super) dialed_at: Micros,
    /// Since when nothing came: the dial, the last delivered byte.
    pub(super) silent_since: Micros,
    /// It was told that it is kept for too long.
    pub(super) kept_too_long: bool,
    pub(super) course: Course,
}

/// What came on a connection, whole, the most of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Heard {
    #[default]
    Nothing,
    /// A Ping or a Pong.
    Frame,
    /// A message of text or bytes.
    Message,
}

/// What an attempt came to, as far as a backoff is concerned.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Course {
    /// When the engine's 101 was delivered.
    pub(super) upgraded_at: Option<Micros>,
    /// The answer was not quite one: whether it is taken for good is the subscriber's.
    pub(super) odd_answer: bool,
    pub(super) heard: Heard,
    /// Something came that one may take for a frame or not: a Close, part of one, one that breaks
    /// the protocol.
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

    /// Since when the oldest answer is owed.
    pub(super) fn owed_since(&self) -> Option<Micros> {
        let ping = self.pings.front().map(|(_, at)| *at);
        ping.into_iter().chain(self.close_owed).min()
    }
}
