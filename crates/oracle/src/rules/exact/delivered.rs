//! What is delivered to the subscriber.

use wstape_tape::Micros;

use super::Exact;
use crate::edge::Edge;
use crate::end_reason::EndReason;
use crate::model::Folded;
use crate::rule::Rule;
use crate::rules::attempt::{Meaning, Phase};
use crate::rules::called::Called;
use crate::rules::course::CUT_OFF;
use crate::rules::liveness::Liveness;
use crate::rules::step::Step;
use crate::wire::{Answer, is_legal_close_code, retry_after};

impl Exact {
    /// Takes in bytes that were delivered to the subscriber. Returns those that are the same on
    /// every run of the case: what follows the handshake's answer.
    pub(in crate::rules) fn read<'b>(
        &mut self,
        at: Micros,
        dial: u64,
        bytes: &'b [u8],
    ) -> &'b [u8] {
        self.course.pass(at);
        let wall = self.course.wall(at);
        let Some(attempt) = self.course.attempt(dial) else {
            return &[];
        };
        let bytes = match attempt.phase {
            Phase::Handshake => {
                attempt.head_bytes += bytes.len();
                attempt.may_leave |= attempt.opening.request().is_none();
                let rest = attempt.opening.push_server(bytes);
                let doubtful = attempt.opening.is_doubtful();
                match attempt.opening.answer().cloned() {
                    None if !doubtful => return &[],
                    None | Some(Answer::Failed { whole: false, .. }) => {
                        if !std::mem::replace(&mut attempt.may_leave, true) {
                            self.course.findings.took(Edge::HANDSHAKE_FAILED);
                        }
                        return &[];
                    }
                    Some(answer) => self.answered(at, &answer, doubtful),
                }
                rest
            }
            Phase::Dialing => return &[],
            Phase::Open | Phase::Closing | Phase::Ended => bytes,
        };
        let Some(attempt) = self.course.attempt(dial) else {
            return bytes;
        };
        if matches!(attempt.phase, Phase::Ended) {
            return bytes;
        }
        let new_from = attempt.messages.received();
        attempt.messages.push(bytes);
        while let Some(attempt) = self.course.attempt(dial)
            && let Some(meaning) = attempt.next(at, wall)
        {
            self.takes(at, meaning);
        }
        if let Some(attempt) = self.course.attempt(dial) {
            attempt.delivered(at, new_from);
        }
        self.course.end_if_noticed();
        bytes
    }

    pub(in crate::rules) fn has_recovered(&self) -> bool {
        self.recovered
    }

    fn alive_at(&mut self, at: Micros) {
        self.recovered |= self.quiet_at.is_some_and(|quiet_at| at >= quiet_at);
    }

    /// Takes in the answer, whose head is complete; `doubtful` if a subscriber may reject it.
    fn answered(&mut self, at: Micros, answer: &Answer, doubtful: bool) {
        match answer {
            Answer::Upgraded { .. } => {
                self.alive_at(at);
                self.course.findings.took(Edge::HANDSHAKE_DONE);
                let settings = &self.course.settings;
                if let Some(attempt) = &mut self.course.attempt {
                    attempt.phase = Phase::Open;
                    attempt.liveness = Liveness::new(settings, at);
                }
                self.course.shows(at, Step::Open);
            }
            Answer::Refused {
                status,
                retry_after: asked,
                ..
            } => {
                self.course.findings.took(Edge::HANDSHAKE_REFUSED);
                let status = *status;
                self.course.shows(at, Step::Refused { status, doubtful });
                let asked = retry_after(status, asked.as_deref(), self.course.wall(at));
                let reason = EndReason::Refused { status };
                if doubtful {
                    self.course
                        .end(at, Called::OrFailedHandshake(reason), asked);
                    self.course.backoff.asks_in_doubt();
                } else {
                    self.course.end(at, Called::Exactly(reason), asked);
                }
            }
            Answer::Failed { .. } => {
                self.course.findings.took(Edge::HANDSHAKE_FAILED);
                self.course
                    .end(at, Called::Exactly(EndReason::HandshakeFailed), None);
            }
        }
    }

    /// Takes in something that was delivered on an open connection.
    fn takes(&mut self, at: Micros, meaning: Meaning) {
        self.alive_at(at);
        let step = match meaning {
            Meaning::Message(folded) => {
                self.messages += 1;
                match &folded {
                    Folded::Event(event) => self.receivers.tell(event),
                    Folded::Undecodable => self.course.findings.held(Rule::R12),
                }
                Step::Message(folded)
            }
            Meaning::Ping | Meaning::Pong(false) => Step::SignOfLife,
            Meaning::Pong(true) => Step::Answered,
            Meaning::Closed(code) => {
                self.course.findings.took(Edge::OPEN_CLOSED);
                let called = if code.is_none_or(is_legal_close_code) {
                    self.course.ends_as(EndReason::Closed { code })
                } else {
                    Called::IllegalClose(code)
                };
                self.course.end(at, called, None);
                return;
            }
            Meaning::Broken => return,
        };
        self.course.shows(at, step);
    }

    /// Notes that the end of the stream, or its reset, was delivered.
    pub(in crate::rules) fn read_end(&mut self, at: Micros, dial: u64, reset: bool) {
        self.course.pass(at);
        let Some(attempt) = self.course.attempt(dial) else {
            return;
        };
        attempt.answers.hinder();
        let (edge, called) = match (attempt.phase, reset) {
            (Phase::Handshake, false) => (Edge::HANDSHAKE_FIN, CUT_OFF),
            (Phase::Handshake, true) => (Edge::HANDSHAKE_RESET, CUT_OFF),
            (Phase::Open | Phase::Closing, false) => {
                (Edge::OPEN_FIN, self.course.ends_as(EndReason::Fin))
            }
            (Phase::Open | Phase::Closing, true) => {
                (Edge::OPEN_RESET, self.course.ends_as(EndReason::Reset))
            }
            (Phase::Dialing | Phase::Ended, _) => return,
        };
        self.course.findings.took(edge);
        self.course.end(at, called, None);
    }
}
