//! Deadlines: the end of an attempt, and what must have happened some time after it.

use wstape_tape::Micros;

use super::attempt::{Attempt, Phase};
use super::ladder::Judged;
use super::shown::Step;
use super::{Bounded, MAX_OFF, MAX_OVERLAP, Overlap, SILENCE, Stop};
use crate::rule::Rule;

impl Bounded {
    pub(super) fn recovers(&mut self, at: Micros) {
        self.recovered |= self.quiet_at.is_some_and(|quiet_at| at >= quiet_at);
    }

    pub(in crate::rules) fn has_recovered(&self) -> bool {
        self.recovered
    }

    /// Ends the attempt.
    pub(super) fn end(&mut self, at: Micros, dial: u64) {
        self.end_asking(at, dial, false);
    }

    /// Ends the attempt; what ended it may have asked for a wait.
    pub(super) fn end_asking(&mut self, at: Micros, dial: u64, asked_to_wait: bool) {
        let Some(attempt) = self.held.get_mut(&dial) else {
            return;
        };
        let before = std::mem::replace(&mut attempt.phase, Phase::Ended);
        if before == Phase::Ended {
            if let Some(ladder) = &mut self.ladder {
                ladder.signs(at, dial);
            }
            return;
        }
        if before == Phase::Open {
            self.shown.must_show(at, dial, Step::Ending);
        }
        // If an old connection ends after another was dialled, that dial is already there.
        if self.stop != Stop::NotCalled || dial < self.newest {
            return;
        }
        self.findings.held(Rule::R2);
        self.ended_at = Some(at);
        if let Some(ladder) = &mut self.ladder {
            let first = attempt.own_close_at.unwrap_or(at);
            ladder.ended(dial, first, attempt.course, attempt.dialed_at);
            ladder.signs(at, dial);
            if asked_to_wait {
                ladder.waits_as_asked();
            }
        }
    }

    /// Notes that the subscriber let go of the attempt.
    pub(super) fn let_go(&mut self, at: Micros, dial: u64) {
        if let Some(attempt) = self.held.get(&dial) {
            let silence = at.0.saturating_sub(attempt.silent_since.0);
            if attempt.phase != Phase::Ended && silence >= SILENCE.0 {
                self.findings.held(Rule::R6);
            }
        }
        self.end(at, dial);
        if self.held.remove(&dial).is_some() {
            if let Some(ladder) = &mut self.ladder {
                ladder.dropped(at, dial);
            }
            self.shown.dropped(dial);
            // An old stream that goes away once a new one is open changes nothing.
            let is_open = |attempt: &Attempt| attempt.phase == Phase::Open;
            if !self.held.values().any(is_open) {
                self.shown.must_show(at, dial, Step::Gone);
            }
        }
    }

    /// Looks for what should have happened before `now`.
    pub(super) fn pass(&mut self, now: Micros) {
        self.had_time |= self.stop == Stop::NotCalled && now > Micros::ZERO;
        let max_answer = self.bounds.max_answer;
        for attempt in self.held.values_mut() {
            let Some(since) = attempt.owed_since() else {
                continue;
            };
            if now.0 > since.0.saturating_add(max_answer.0) {
                let to = if attempt.close_owed == Some(since) {
                    "Close"
                } else {
                    "Ping"
                };
                self.findings.broke(Rule::R7, now, || {
                    format!("expected an answer to the {to} of {since} within {max_answer} s, found none")
                });
                attempt.excuse();
            }
        }
        if let Some(ended_at) = self.ended_at
            && now.0 > ended_at.0.saturating_add(self.bounds.max_gap.0)
        {
            self.ended_at = None;
            let max_gap = self.bounds.max_gap;
            self.findings.broke(Rule::R2, now, || {
                format!(
                    "expected a dial within {max_gap} s of the end at {ended_at}, found none; a \
                     wait by another clock than tokio's does not end in virtual time: with such a \
                     clock, use --real"
                )
            });
        }
        self.look_at_overlaps(now);
        self.look_at_silence(now);
        if let Some(since) = self.stopping_since
            && now.0 > since.0.saturating_add(self.bounds.max_shutdown.0)
        {
            self.stopping_since = None;
            let most = self.bounds.max_shutdown;
            self.findings.broke(Rule::R5, now, || {
                format!("expected shutdown to end within {most} s, found it running since {since}")
            });
        }
        self.look_at_recovery(now);
    }

