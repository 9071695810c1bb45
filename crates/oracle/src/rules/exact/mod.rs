//! The exact judge: takes in everything that happens, and passes it to every rule.
//!
//! Events are reported in order. What must follow from each at once (in the mirror, in the
//! connection's record) is a list of steps; a look compares the subscriber with them. A strict look
//! requires all of them to be done. A look while the subscriber may still be at work requires a
//! prefix of them, and nothing half done.

mod delivered;
mod looks;
mod written;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use wstape_tape::Micros;

use super::attempt::{Attempt, Phase};
use super::called::Called;
use super::course::{CUT_OFF, Course};
use super::findings::Found;
use super::receivers::Receivers;
use super::showing::Showing;
use super::step::Step;
use crate::edge::Edge;
use crate::end_reason::EndReason;
use crate::field::Field;
use crate::heard::Heard;
use crate::rule::{Rule, RuleSet, Violation};
use crate::settings::Settings;

/// All rules for one subscriber.
#[derive(Debug)]
pub(super) struct Exact {
    course: Course,
    showing: Showing,
    receivers: Receivers,
    /// Streams that the subscriber has not dropped.
    alive: BTreeSet<u64>,
    /// When faults are over.
    quiet_at: Option<Micros>,
    /// When recovery must be over; `None` once it was checked.
    recovered_by: Option<Micros>,
    /// Whether a connection was established, or brought a frame, after the faults.
    recovered: bool,
    /// Whether a difference was found: its consequences are not reported.
    lost: bool,
    reconnects: u64,
    messages: u64,
}

/// A larger head may be refused for its size or its number of fields.
const MANY_HEAD_BYTES: usize = 2048;

