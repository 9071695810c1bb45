//! Checks what the subscriber shows against what must follow from what was delivered.

use wstape_tape::Micros;

use super::Exact;
use crate::end_reason::EndReason;
use crate::rule::Rule;
use crate::rules::attempt::{Attempt, Phase};
use crate::rules::showing::Departure;
use crate::view::View;

impl Exact {
    /// Moves the next step to those that must show.
    fn apply(&mut self) -> bool {
        let Some((at, step)) = self.course.pending.pop_front() else {
            return false;
        };
        self.showing.apply(&step, self.course.wall(at));
        true
    }

    /// Looks at the subscriber. With `strict`, everything delivered must show; otherwise some
    /// prefix of it, because the subscriber may still be at work.
    pub(in crate::rules) fn look(&mut self, at: Micros, view: View<'_>, strict: bool) {
        if self.lost {
            return;
        }
        let judges = |rule| self.course.findings.judges(rule);
        let view = View {
            mirror: view.mirror.filter(|_| judges(Rule::R9)),
            record: view
                .record
                .filter(|_| judges(Rule::R10) || judges(Rule::R12)),
        };
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
        // Before the 101 it is an HTTP reader that asks for more bytes. It does so at once on a
        // connection that is kept open after a refusal, before anybody could know of the refusal.
        let reads_frames = |attempt: &Attempt| attempt.is_upgraded();
        if strict && self.course.attempt.as_ref().is_none_or(reads_frames) {
            while self.apply() {}
        }
        if view.record.is_some() {
            self.course.findings.held(Rule::R10);
        }
        while let Err(departure) = {
            let findings = &self.course.findings;
            self.showing.compare(view, |rule| findings.judges(rule))
        } {
            if self.apply() {
                continue;
            }
            // What is due at this very instant may have happened too.
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

    /// Checks what receivers heard once everything is at rest: they have heard all they can.
    pub(in crate::rules) fn look_at_receivers(&mut self, at: Micros) {
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
                    format!("{not}connected, last end {end:?} at {end_at:?}")
                },
            );
            format!(
                "expected a connection that brings frames by now, since faults stopped in time; \
                 found {found}"
            )
        });
    }

    /// Returns the rule that a departure breaks: a difference in the record may belong to another
    /// rule.
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

    /// Whether something must show that has not been seen yet.
    #[must_use]
    pub(in crate::rules) fn is_unsettled(&self) -> bool {
        !self.course.pending.is_empty()
    }

    /// The next instant at which to look, even if nothing happens.
    #[must_use]
    pub(in crate::rules) fn next_look(&self) -> Option<Micros> {
        if self.lost {
            return None;
        }
        let after = |at: Micros| Micros(at.0.saturating_add(1));
        let dues = self.course.dues().map(|due| due.map(after));
        dues.into_iter().chain([self.recovered_by]).flatten().min()
    }

    /// What the subscriber must show once it has taken in everything delivered, as JSON text.
    pub(in crate::rules) fn expected(&mut self) -> String {
        while self.apply() {}
        self.showing.text()
    }

    /// As [`expected`](Self::expected), before the subscriber has taken it in.
    #[must_use]
    pub(in crate::rules) fn expected_by_now(&self) -> String {
        let mut showing = self.showing.clone();
        for (at, step) in &self.course.pending {
            showing.apply(step, self.course.wall(*at));
        }
        showing.text()
    }
}
