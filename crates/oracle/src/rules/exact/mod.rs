//! The exact judge: takes in all that happens, and tells every rule.
//!
//! What happens is told in its order. What must follow from it at once (in the mirror, in the
//! connection's record) is a list of steps; a look holds the subscriber against them. A strict
//! look wants all of them done. One at an instant at which the subscriber may still be at work
//! wants some first part of them done, and nothing by halves.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use wstape_tape::Micros;

use super::attempt::{Attempt, Meaning, Phase};
use super::called::Called;
use super::course::{CUT_OFF, Course};
use super::findings::Found;
use super::liveness::Liveness;
use super::receivers::Receivers;
use super::showing::{Departure, Showing};
use super::step::Step;
use crate::edge::Edge;
use crate::end_reason::EndReason;
use crate::field::Field;
use crate::heard::Heard;
use crate::model::Folded;
use crate::rule::{Rule, Violation};
use crate::settings::Settings;
use crate::view::View;
use crate::wire::{Answer, Opcode, is_legal_close_code, retry_after};

/// All rules that look at one subscriber.
#[derive(Debug)]
pub struct Exact {
    course: Course,
    showing: Showing,
    receivers: Receivers,
    /// Streams that the subscriber has not dropped.
    alive: BTreeSet<u64>,
    /// When faults are over.
    quiet_at: Option<Micros>,
    /// When recovery must be over; `None` once it was looked at.
    recovered_by: Option<Micros>,
    /// A connection was established, or brought a frame, once faults were over.
    recovered: bool,
    /// A departure was found: what follows from it is no news.
    lost: bool,
    reconnects: u64,
    messages: u64,
}

/// A head beyond this may be refused for its size or for the number of its fields.
const MANY_HEAD_BYTES: usize = 2048;

impl Exact {
    /// Of a subscriber that is set so, in a world whose wall time at zero is `wall_at_zero`. From
    /// `quiet_at` on nothing goes wrong any more, and recovery is required; `None` where it never is.
    #[must_use]
    pub fn new(settings: &Settings, wall_at_zero: DateTime<Utc>, quiet_at: Option<Micros>) -> Self {
        let course = Course::new(settings, wall_at_zero);
        let recovery = course
            .backoff
            .longest_gap()
            .0
            .saturating_add(Micros::from(settings.connect_timeout).0)
            .saturating_add(Micros::from(settings.idle_timeout).0)
            .saturating_add(Micros::from(settings.message_timeout).0);
        let recovered_by = quiet_at
            .filter(|_| !settings.idle_timeout.is_zero())
            .map(|quiet_at| Micros(quiet_at.0.saturating_add(recovery)));
        Self {
            course,
            showing: Showing::new(),
            receivers: Receivers::new(settings.events_capacity),
            alive: BTreeSet::new(),
            quiet_at,
            recovered_by,
            recovered: false,
            lost: false,
            reconnects: 0,
            messages: 0,
        }
    }

    /// The subscriber begins to dial.
    pub fn dial(&mut self, at: Micros, dial: u64) {
        self.course.pass(at);
        self.course.end_if_due(at);
        if dial > 1 {
            self.course.findings.held(Rule::R1);
            self.reconnects += 1;
            self.course.findings.took(Edge::WAIT_DIAL);
        }
        if let Some(alive) = self.alive.iter().next() {
            self.course.findings.broke(Rule::R1, at, || {
                format!("expected the stream of dial {alive} to be gone before dial {dial}")
            });
        }
        if self
            .course
            .attempt
            .as_ref()
            .is_some_and(|attempt| attempt.phase != Phase::Ended)
        {
            self.course.findings.broke(Rule::R2, at, || {
                "expected no dial while nothing has ended the attempt before it".to_owned()
            });
            self.course.end(at, CUT_OFF, None);
        }
        self.course.findings.at_dial(dial);
        self.course.stop.dialed(at, &mut self.course.findings);
        self.course.backoff.dialed(at, &mut self.course.findings);
        self.course.attempt = Some(Attempt::new(dial, at, &self.course.settings));
        self.course.shows(at, Step::Dial);
    }

    /// The subscriber dials somebody else.
    pub fn dial_elsewhere(&mut self, at: Micros, target: &str) {
        self.course.findings.broke(Rule::R14, at, || {
            format!("expected dials of the engine alone, found one of {target}")
        });
    }

    /// The dial led to a stream.
    pub fn dial_done(&mut self, at: Micros, dial: u64) {
        self.alive.insert(dial);
        self.course.findings.took(Edge::DIAL_DONE);
        self.course.pass(at);
        if let Some(attempt) = self.course.attempt(dial) {
            attempt.phase = Phase::Handshake;
        }
    }