    /// R1: of two connections in use the older goes away at once.
    fn look_at_overlaps(&mut self, now: Micros) {
        let in_use = |other: &u64| {
            let attempt: Option<&Attempt> = self.held.get(other);
            attempt.is_some_and(|attempt| attempt.phase != Phase::Ended)
        };
        self.overlaps.retain(|overlap| in_use(&overlap.other));
        let lasts = |overlap: &Overlap| now.0 > overlap.at.0.saturating_add(MAX_OVERLAP.0);
        for Overlap { at, dial, other } in self.overlaps.extract_if(.., |overlap| lasts(overlap)) {
            self.findings.broke(Rule::R1, now, || {
                format!(
                    "expected one connection at a time, found dial {dial} at {at} while dial \
                         {other} is still open"
                )
            });
        }
    }

    /// R6, if a bound is declared: a silent connection is not kept.
    pub(super) fn look_at_silence(&mut self, now: Micros) {
        let Some(most) = self.bounds.max_silence else {
            return;
        };
        if self.stop != Stop::NotCalled {
            return;
        }
        for (dial, attempt) in &mut self.held {
            let (since, phase) = (attempt.silent_since, attempt.phase);
            let is_late = now.0 > since.0.saturating_add(most.0).saturating_add(MAX_OFF.0);
            if phase == Phase::Ended || attempt.kept_too_long || !is_late {
                continue;
            }
            attempt.kept_too_long = true;
            self.findings.held(Rule::R6);
            self.findings.broke(Rule::R6, now, || {
                let what = match phase {
                    Phase::Open => "the connection",
                    _ => "the dial or its handshake",
                };
                format!(
                    "expected {what} of dial {dial} to be dropped within {most} s of silence, \
                     found it kept, silent since {since}"
                )
            });
        }
    }

    pub(super) fn look_at_recovery(&mut self, now: Micros) {
        let Some(quiet_at) = self.quiet_at else {
            return;
        };
        if self.stop != Stop::NotCalled {
            self.quiet_at = None;
            return;
        }
        if now.0 < quiet_at.0.saturating_add(self.bounds.max_recovery.0) {
            return;
        }
        self.quiet_at = None;
        self.findings.held(Rule::R11);
        if !self.recovered {
            let held = self
                .held
                .values()
                .filter(|attempt| attempt.phase == Phase::Open)
                .count();
            self.findings.broke(Rule::R11, now, || {
                format!(
                    "expected a connection that brings something by now, since faults stopped at \
                     {quiet_at}; found {held} open connections, and nothing on them"
                )
            });
        }
    }

    /// Checks a dial against the declared backoff.
    pub(super) fn judge_gap(&mut self, at: Micros) {
        let Some(ladder) = &mut self.ladder else {
            return;
        };
        match ladder.dialed(at) {
            Judged::Nothing => {}
            Judged::Fits { reset_matters } => {
                if reset_matters {
                    self.findings.held(Rule::R4);
                }
            }
            Judged::Broke(rule, what) => self.findings.broke(rule, at, || what),
        }
    }

    pub(in crate::rules) fn next_look(&self) -> Option<Micros> {
        let after = |since: Micros, bound: Micros| {
            Micros(since.0.saturating_add(bound.0).saturating_add(1))
        };
        let answers = self
            .held
            .values()
            .filter_map(Attempt::owed_since)
            .map(|since| after(since, self.bounds.max_answer));
        let dial = self.ended_at.map(|at| after(at, self.bounds.max_gap));
        let recovery = self.quiet_at.map(|at| after(at, self.bounds.max_recovery));
        let stop = self
            .stopping_since
            .map(|at| after(at, self.bounds.max_shutdown));
        let judged = self
            .bounds
            .max_silence
            .filter(|_| self.stop == Stop::NotCalled);
        let silence = judged.and_then(|most| {
            let kept = |attempt: &&Attempt| attempt.phase != Phase::Ended && !attempt.kept_too_long;
            let since = self.held.values().filter(kept).map(|it| it.silent_since);
            let most = Micros(most.0.saturating_add(MAX_OFF.0));
            since.min().map(|since| after(since, most))
        });
        let overlaps = self.overlaps.iter();
        let overlap = overlaps.map(|it| after(it.at, MAX_OVERLAP)).min();
        let shown = self
            .shown
            .next_look()
            .filter(|_| self.stop == Stop::NotCalled);
        let looks = [dial, overlap, recovery, stop, silence, shown];
        answers.chain(looks.into_iter().flatten()).min()
    }
}
