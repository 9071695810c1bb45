//! Looks: the subscriber held against what must show.

use engine_client::{ConnectionHealth, EndReason};
use wstape_tape::Micros;

use super::{Bench, Step};
use crate::coverage::Coverage;
use crate::model::Folded;
use crate::rules::attempt::{Attempt, Phase};
use crate::rules::{Rule, Violation};
use crate::subject::View;

impl Bench {
    /// Makes the next step one that must show.
    pub(super) fn apply(&mut self) -> bool {
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
                if matches!(folded, Folded::Event(_)) {
                    self.record.event(wall);
                }
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

    pub(super) fn look_at_recovery(&mut self, at: Micros, view: &dyn View) {
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
    pub(super) fn rule_of(&self, rule: Rule, found: &ConnectionHealth) -> Rule {
        if rule != Rule::R10 {
            return rule;
        }
        let Some(attempt) = &self.attempt else {
            return rule;
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