    /// The dial was refused.
    pub fn dial_refused(&mut self, at: Micros, dial: u64) {
        if self.course.attempt(dial).is_some() {
            self.course.findings.took(Edge::DIAL_REFUSED);
            let called = Called::Any(&[EndReason::ConnectRefused, EndReason::ConnectFailed]);
            self.course.end(at, called, None);
        }
    }

    /// The dial's future is dropped before it was done.
    pub fn dial_dropped(&mut self, at: Micros, dial: u64) {
        if self.course.attempt(dial).is_none() {
            return;
        }
        self.course.end_if_due(at);
        if self.course.stop.called()
            || self
                .course
                .attempt(dial)
                .is_none_or(|a| a.phase == Phase::Ended)
        {
            return;
        }
        self.course.findings.broke(Rule::R2, at, || {
            "expected the dial to go on until the connect timeout, found it given up".to_owned()
        });
        self.course.end(at, CUT_OFF, None);
    }

    /// Bytes were delivered to the subscriber. Gives back those that are the same on every run
    /// of the case: what stands behind the handshake's answer.
    pub fn read<'b>(&mut self, at: Micros, dial: u64, bytes: &'b [u8]) -> &'b [u8] {
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
                let Some(answer) = attempt.opening.answer().cloned() else {
                    return &[];
                };
                if let Answer::Failed { whole: false, .. } = answer {
                    if !std::mem::replace(&mut attempt.may_leave, true) {
                        self.course.findings.took(Edge::HANDSHAKE_FAILED);
                    }
                    return &[];
                }
                self.answered(at, &answer);
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

    fn alive_at(&mut self, at: Micros) {
        self.recovered |= self.quiet_at.is_some_and(|quiet_at| at >= quiet_at);
    }

    fn answered(&mut self, at: Micros, answer: &Answer) {
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
                self.course.shows(at, Step::Refused(*status));
                let asked = retry_after(*status, asked.as_deref(), self.course.wall(at));
                let called = Called::Exactly(EndReason::Refused { status: *status });
                self.course.end(at, called, asked);
            }
            Answer::Failed { .. } => {
                self.course.findings.took(Edge::HANDSHAKE_FAILED);
                self.course
                    .end(at, Called::Exactly(EndReason::HandshakeFailed), None);
            }
        }
    }

    /// Something that was delivered on an open connection.
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

    /// The end of the stream was delivered, or its reset.
    pub fn read_end(&mut self, at: Micros, dial: u64, reset: bool) {
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

    /// The subscriber wrote bytes. Gives back what of them is the same on every run of the case.
    pub fn wrote(&mut self, at: Micros, dial: u64, bytes: &[u8], same: &mut Vec<u8>) {
        self.course.pass(at);
        let findings = &mut self.course.findings;
        let Some(attempt) = self.course.attempt.as_mut().filter(|a| a.dial == dial) else {
            return;
        };
        let had_request = attempt.opening.request().is_some();
        let rest = attempt.opening.push_client(bytes);
        if !had_request && let Some(request) = attempt.opening.request() {
            same.extend_from_slice(request.method.as_bytes());
            same.push(b' ');
            same.extend_from_slice(request.target.as_bytes());
            for (name, value) in &request.fields {
                same.extend_from_slice(b", ");
                same.extend_from_slice(name.as_bytes());
                if name != "sec-websocket-key" {
                    same.extend_from_slice(b": ");
                    same.extend_from_slice(value.as_bytes());
                }
            }
        }
        attempt.sent.push(rest);
        while let Some(frame) = attempt.sent.next() {
            same.extend_from_slice(match frame.opcode {
                Opcode::Ping => b"ping ",
                Opcode::Pong => b"pong ",
                Opcode::Close => b"close ",
                _ => b"data ",
            });
            same.extend_from_slice(&frame.payload);
            if !frame.masked {
                findings.broke(Rule::R7, at, || {
                    "expected frames with a mask, found one without".to_owned()
                });
            }
            match frame.opcode {
                Opcode::Ping => {
                    if attempt.phase == Phase::Open {
                        attempt.liveness.pinged(at, findings);
                    }
                    attempt.ping(frame.payload);
                }
                Opcode::Pong => attempt.answers.pong(&frame.payload, at, findings),
                Opcode::Close => {
                    let code = match frame.payload[..] {
                        [high, low, ..] => Some(u16::from_be_bytes([high, low])),
                        _ => None,
                    };
                    if attempt.silent {
                        findings.broke(Rule::R6, at, || {
                            "expected a lost connection to be dropped without a Close, found one"
                                .to_owned()
                        });
                    }
                    self.course.stop.closed(code, at, findings);
                    attempt.answers.close(code, at, findings);
                }
                other => findings.broke(Rule::R7, at, || {
                    format!("expected control frames alone, found {other:?}")
                }),
            }
        }
    }

    /// A write found no room.
    pub fn write_blocked(&mut self, at: Micros, dial: u64) {
        self.course.pass(at);
        if let Some(attempt) = self.course.attempt(dial) {
            attempt.liveness.blocked(at);
            attempt.answers.hinder();
        }
    }

    /// The write that had found no room went on.
    pub fn write_freed(&mut self, at: Micros, dial: u64) {
        self.course.pass(at);
        if let Some(attempt) = self.course.attempt(dial) {
            attempt.liveness.freed();
            attempt.answers.free();
        }
    }

    /// A write failed: the peer is gone.
    pub fn write_failed(&mut self, at: Micros, dial: u64) {
        self.course.pass(at);
        let Some(attempt) = self.course.attempt(dial) else {
            return;
        };
        attempt.answers.hinder();
        attempt.liveness.freed();
        if attempt.phase == Phase::Handshake {
            self.course.findings.took(Edge::HANDSHAKE_RESET);
            self.course.end(at, CUT_OFF, None);
        }
    }

    /// The subscriber dropped the stream.
    pub fn dropped(&mut self, at: Micros, dial: u64) {
        self.alive.remove(&dial);
        self.course.pass(at);
        self.course.end_if_due(at);
        let stopping = self.course.stop.called();
        let Some(attempt) = self.course.attempt.as_mut().filter(|a| a.dial == dial) else {
            return;
        };
        if stopping {
            attempt.answers.excuse(at);
        }
        if attempt.phase == Phase::Ended || stopping {
            // Whatever was owed is too late now.
            let later = Micros(at.0.saturating_add(1));
            attempt.answers.look(later, &mut self.course.findings);
            return;
        }
        if attempt.phase == Phase::Handshake && attempt.may_leave {
            self.course.end(at, CUT_OFF, None);
            return;
        }
        if attempt.phase == Phase::Open
            && attempt.head_bytes > MANY_HEAD_BYTES
            && matches!(self.course.pending.back(), Some((came, Step::Open)) if *came == at)
        {
            // A head may be too large for it, or have too many fields.
            self.course.pending.pop_back();
            self.course
                .end(at, Called::Exactly(EndReason::HandshakeFailed), None);
            return;
        }
        let open = attempt.phase == Phase::Open;
        self.course
            .findings
            .broke(if open { Rule::R6 } else { Rule::R2 }, at, || {
                "expected the connection to be kept, nothing having ended it; found it dropped"
                    .to_owned()
            });
        self.course.end(at, CUT_OFF, None);
        self.lost = true;
    }

    /// A receiver is there from now on.
    pub fn add_receiver(&mut self) -> usize {
        self.receivers.add()
    }

    /// A receiver was dropped.
    pub fn drop_receiver(&mut self, receiver: usize) {
        self.receivers.drop(receiver);
    }

    /// Receivers read, or stop reading.
    pub fn stall_receivers(&mut self, stalled: bool) {
        self.receivers.stall(stalled);
    }

    /// A receiver heard something.
    pub fn heard(&mut self, at: Micros, receiver: usize, heard: &Heard) {
        if !self.lost {
            self.receivers
                .heard(receiver, heard, at, &mut self.course.findings);
        }
    }

    /// A reading came over HTTP.
    pub fn backfilled(&mut self, at: Micros, field: Field, payload: &str) {
        self.course
            .pending
            .push_back((at, Step::Backfill(field, payload.to_owned())));
    }

    /// Shutdown is called for.
    pub fn shutdown(&mut self, at: Micros) {
        self.course.pass(at);
        let phase = self
            .course
            .attempt
            .as_ref()
            .map_or(Phase::Ended, |attempt| attempt.phase);
        self.course.stop.call(at, phase, &mut self.course.findings);
        self.course.backoff.stop();
        if let Some(attempt) = &mut self.course.attempt {
            if attempt.phase == Phase::Open {
                attempt.phase = Phase::Closing;
            }
            attempt.answers.excuse(at);
        }
    }

    /// The shutdown is over.
    pub fn stopped(&mut self, at: Micros, ended_well: bool) {
        self.course.pass(at);
        if !ended_well {
            self.course.findings.broke(Rule::R13, at, || {
                "expected the subscriber to end, found that it had panicked".to_owned()
            });
        }
        let hindered = self
            .course
            .attempt
            .as_ref()
            .is_some_and(|attempt| attempt.answers.is_hindered());
        self.course
            .stop
            .stopped(at, self.alive.len(), hindered, &mut self.course.findings);
        if let Some(attempt) = &self.course.attempt
            && attempt.phase != Phase::Ended
        {
            self.course
                .end(at, Called::Exactly(EndReason::Shutdown), None);
        }
        self.course.backoff.stop();
    }

    /// Makes the next step one that must show.
    fn apply(&mut self) -> bool {
        let Some((at, step)) = self.course.pending.pop_front() else {
            return false;
        };
        self.showing.apply(&step, self.course.wall(at));
        true
    }

    /// Looks at the subscriber. With `strict` all that was delivered must show; otherwise some
    /// first part of it, for the subscriber may still be at work.
    pub fn look(&mut self, at: Micros, view: View<'_>, strict: bool) {
        if self.lost {
            return;
        }
        self.course.pass(at);
        // What an earlier instant brought must show, whatever this one brings.
        while self
            .course
            .pending
            .front()
            .is_some_and(|(came, _)| *came < at)
        {
            self.apply();
        }
        if strict {
            while self.apply() {}
        }
        if view.record.is_some() {
            self.course.findings.held(Rule::R10);
        }
        while let Err(departure) = self.showing.compare(view) {
            if self.apply() {
                continue;
            }
            // What this very instant may bring.
            self.course.end_if_due(at);
            if self.course.pending.is_empty() {
                let rule = self.rule_of(&departure);
                self.course.findings.broke(rule, at, || departure.what);
                self.lost = true;
                return;
            }
        }
        if view.mirror.is_some() {
            self.course.findings.held(Rule::R9);
        }
        if self.course.pending.is_empty() && self.recovered_by.is_some_and(|by| at >= by) {
            self.recovered_by = None;
            self.look_at_recovery(at, view);
        }
    }

    /// All is at rest: what was to be heard has been heard.
    pub fn look_at_receivers(&mut self, at: Micros) {
        if !self.lost && self.course.pending.is_empty() {
            self.receivers.look(at, &mut self.course.findings);
        }
    }

    fn look_at_recovery(&mut self, at: Micros, view: View<'_>) {
        if self.course.stop.called() {
            return;
        }
        self.course.findings.held(Rule::R11);
        if self.recovered {
            return;
        }
        self.course.findings.broke(Rule::R11, at, || {
            let found = view.record.map_or_else(
                || "none".to_owned(),
                |record| {
                    let record = record.record();
                    let not = if record.ws_connected { "" } else { "not " };
                    let (end, end_at) = (record.last_end, record.last_end_at);
                    format!("{not}connected, the last end being {end:?} at {end_at:?}")
                },
            );
            format!(
                "expected a connection that brings frames by now, faults having stopped in \
                 time; found {found}"
            )
        });
    }

    /// A departure of the record may be another rule's business.
    fn rule_of(&self, departure: &Departure) -> Rule {
        let (Rule::R10, Some(attempt), Some(found)) =
            (departure.rule, &self.course.attempt, &departure.record)
        else {
            return departure.rule;
        };
        let silent = attempt.phase == Phase::Ended && attempt.silent;
        let early = matches!(
            found.last_end,
            Some(
                EndReason::Idle
                    | EndReason::WriteStalled
                    | EndReason::MessageTimeout
                    | EndReason::EventTimeout
            )
        );
        let too_large = attempt
            .broken
            .as_ref()
            .is_some_and(|broken| broken.codes.contains(&1009));
        if silent && found.ws_connected || attempt.phase == Phase::Open && early {
            Rule::R6
        } else if too_large && found.ws_connected {
            Rule::R13
        } else {
            departure.rule
        }
    }

    /// Whether something must show that was not seen yet.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        !self.course.pending.is_empty()
    }

    /// The next instant at which to look, although nothing may happen.
    #[must_use]
    pub fn next_look(&self) -> Option<Micros> {
        if self.lost {
            return None;
        }
        let after = |at: Micros| Micros(at.0.saturating_add(1));
        let dues = self.course.dues().map(|due| due.map(after));
        dues.into_iter().chain([self.recovered_by]).flatten().min()
    }

    /// A rule did not hold that only the world can see.
    pub fn broke(&mut self, rule: Rule, at: Micros, what: impl FnOnce() -> String) {
        self.course.findings.broke(rule, at, what);
    }

    /// The precondition of a rule held that only the world can see.
    pub fn held(&mut self, rule: Rule) {
        self.course.findings.held(rule);
    }

    /// What did not hold so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        self.course.findings.violations()
    }

    /// Dials but the first.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        self.reconnects
    }

    /// Messages that the subscriber was given.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// What the subscriber must show once it has taken in all that was delivered, as JSON text.
    pub fn expected(&mut self) -> String {
        while self.apply() {}
        self.showing.text()
    }

    /// As [`expected`](Self::expected), before the subscriber has taken it in.
    #[must_use]
    pub fn expected_by_now(&self) -> String {
        let mut showing = self.showing.clone();
        for (at, step) in &self.course.pending {
            showing.apply(step, self.course.wall(*at));
        }
        showing.text()
    }

    /// The case is over.
    #[must_use]
    pub fn finish(mut self, at: Micros) -> Found {
        if !self.lost {
            self.course.backoff.finish(at, &mut self.course.findings);
        }
        self.course.findings.finish()
    }
}
