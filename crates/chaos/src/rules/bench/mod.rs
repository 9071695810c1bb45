//! The bench: takes in all that happens, and hears every rule.
//!
//! What happens is told in its order. What must follow from it at once (in the mirror, in the
//! connection's record) is a list of steps; a look holds the subscriber against them. A strict
//! look wants all of them done. One at an instant at which the subscriber may still be at work
//! wants some first part of them done, and nothing by halves.

mod ends;
mod looks;

use std::collections::{BTreeSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use engine_client::EndReason;
use wstape_tape::Micros;

use super::attempt::{Attempt, Meaning, Phase};
use super::backoff::Backoff;
use super::mirror::Mirror;
use super::receivers::Receivers;
use super::record::{Called, Record};
use super::stop::Stop;
use super::{Findings, Rule};
use crate::case::Case;
use crate::coverage::Edge;
use crate::model::Folded;
use crate::subject::{Field, Heard};
use crate::wire::{Answer, Opcode, is_legal_close_code, retry_after};
use wstape_harness::Settings;

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
            .saturating_add(Micros::from(settings.idle_timeout).0)
            .saturating_add(Micros::from(settings.message_timeout).0);
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
        let new_from = attempt.messages.received();
        attempt.messages.push(bytes);
        while let Some(attempt) = self.attempt(dial)
            && let Some(meaning) = attempt.next(at, wall)
        {
            self.takes(at, meaning);
        }
        if let Some(attempt) = self.attempt(dial) {
            attempt.delivered(at, new_from);
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
}
