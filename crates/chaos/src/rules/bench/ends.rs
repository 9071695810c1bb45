//! How attempts end: in time, broken, or as the subscriber notices it.

use engine_client::EndReason;
use wstape_tape::Micros;

use super::{Bench, CUT_OFF, SHUTDOWN_CODE, Step};
use crate::coverage::Edge;
use crate::rules::Rule;
use crate::rules::attempt::{Attempt, Phase};
use crate::rules::record::Called;

impl Bench {
    /// Time has come to `at`: what was due before has happened, or should have.
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

    /// The attempt ends.
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
}
