//! The course of attempts, one after the other: how each ends, on time, broken, or as the
//! subscriber notices it.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use wstape_tape::Micros;

use super::attempt::{Attempt, Phase};
use super::backoff::Backoff;
use super::called::Called;
use super::findings::Findings;
use super::step::Step;
use super::stop::Stop;
use crate::edge::Edge;
use crate::end_reason::EndReason;
use crate::rule::Rule;
use crate::settings::Settings;

/// What the end of a handshake may be called if nothing tells its reasons apart.
pub(super) const CUT_OFF: Called = Called::Any(&[
    EndReason::Fin,
    EndReason::Reset,
    EndReason::Io,
    EndReason::HandshakeFailed,
    EndReason::ConnectTimeout,
    EndReason::Shutdown,
]);

/// What an end may be called if the protocol was broken at the instant at which the connection was
/// due to end by itself.
const BROKEN_AND_DUE: Called = Called::Any(&[
    EndReason::Protocol,
    EndReason::Utf8,
    EndReason::TooLarge,
    EndReason::Idle,
    EndReason::WriteStalled,
    EndReason::MessageTimeout,
    EndReason::EventTimeout,
    EndReason::Shutdown,
]);

/// The code of a shutdown's Close.
const SHUTDOWN_CODE: u16 = 1000;

/// The attempt in progress, the rules for when it ends and the next begins, and what must show of
/// it.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) settings: Settings,
    wall_at_zero: DateTime<Utc>,
    pub(super) findings: Findings,
    pub(super) backoff: Backoff,
    pub(super) stop: Stop,
    pub(super) attempt: Option<Attempt>,
    /// What must show, and when it happened; oldest first.
    pub(super) pending: VecDeque<(Micros, Step)>,
}

impl Course {
    pub(super) fn new(settings: &Settings, wall_at_zero: DateTime<Utc>) -> Self {
        Self {
            wall_at_zero,
            findings: Findings::new(),
            backoff: Backoff::new(settings),
            stop: Stop::default(),
            attempt: None,
            pending: VecDeque::new(),
            settings: settings.clone(),
        }
    }

    /// Notes that `step` happened at `at` and must show from then on.
    pub(super) fn shows(&mut self, at: Micros, step: Step) {
        self.pending.push_back((at, step));
    }

    /// Undoes the opening of a connection and everything that came on it, if all of that happened
    /// at this very instant; `false` if it did not.
    pub(super) fn takes_back_open(&mut self, at: Micros) -> bool {
        let mut of_now = self.pending.iter().rev().take_while(|it| it.0 == at);
        let Some(behind) = of_now.position(|(_, step)| matches!(step, Step::Open)) else {
            return false;
        };
        self.pending.truncate(self.pending.len() - behind - 1);
        true
    }

    /// The wall time at `at`.
    pub(super) fn wall(&self, at: Micros) -> DateTime<Utc> {
        let since = i64::try_from(at.0).unwrap_or(i64::MAX);
        self.wall_at_zero
            .checked_add_signed(TimeDelta::microseconds(since))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The attempt of `dial`, while no later one exists.
    pub(super) fn attempt(&mut self, dial: u64) -> Option<&mut Attempt> {
        self.attempt.as_mut().filter(|attempt| attempt.dial == dial)
    }

    /// What an end is called that came while a shutdown may be in progress.
    pub(super) fn ends_as(&self, reason: EndReason) -> Called {
        if self.stop.called() {
            Called::OrShutdown(reason)
        } else {
            Called::Exactly(reason)
        }
    }

    /// Lets time come to `at`: what was due before has happened, or should have.
    pub(super) fn pass(&mut self, at: Micros) {
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
    pub(super) fn end_if_due(&mut self, at: Micros) {
        let Some(attempt) = &self.attempt else { return };
        let due = attempt.deadline().filter(|(deadline, _)| *deadline == at);
        // A breach in an incomplete frame need not be known when the deadline comes.
        let open = |came: Micros| came < at && due.is_some() && !attempt.must_have_noticed();
        let broken = attempt.broken.as_ref().filter(|broken| !open(broken.at));
        if broken.is_some() && attempt.phase != Phase::Ended {
            self.end_as_broken();
        } else if let Some((deadline, called)) = due {
            // Bytes that come with the deadline may or may not have been an answer.
            let undecided = attempt.phase == Phase::Handshake && attempt.head_bytes > 0;
            self.end_in_time(deadline, if undecided { CUT_OFF } else { called });
        }
    }

    pub(super) fn end_if_noticed(&mut self) {
        if let Some(attempt) = &self.attempt
            && attempt.phase != Phase::Ended
            && attempt.must_have_noticed()
        {
            self.end_as_broken();
        }
    }

    pub(super) fn end_as_broken(&mut self) {
        let Some(attempt) = &mut self.attempt else {
            return;
        };
        let Some(mut broken) = attempt.broken.clone() else {
            return;
        };
        if let Some((deadline, _)) = attempt.deadline()
            && deadline == broken.at
        {
            // Neither comes first: a subscriber that ends for lack of events owes no Close.
            self.findings.took(Edge::OPEN_PROTOCOL);
            self.end(broken.at, BROKEN_AND_DUE, None);
            return;
        }
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

    pub(super) fn end_in_time(&mut self, at: Micros, called: Called) {
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

    /// Ends the attempt.
    pub(super) fn end(&mut self, at: Micros, called: Called, asked: Option<std::time::Duration>) {
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

    /// The instants right after which something must show, or must have come.
    pub(super) fn dues(&self) -> [Option<Micros>; 6] {
        let attempt = self.attempt.as_ref();
        let deadline = attempt.and_then(Attempt::deadline);
        let open = attempt.filter(|attempt| attempt.phase == Phase::Open);
        [
            self.pending.front().map(|(at, _)| *at),
            deadline.map(|(deadline, _)| deadline),
            open.and_then(|attempt| attempt.liveness.next()),
            attempt.and_then(|attempt| attempt.answers.due()),
            self.backoff.deadline(),
            self.stop.deadline(),
        ]
    }
}
