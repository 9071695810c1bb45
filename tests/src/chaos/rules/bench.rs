//! The bench: takes in all that happens, and hears every rule.
//!
//! What happens is told in its order. What must follow from it at once (in the mirror, in the
//! connection's record) is a list of steps; a look holds the subscriber against them. A strict
//! look wants all of them done. One at an instant at which the subscriber may still be at work
//! wants some first part of them done, and nothing by halves.

use std::collections::{BTreeSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use engine_client::{ConnectionHealth, EndReason};
use fixtures::Micros;

use super::attempt::{Attempt, Meaning, Phase};
use super::backoff::Backoff;
use super::mirror::Mirror;
use super::receivers::Receivers;
use super::record::{Called, Record};
use super::stop::Stop;
use super::{Findings, Rule, Violation};
use crate::chaos::case::Case;
use crate::chaos::coverage::{Coverage, Edge};
use crate::chaos::model::Folded;
use crate::chaos::subject::{Field, Heard, View};
use crate::chaos::wire::{Answer, Opcode, is_legal_close_code, retry_after};
use crate::settings::Settings;

/// What must show in mirror and record, in order.
#[derive(Debug)]
enum Step {
    Dial,
    Open,
    Refused(u16),
    Message(Folded),
    SignOfLife,
    Answered,
    End(Called),
    Backfill(Field, String),
}

/// All rules that look at one subscriber.
#[derive(Debug)]
pub(crate) struct Bench {
    settings: Settings,
    wall_at_zero: DateTime<Utc>,
    pub(crate) findings: Findings,
    backoff: Backoff,
    record: Record,
    mirror: Mirror,
    receivers: Receivers,
    stop: Stop,
    attempt: Option<Attempt>,
    /// Streams that the subscriber has not dropped.
    alive: BTreeSet<u64>,
    pending: VecDeque<(Micros, Step)>,
    /// When faults are over.
    quiet_at: Option<Micros>,
    /// When recovery must be over; `None` once it was looked at.
    recovered_by: Option<Micros>,
    /// A connection was established, or brought a frame, once faults were over.
    recovered: bool,
    /// A departure was found: what follows from it is no news.
    lost: bool,
    pub(crate) reconnects: u64,
    pub(crate) messages: u64,
}

/// A head beyond this may be refused for its size or for the number of its fields.
const MANY_HEAD_BYTES: usize = 2048;
/// What the end of a handshake may be called where nothing tells its reasons apart.
const CUT_OFF: Called = Called::Any(&[
    EndReason::Fin,
    EndReason::Reset,
    EndReason::Io,
    EndReason::HandshakeFailed,
    EndReason::ConnectTimeout,
    EndReason::Shutdown,
]);

/// The code of a shutdown's Close.
const SHUTDOWN_CODE: u16 = 1000;

impl Bench {
    pub(crate) fn new(case: &Case) -> Self {
        let settings = case.settings.clone();
        let backoff = Backoff::new(&settings);
        let recovery = backoff
            .longest_gap()
            .0
            .saturating_add(Micros::from(settings.connect_timeout).0)
            .saturating_add(Micros::from(settings.idle_timeout).0);
        let recovered_by = case
            .about
            .quiet_at_us
            .filter(|_| !settings.idle_timeout.is_zero())
            .map(|quiet_at| Micros(quiet_at.saturating_add(recovery)));
        Self {
            wall_at_zero: case.base.header.wall_at_zero(),
            findings: Findings::new(),
            backoff,
            record: Record::default(),
            mirror: Mirror::new(),
            receivers: Receivers::new(settings.events_capacity),
            stop: Stop::default(),
            attempt: None,
            alive: BTreeSet::new(),
            pending: VecDeque::new(),
            quiet_at: case.about.quiet_at_us.map(Micros),
            recovered_by,
            recovered: false,
            lost: false,
            reconnects: 0,
            messages: 0,
            settings,
        }
    }

    fn wall(&self, at: Micros) -> DateTime<Utc> {
        let since = i64::try_from(at.0).unwrap_or(i64::MAX);
        self.wall_at_zero
            .checked_add_signed(TimeDelta::microseconds(since))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The attempt that `dial` belongs to, while no later one exists.
    fn attempt(&mut self, dial: u64) -> Option<&mut Attempt> {
        self.attempt.as_mut().filter(|attempt| attempt.dial == dial)
    }

    /// The subscriber begins to dial.
    pub(crate) fn dial(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        self.end_if_due(at);
        if dial > 1 {
            self.findings.held(Rule::R1);
            self.reconnects += 1;
            self.findings.took(Edge::WAIT_DIAL);
        }
        if let Some(alive) = self.alive.iter().next() {
            self.findings.broke(Rule::R1, at, || {
                format!("expected the stream of dial {alive} to be gone before dial {dial}")
            });
        }
        if self
            .attempt
            .as_ref()
            .is_some_and(|attempt| attempt.phase != Phase::Ended)
        {
            self.findings.broke(Rule::R2, at, || {
                "expected no dial while nothing has ended the attempt before it".to_owned()
            });
            self.end(at, CUT_OFF, None);
        }
        self.findings.dial = dial;
        self.stop.dialed(at, &mut self.findings);
        self.backoff.dialed(at, &mut self.findings);
        self.attempt = Some(Attempt::new(dial, at, &self.settings));
        self.pending.push_back((at, Step::Dial));
    }

    /// The subscriber dials somebody else.
    pub(crate) fn dial_elsewhere(&mut self, at: Micros, target: &str) {
        self.findings.broke(Rule::R14, at, || {
            format!("expected dials of the engine alone, found one of {target}")
        });
    }

    pub(crate) fn dial_done(&mut self, at: Micros, dial: u64) {
        self.alive.insert(dial);
        self.findings.took(Edge::DIAL_DONE);
        self.pass(at);
        if let Some(attempt) = self.attempt(dial) {
            attempt.phase = Phase::Handshake;
        }
    }

    pub(crate) fn dial_refused(&mut self, at: Micros, dial: u64) {
        if self.attempt(dial).is_some() {
            self.findings.took(Edge::DIAL_REFUSED);
            let called = Called::Any(&[EndReason::ConnectRefused, EndReason::ConnectFailed]);
            self.end(at, called, None);
        }
    }

    /// The dial's future is dropped before it was done.
    pub(crate) fn dial_dropped(&mut self, at: Micros, dial: u64) {
        if self.attempt(dial).is_none() {
            return;
        }
        self.end_if_due(at);
        if self.stop.called() || self.attempt(dial).is_none_or(|a| a.phase == Phase::Ended) {
            return;
        }
        self.findings.broke(Rule::R2, at, || {
            "expected the dial to go on until the connect timeout, found it given up".to_owned()
        });
        self.end(at, CUT_OFF, None);
    }

    /// Bytes were delivered to the subscriber. Gives back those that are the same on every run
    /// of the case: what stands behind the handshake's answer.
    pub(crate) fn read<'b>(&mut self, at: Micros, dial: u64, bytes: &'b [u8]) -> &'b [u8] {
        self.pass(at);
        let wall = self.wall(at);
        let Some(attempt) = self.attempt(dial) else {
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
                        self.findings.took(Edge::HANDSHAKE_FAILED);
                    }
                    return &[];
                }
                self.answered(at, &answer);
                rest
            }
            Phase::Dialing => return &[],
            Phase::Open | Phase::Closing | Phase::Ended => bytes,
        };
        let Some(attempt) = self.attempt(dial) else {
            return bytes;
        };
        if matches!(attempt.phase, Phase::Ended) {
            return bytes;
        }
        attempt.messages.push(bytes);
        while let Some(attempt) = self.attempt(dial)
            && let Some(meaning) = attempt.next(at, wall)
        {
            self.takes(at, meaning);
        }
        self.end_if_noticed();
        bytes
    }

    fn alive_at(&mut self, at: Micros) {
        self.recovered |= self.quiet_at.is_some_and(|quiet_at| at >= quiet_at);
    }

    fn answered(&mut self, at: Micros, answer: &Answer) {
        match answer {
            Answer::Upgraded { .. } => {
                self.alive_at(at);
                self.findings.took(Edge::HANDSHAKE_DONE);
                let settings = &self.settings;
                if let Some(attempt) = &mut self.attempt {
                    attempt.phase = Phase::Open;
                    attempt.liveness = super::liveness::Liveness::new(settings, at);
                }
                self.pending.push_back((at, Step::Open));
            }
            Answer::Refused {
                status,
                retry_after: asked,
                ..
            } => {
                self.findings.took(Edge::HANDSHAKE_REFUSED);
                self.pending.push_back((at, Step::Refused(*status)));
                let asked = retry_after(*status, asked.as_deref(), self.wall(at));
                let called = Called::Exactly(EndReason::Refused { status: *status });
                self.end(at, called, asked);
            }
            Answer::Failed { .. } => {
                self.findings.took(Edge::HANDSHAKE_FAILED);
                self.end(at, Called::Exactly(EndReason::HandshakeFailed), None);
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
                    Folded::Undecodable => self.findings.held(Rule::R12),
                }
                Step::Message(folded)
            }
            Meaning::Ping | Meaning::Pong(false) => Step::SignOfLife,
            Meaning::Pong(true) => Step::Answered,
            Meaning::Closed(code) => {
                self.findings.took(Edge::OPEN_CLOSED);
                let called = if code.is_none_or(is_legal_close_code) {
                    self.ends_as(EndReason::Closed { code })
                } else {
                    Called::IllegalClose(code)
                };
                self.end(at, called, None);
                return;
            }
            Meaning::Broken => return,
        };
        self.pending.push_back((at, step));
    }

    /// How an end is called that came while a shutdown may be under way.
    fn ends_as(&self, reason: EndReason) -> Called {
        if self.stop.called() {
            Called::OrShutdown(reason)
        } else {
            Called::Exactly(reason)
        }
    }

    /// The end of the stream was delivered, or its reset.
    pub(crate) fn read_end(&mut self, at: Micros, dial: u64, reset: bool) {
        self.pass(at);
        let Some(attempt) = self.attempt(dial) else {
            return;
        };
        attempt.answers.hinder();
        let (edge, called) = match (attempt.phase, reset) {
            (Phase::Handshake, false) => (Edge::HANDSHAKE_FIN, CUT_OFF),
            (Phase::Handshake, true) => (Edge::HANDSHAKE_RESET, CUT_OFF),
            (Phase::Open | Phase::Closing, false) => (Edge::OPEN_FIN, self.ends_as(EndReason::Fin)),
            (Phase::Open | Phase::Closing, true) => {
                (Edge::OPEN_RESET, self.ends_as(EndReason::Reset))
            }
            (Phase::Dialing | Phase::Ended, _) => return,
        };
        self.findings.took(edge);
        self.end(at, called, None);
    }

    /// The subscriber wrote bytes. Gives back what of them is the same on every run of the case.
    pub(crate) fn wrote(&mut self, at: Micros, dial: u64, bytes: &[u8], same: &mut Vec<u8>) {
        self.pass(at);
        let findings = &mut self.findings;
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.dial == dial) else {
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
                    self.stop.closed(code, at, findings);
                    attempt.answers.close(code, at, findings);
                }
                other => findings.broke(Rule::R7, at, || {
                    format!("expected control frames alone, found {other:?}")
                }),
            }
        }
    }

    pub(crate) fn write_blocked(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        if let Some(attempt) = self.attempt(dial) {
            attempt.liveness.blocked(at);
            attempt.answers.hinder();
        }
    }

    pub(crate) fn write_freed(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        if let Some(attempt) = self.attempt(dial) {
            attempt.liveness.freed();
            attempt.answers.free();
        }
    }

    pub(crate) fn write_failed(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        let Some(attempt) = self.attempt(dial) else {
            return;
        };
        attempt.answers.hinder();
        attempt.liveness.freed();
        if attempt.phase == Phase::Handshake {
            self.findings.took(Edge::HANDSHAKE_RESET);
            self.end(at, CUT_OFF, None);
        }
    }

    /// The subscriber dropped the stream.
    pub(crate) fn dropped(&mut self, at: Micros, dial: u64) {
        self.alive.remove(&dial);
        self.pass(at);
        self.end_if_due(at);
        let stopping = self.stop.called();
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.dial == dial) else {
            return;
        };
        if stopping {
            attempt.answers.excuse(at);
        }
        if attempt.phase == Phase::Ended || stopping {
            // Whatever was owed is too late now.
            let later = Micros(at.0.saturating_add(1));
            attempt.answers.look(later, &mut self.findings);
            return;
        }
        if attempt.phase == Phase::Handshake && attempt.may_leave {
            self.end(at, CUT_OFF, None);
            return;
        }
        if attempt.phase == Phase::Open
            && attempt.head_bytes > MANY_HEAD_BYTES
            && matches!(self.pending.back(), Some((came, Step::Open)) if *came == at)
        {
            // A head may be too large for it, or have too many fields.
            self.pending.pop_back();
            self.end(at, Called::Exactly(EndReason::HandshakeFailed), None);
            return;
        }
        let open = attempt.phase == Phase::Open;
        self.findings
            .broke(if open { Rule::R6 } else { Rule::R2 }, at, || {
                "expected the connection to be kept, nothing having ended it; found it dropped"
                    .to_owned()
            });
        self.end(at, CUT_OFF, None);
        self.lost = true;
    }

    /// A receiver is there from now on.
    pub(crate) fn add_receiver(&mut self) -> usize {
        self.receivers.add()
    }

    pub(crate) fn drop_receiver(&mut self, receiver: usize) {
        self.receivers.drop(receiver);
    }

    pub(crate) fn stall_receivers(&mut self, stalled: bool) {
        self.receivers.stall(stalled);
    }

    pub(crate) fn heard(&mut self, at: Micros, receiver: usize, heard: &Heard) {
        if !self.lost {
            self.receivers
                .heard(receiver, heard, at, &mut self.findings);
        }
    }

    /// A reading came over HTTP.
    pub(crate) fn backfilled(&mut self, at: Micros, field: Field, payload: &str) {
        self.pending
            .push_back((at, Step::Backfill(field, payload.to_owned())));
    }

    /// Shutdown is called for.
    pub(crate) fn shutdown(&mut self, at: Micros) {
        self.pass(at);
        let phase = self
            .attempt
            .as_ref()
            .map_or(Phase::Ended, |attempt| attempt.phase);
        self.stop.call(at, phase, &mut self.findings);
        self.backoff.stop();
        if let Some(attempt) = &mut self.attempt {
            if attempt.phase == Phase::Open {
                attempt.phase = Phase::Closing;
            }
            attempt.answers.excuse(at);
        }
    }

    /// The shutdown is over.
    pub(crate) fn stopped(&mut self, at: Micros, ended_well: bool) {
        self.pass(at);
        if !ended_well {
            self.findings.broke(Rule::R13, at, || {
                "expected the subscriber to end, found that it had panicked".to_owned()
            });
        }
        let hindered = self
            .attempt
            .as_ref()
            .is_some_and(|attempt| attempt.answers.is_hindered());
        self.stop
            .stopped(at, self.alive.len(), hindered, &mut self.findings);
        if let Some(attempt) = &self.attempt
            && attempt.phase != Phase::Ended
        {
            self.end(at, Called::Exactly(EndReason::Shutdown), None);
        }
        self.backoff.stop();
    }

    /// Time has come to `at`: what was due before has happened, or should have.
    fn pass(&mut self, at: Micros) {
        while let Some((deadline, called)) = self.attempt.as_ref().and_then(Attempt::deadline)
            && deadline < at
        {
            self.end_in_time(deadline, called);
        }
        if let Some(attempt) = &mut self.attempt {
            if attempt.phase == Phase::Open {
                attempt.liveness.look(at, &mut self.findings);
            }
            attempt.answers.look(at, &mut self.findings);
        }
        self.backoff.look(at, &mut self.findings);
        self.stop.look(at, &mut self.findings);
    }

    /// Ends the attempt that is due to end at this very instant, or has reason to.
    fn end_if_due(&mut self, at: Micros) {
        let Some(attempt) = &self.attempt else { return };
        if attempt.broken.is_some() && attempt.phase != Phase::Ended {
            self.end_as_broken();
        } else if let Some((deadline, called)) = attempt.deadline()
            && deadline == at
        {
            // Bytes that come with the deadline may have been an answer, or no answer.
            let undecided = attempt.phase == Phase::Handshake && attempt.head_bytes > 0;
            self.end_in_time(deadline, if undecided { CUT_OFF } else { called });
        }
    }

    fn end_if_noticed(&mut self) {
        if let Some(attempt) = &self.attempt
            && attempt.phase != Phase::Ended
            && attempt.must_have_noticed()
        {
            self.end_as_broken();
        }
    }

    fn end_as_broken(&mut self) {
        let Some(attempt) = &mut self.attempt else {
            return;
        };
        let Some(mut broken) = attempt.broken.clone() else {
            return;
        };
        if self.stop.called() {
            // The shutdown's own Close may have come first.
            broken.codes.push(SHUTDOWN_CODE);
        }
        attempt.answers.owe(broken.codes, broken.at);
        let called = match (&broken.called, self.stop.called()) {
            (Called::Exactly(reason), true) => Called::OrShutdown(*reason),
            _ => broken.called,
        };
        self.findings.took(match called {
            Called::Exactly(EndReason::Utf8) => Edge::OPEN_UTF8,
            Called::Exactly(EndReason::TooLarge) => Edge::OPEN_TOO_LARGE,
            _ => Edge::OPEN_PROTOCOL,
        });
        self.end(broken.at, called, None);
    }

    fn end_in_time(&mut self, at: Micros, called: Called) {
        let called = match called {
            Called::Exactly(reason) => self.ends_as(reason),
            other => other,
        };
        let phase = self.attempt.as_ref().map(|attempt| attempt.phase);
        let edge = match phase {
            Some(Phase::Dialing) => Edge::DIAL_TIMEOUT,
            Some(Phase::Handshake) => Edge::HANDSHAKE_TIMEOUT,
            _ => Edge::OPEN_IDLE,
        };
        self.findings.took(edge);
        if phase == Some(Phase::Open) {
            self.findings.held(Rule::R6);
            if let Some(attempt) = &mut self.attempt {
                attempt.silent = true;
            }
        }
        self.end(at, called, None);
    }

    /// The attempt ends.
    fn end(&mut self, at: Micros, called: Called, asked: Option<std::time::Duration>) {
        let Some(attempt) = &mut self.attempt else {
            return;
        };
        if attempt.phase == Phase::Closing {
            self.stop.answered(at, called.is_close());
        }
        attempt.phase = Phase::Ended;
        attempt.answers.excuse_pings_of(at);
        let framed = attempt.framed;
        self.pending.push_back((at, Step::End(called)));
        if !self.stop.called() {
            self.backoff.ended(at, framed, asked, &mut self.findings);
        }
    }

    /// Makes the next step one that must show.
    fn apply(&mut self) -> bool {
        let Some((at, step)) = self.pending.pop_front() else {
            return false;
        };
        let wall = self.wall(at);
        match step {
            Step::Dial => self.record.dial(wall),
            Step::Open => self.record.open(wall),
            Step::Refused(status) => self.record.refused(status),
            Step::Message(folded) => {
                self.mirror.fold(&folded);
                self.record.frame(wall);
                self.record
                    .counted(self.mirror.undecodable(), self.mirror.failed_payloads());
            }
            Step::SignOfLife => {
                self.mirror.sign_of_life(wall);
                self.record.frame(wall);
            }
            Step::Answered => self.record.answered(wall),
            Step::End(called) => self.record.ended(called, wall),
            Step::Backfill(field, payload) => self.mirror.backfill(field, &payload, wall),
        }
        true
    }

    /// Looks at the subscriber. With `strict` all that was delivered must show; otherwise some
    /// first part of it, for the subscriber may still be at work.
    pub(crate) fn look(&mut self, at: Micros, view: &dyn View, strict: bool) {
        if self.lost {
            return;
        }
        self.pass(at);
        // What an earlier instant brought must show, whatever this one brings.
        while self.pending.front().is_some_and(|(came, _)| *came < at) {
            self.apply();
        }
        if strict {
            while self.apply() {}
        }
        self.findings.held(Rule::R10);
        loop {
            let found = view.health();
            let mut departure = self.record.compare(&found);
            if departure.is_ok() {
                departure = self
                    .mirror
                    .compare(view)
                    .map_err(|departure| (Rule::R9, departure.to_string()));
            }
            let Err((rule, what)) = departure else {
                self.findings.held(Rule::R9);
                break;
            };
            if self.apply() {
                continue;
            }
            // What this very instant may bring.
            self.end_if_due(at);
            if self.pending.is_empty() {
                let rule = self.rule_of(rule, &found);
                self.findings.broke(rule, at, || what);
                self.lost = true;
                return;
            }
        }
        if self.pending.is_empty() && self.recovered_by.is_some_and(|by| at >= by) {
            self.recovered_by = None;
            self.look_at_recovery(at, view);
        }
    }

    /// All is at rest: what was to be heard has been heard.
    pub(crate) fn look_at_receivers(&mut self, at: Micros) {
        if !self.lost && self.pending.is_empty() {
            self.receivers.look(at, &mut self.findings);
        }
    }

    fn look_at_recovery(&mut self, at: Micros, view: &dyn View) {
        if self.stop.called() {
            return;
        }
        self.findings.held(Rule::R11);
        let health = view.health();
        if !self.recovered {
            self.findings.broke(Rule::R11, at, || {
                format!(
                    "expected a connection that brings frames by now, faults having stopped in \
                     time; found {}connected, the last end being {:?} at {:?}",
                    if health.ws_connected { "" } else { "not " },
                    health.last_end,
                    health.last_end_at
                )
            });
        }
    }

    /// A departure of the record may be another rule's business.
    fn rule_of(&self, rule: Rule, found: &ConnectionHealth) -> Rule {
        if rule != Rule::R10 {
            return rule;
        }
        let Some(attempt) = &self.attempt else {
            return rule;
        };
        let silent = attempt.phase == Phase::Ended && attempt.silent;
        let early = matches!(
            found.last_end,
            Some(EndReason::Idle | EndReason::WriteStalled)
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
            rule
        }
    }

    /// Whether something must show that was not seen yet.
    pub(crate) fn unsettled(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The next instant at which to look, although nothing may happen.
    pub(crate) fn next_look(&self) -> Option<Micros> {
        if self.lost {
            return None;
        }
        let after = |at: Micros| Micros(at.0.saturating_add(1));
        let pending = self.pending.front().map(|(at, _)| after(*at));
        let attempt = self.attempt.as_ref();
        let deadline = attempt
            .and_then(Attempt::deadline)
            .map(|(deadline, _)| after(deadline));
        let ping = attempt
            .filter(|attempt| attempt.phase == Phase::Open)
            .and_then(|attempt| attempt.liveness.next())
            .map(after);
        let answer = attempt.and_then(|attempt| attempt.answers.due()).map(after);
        let dial = self.backoff.deadline().map(after);
        let stop = self.stop.deadline().map(after);
        [
            pending,
            deadline,
            ping,
            answer,
            dial,
            stop,
            self.recovered_by,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What the mirror must show, as JSON text, and the connection's record.
    pub(crate) fn expected(&mut self) -> String {
        while self.apply() {}
        let connection =
            serde_json::to_string(&self.record.health()).expect("a record serialises into memory");
        let mut text = self.mirror.text();
        text.pop();
        format!("{text},\"connection\":{connection}}}")
    }

    /// The case is over.
    pub(crate) fn finish(mut self, at: Micros) -> (Vec<Violation>, Coverage) {
        if !self.lost {
            self.backoff.finish(at, &mut self.findings);
        }
        self.findings.finish()
    }
}
