//! One attempt, from its dial to its end, as the bytes on its stream show it.

use crate::end_reason::EndReason;
use wstape_tape::Micros;

use super::answers::Answers;
use super::called::Called;
use super::liveness::{Liveness, Loss};
use crate::model::{Folded, Model};
use crate::settings::Settings;
use crate::wire::{Answer, Frames, Item, Messages, Opening, Sender};
use chrono::{DateTime, Utc};

/// How far an attempt has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Dialing,
    Handshake,
    Open,
    /// Shutdown was called for while it was open.
    Closing,
    Ended,
}

/// An attempt in progress, and what became of it.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) dial: u64,
    pub(super) phase: Phase,
    /// When dial and handshake together must be over.
    pub(super) connect_by: Micros,
    pub(super) opening: Opening,
    /// Bytes delivered before the handshake was decided.
    pub(super) head_bytes: usize,
    /// Whether the peer spoke before it was asked, or what it says can't begin an answer: a
    /// subscriber may leave at once, or wait for the end of the head.
    pub(super) may_leave: bool,
    pub(super) messages: Messages,
    /// What the subscriber sends.
    pub(super) sent: Frames,
    pub(super) liveness: Liveness,
    pub(super) answers: Answers,
    /// Whether a frame has come in.
    pub(super) framed: bool,
    /// The subscriber's Pings that no Pong has answered.
    pub(super) pinged: Vec<Vec<u8>>,
    /// How the peer broke the protocol, if it did.
    pub(super) broken: Option<Broken>,
    /// Whether it ended because no frames came, or writes found no room.
    pub(super) silent: bool,
}

/// A breach of the protocol: the subscriber may read up to the offset `by` before it notices.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) by: u64,
    pub(super) at: Micros,
    pub(super) called: Called,
    pub(super) codes: Vec<u16>,
}

/// What a delivery means.
#[derive(Debug)]
pub(super) enum Meaning {
    Message(Folded),
    Ping,
    /// A Pong, and whether it answers a Ping.
    Pong(bool),
    Closed(Option<u16>),
    Broken,
}

/// Most unanswered Pings that are remembered.
const MAX_PINGED: usize = 1024;

impl Attempt {
    pub(super) fn new(dial: u64, at: Micros, settings: &Settings) -> Self {
        let timeout = Micros::from(settings.connect_timeout);
        Self {
            dial,
            phase: Phase::Dialing,
            connect_by: Micros(at.0.saturating_add(timeout.0)),
            opening: Opening::new(),
            head_bytes: 0,
            may_leave: false,
            messages: Messages::new(Sender::Server, settings.max_message_bytes),
            sent: Frames::new(),
            liveness: Liveness::new(settings, at),
            answers: Answers::default(),
            framed: false,
            pinged: Vec::new(),
            broken: None,
            silent: false,
        }
    }

    /// Whether its handshake ended in a 101.
    pub(super) fn is_upgraded(&self) -> bool {
        matches!(self.opening.answer(), Some(Answer::Upgraded { .. }))
    }

    /// Notes that bytes were delivered; those from this offset on are new, and everything complete
    /// in them has been taken in.
    pub(super) fn delivered(&mut self, at: Micros, new_from: u64) {
        let under_way = self.messages.under_way();
        let begun = under_way.as_ref().map(|way| way.start >= new_from);
        let touched = under_way.is_some_and(|way| way.end > new_from);
        self.liveness.under_way(at, begun, touched);
    }

    /// The next item in what was delivered.
    pub(super) fn next(&mut self, at: Micros, wall: DateTime<Utc>) -> Option<Meaning> {
        if let Some(broken) = &mut self.broken {
            // These are bytes of the faulty frame: the subscriber may need them to notice.
            broken.at = at;
            return None;
        }
        let seen = self.messages.next()?;
        if seen.is_frame() {
            self.framed = true;
            self.liveness.frame(at);
        }
        Some(match seen.item {
            Item::Text(text) => self.message(at, Model::read(&text, wall)),
            Item::Binary(bytes) => {
                let folded = match std::str::from_utf8(&bytes) {
                    Ok(text) => Model::read(text, wall),
                    Err(_) => Folded::Undecodable,
                };
                self.message(at, folded)
            }
            Item::Ping(payload) => {
                self.answers.ping(payload, at);
                Meaning::Ping
            }
            Item::Pong(payload) => Meaning::Pong(self.answers_us(&payload)),
            Item::Close { code, .. } => {
                self.answers.owe(Vec::new(), at);
                Meaning::Closed(code)
            }
            Item::Violation(violation) => {
                let called = match violation.codes[..] {
                    [1007] => Called::Exactly(EndReason::Utf8),
                    [1009] => Called::Exactly(EndReason::TooLarge),
                    [1002] => Called::Exactly(EndReason::Protocol),
                    _ => Called::Any(&[EndReason::Protocol, EndReason::Utf8, EndReason::TooLarge]),
                };
                self.broken = Some(Broken {
                    by: violation.by,
                    at,
                    called,
                    codes: violation.codes,
                });
                Meaning::Broken
            }
        })
    }

    fn message(&mut self, at: Micros, folded: Folded) -> Meaning {
        if matches!(folded, Folded::Event(_)) {
            self.liveness.event(at);
        }
        Meaning::Message(folded)
    }

    /// Notes that the subscriber sent a Ping.
    pub(super) fn ping(&mut self, payload: Vec<u8>) {
        if self.pinged.len() == MAX_PINGED {
            self.pinged.remove(0);
        }
        self.pinged.push(payload);
    }

    /// Whether a Pong answers one of the subscriber's Pings: it may answer the earlier ones too
    /// (RFC 6455, 5.5.3), and none answers twice.
    fn answers_us(&mut self, payload: &[u8]) -> bool {
        let Some(index) = self.pinged.iter().rposition(|ping| ping == payload) else {
            return false;
        };
        self.pinged.drain(..=index);
        true
    }

    /// Whether the subscriber must have noticed the protocol error by now.
    pub(super) fn must_have_noticed(&self) -> bool {
        self.broken
            .as_ref()
            .is_some_and(|broken| self.messages.received() >= broken.by)
    }

    /// When it ends by itself, and what that end is called.
    pub(super) fn deadline(&self) -> Option<(Micros, Called)> {
        match self.phase {
            Phase::Dialing | Phase::Handshake => {
                Some((self.connect_by, Called::Exactly(EndReason::ConnectTimeout)))
            }
            Phase::Open => self.liveness.lost_at().map(|(at, loss)| {
                let reason = match loss {
                    Loss::Silent => EndReason::Idle,
                    Loss::WriteStalled => EndReason::WriteStalled,
                    Loss::MessageTooSlow => EndReason::MessageTimeout,
                    Loss::NoEvents => EndReason::EventTimeout,
                };
                (at, Called::Exactly(reason))
            }),
            Phase::Closing | Phase::Ended => None,
        }
    }
}