impl Exact {
    /// Creates a judge for a subscriber with these settings, in a world whose wall time at zero is
    /// `wall_at_zero`. From `quiet_at` on nothing goes wrong, and recovery is required; `None` if
    /// it never is.
    #[must_use]
    pub(in crate::rules) fn new(
        settings: &Settings,
        wall_at_zero: DateTime<Utc>,
        quiet_at: Option<Micros>,
    ) -> Self {
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

    /// Judges only these rules.
    #[must_use]
    pub(in crate::rules) fn judging(mut self, rules: &RuleSet) -> Self {
        self.course.findings = self.course.findings.judging(rules);
        self
    }

    /// Records the results of the subject's own rules.
    pub(super) fn held_in_all(&mut self, rule: Rule, times: u64) {
        self.course.findings.held_in_all(rule, times);
    }

    /// Notes that the subscriber's future ended although nobody asked it to; `Err` if it panicked.
    pub(super) fn gave_up(&mut self, at: Micros, how: Result<(), String>) {
        match how {
            Err(panic) => self.course.findings.broke(Rule::R13, at, || {
                format!("expected no panic, found one: {panic}")
            }),
            Ok(()) => self.course.findings.broke(Rule::R2, at, || {
                "expected it to follow the feed until it is shut down, found that it ended by itself"
                    .to_owned()
            }),
        }
        self.course.backoff.stop();
        self.lost = true;
    }

    /// Notes that the subscriber begins to dial.
    pub(in crate::rules) fn dial(&mut self, at: Micros, dial: u64) {
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
                "expected no dial while the attempt before it goes on".to_owned()
            });
            self.course.end(at, CUT_OFF, None);
        }
        self.course.findings.at_dial(dial);
        self.course.stop.dialed(at, &mut self.course.findings);
        self.course.backoff.dialed(at, &mut self.course.findings);
        self.course.attempt = Some(Attempt::new(dial, at, &self.course.settings));
        self.course.shows(at, Step::Dial);
    }

    /// Notes that the subscriber dials another address.
    pub(in crate::rules) fn dial_elsewhere(&mut self, at: Micros, target: &str) {
        self.course.findings.broke(Rule::R14, at, || {
            format!("expected dials to the engine only, found one to {target}")
        });
    }

    /// Notes that the dial led to a stream.
    pub(in crate::rules) fn dial_done(&mut self, at: Micros, dial: u64) {
        self.alive.insert(dial);
        self.course.findings.took(Edge::DIAL_DONE);
        self.course.pass(at);
        if let Some(attempt) = self.course.attempt(dial) {
            attempt.phase = Phase::Handshake;
        }
    }

    /// Notes that the dial was refused.
    pub(in crate::rules) fn dial_refused(&mut self, at: Micros, dial: u64) {
        if self.course.attempt(dial).is_some() {
            self.course.findings.took(Edge::DIAL_REFUSED);
            let called = Called::Any(&[EndReason::ConnectRefused, EndReason::ConnectFailed]);
            self.course.end(at, called, None);
        }
    }

    /// Notes that the dial's future was dropped before it finished.
    pub(in crate::rules) fn dial_dropped(&mut self, at: Micros, dial: u64) {
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
            "expected the dial to go on until the connect timeout, found it dropped".to_owned()
        });
        self.course.end(at, CUT_OFF, None);
    }

    /// Notes that the subscriber dropped the stream.
    pub(in crate::rules) fn dropped(&mut self, at: Micros, dial: u64) {
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
        let open = attempt.phase == Phase::Open;
        let may_refuse = attempt.head_bytes > MANY_HEAD_BYTES || attempt.opening.is_doubtful();
        if open && may_refuse && self.course.takes_back_open(at) {
            // The head may be too large for the subscriber, have too many fields, or hold an
            // illegal byte.
            self.course
                .end(at, Called::Exactly(EndReason::HandshakeFailed), None);
            return;
        }
        self.course
            .findings
            .broke(if open { Rule::R6 } else { Rule::R2 }, at, || {
                "expected the connection to be kept, since nothing ended it; found it dropped"
                    .to_owned()
            });
        self.course.end(at, CUT_OFF, None);
        self.lost = true;
    }

    /// Adds a receiver of what comes from now on; returns its number.
    pub(in crate::rules) fn add_receiver(&mut self) -> usize {
        self.receivers.add()
    }

    /// Notes that a receiver was dropped.
    pub(in crate::rules) fn drop_receiver(&mut self, receiver: usize) {
        self.receivers.drop(receiver);
    }

    /// Notes that receivers stop reading, or read again.
    pub(in crate::rules) fn stall_receivers(&mut self, stalled: bool) {
        self.receivers.stall(stalled);
    }

    /// Notes that a receiver heard something.
    pub(in crate::rules) fn heard(&mut self, at: Micros, receiver: usize, heard: &Heard) {
        if !self.lost {
            self.receivers
                .heard(receiver, heard, at, &mut self.course.findings);
        }
    }

    /// Notes that a reading came over HTTP.
    pub(in crate::rules) fn backfilled(&mut self, at: Micros, field: Field, payload: &str) {
        self.course
            .pending
            .push_back((at, Step::Backfill(field, payload.to_owned())));
    }

    /// Notes that shutdown is called for.
    pub(in crate::rules) fn shutdown(&mut self, at: Micros) {
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

    /// Notes that the shutdown is over.
    pub(in crate::rules) fn stopped(&mut self, at: Micros, ended_well: bool) {
        self.course.pass(at);
        if !ended_well {
            self.course.findings.broke(Rule::R13, at, || {
                "expected the subscriber to end, found that it panicked".to_owned()
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

    /// Notes that a rule that only the world can check was broken.
    pub(in crate::rules) fn broke(
        &mut self,
        rule: Rule,
        at: Micros,
        what: impl FnOnce() -> String,
    ) {
        self.course.findings.broke(rule, at, what);
    }

    /// Notes that the precondition of a rule that only the world can check held.
    pub(in crate::rules) fn held(&mut self, rule: Rule) {
        self.course.findings.held(rule);
    }

    /// The violations so far.
    #[must_use]
    pub(in crate::rules) fn violations(&self) -> &[Violation] {
        self.course.findings.violations()
    }

    /// Dials after the first.
    #[must_use]
    pub(in crate::rules) fn reconnects(&self) -> u64 {
        self.reconnects
    }

    /// Messages given to the subscriber.
    #[must_use]
    pub(in crate::rules) fn messages(&self) -> u64 {
        self.messages
    }

    /// Ends the case; returns what was found.
    #[must_use]
    pub(in crate::rules) fn finish(mut self, at: Micros) -> Found {
        if !self.lost {
            self.course.backoff.finish(at, &mut self.course.findings);
        }
        self.course.findings.finish()
    }
}
