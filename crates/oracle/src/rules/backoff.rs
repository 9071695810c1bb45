//! R2, R3, R4: when the next dial is due.

use std::time::Duration;

use crate::settings::JitterMode;
use wstape_tape::Micros;

use super::findings::Findings;
use crate::rule::Rule;
use crate::settings::Settings;

/// The delays given by SPEC's reconnect rules 1, 2, 3 and 6.
#[derive(Debug)]
pub(super) struct Backoff {
    initial: Duration,
    max: Duration,
    multiplier: u32,
    jitter: JitterMode,
    /// How many delays there were since the last frame.
    attempt: u32,
    due: Option<Due>,
    dials: u64,
}

/// A dial that must come.
#[derive(Debug, Clone, Copy)]
struct Due {
    ended_at: Micros,
    gap: Gap,
    /// The gap if the end had treated the counter the other way.
    otherwise: Option<Gap>,
    /// Whether a refusal asked for a wait.
    asked: bool,
    /// Whether its absence has been reported.
    told: bool,
}

/// From the end to the dial, both bounds included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    least: Micros,
    most: Micros,
}

impl Gap {
    fn holds(self, gap: Micros) -> bool {
        (self.least..=self.most).contains(&gap)
    }
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.least == self.most {
            write!(f, "{} s", self.least)
        } else {
            write!(f, "{} to {} s", self.least, self.most)
        }
    }
}

impl Backoff {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            initial: settings.initial_backoff,
            max: settings.max_backoff,
            multiplier: settings.multiplier.max(1),
            jitter: settings.jitter,
            attempt: 0,
            due: None,
            dials: 0,
        }
    }

    /// The delay before jitter: multiplied step by step.
    fn cap(&self, attempt: u32) -> Duration {
        let mut cap = self.initial;
        if self.multiplier > 1 && !cap.is_zero() {
            for _ in 0..attempt {
                if cap >= self.max {
                    break;
                }
                cap = cap.saturating_mul(self.multiplier);
            }
        }
        cap.min(self.max)
    }

    fn gap(&self, attempt: u32, retry_after: Option<Duration>) -> Gap {
        let cap = Micros::from(self.cap(attempt));
        let asked = retry_after.map(|asked| Micros::from(asked.min(self.max)));
        let (least, most) = match self.jitter {
            JitterMode::None => {
                let delay = cap.max(asked.unwrap_or_default());
                (delay, delay)
            }
            JitterMode::Full => {
                let asked = asked.unwrap_or_default();
                (asked, Micros(asked.0.saturating_add(cap.0)))
            }
        };
        Gap { least, most }
    }

    /// The longest wait for a dial, from the next end on.
    pub(super) fn longest_gap(&self) -> Micros {
        let max = Micros::from(self.max);
        match self.jitter {
            JitterMode::None => max,
            // What a refusal asks for, and a draw on top of it.
            JitterMode::Full => Micros(max.0.saturating_mul(2)),
        }
    }

    /// Notes that an attempt or a connection ended; `framed` if a frame had come on it.
    pub(super) fn ended(
        &mut self,
        at: Micros,
        framed: bool,
        retry_after: Option<Duration>,
        findings: &mut Findings,
    ) {
        findings.held(Rule::R2);
        let had = self.attempt;
        if framed {
            self.attempt = 0;
        }
        let gap = self.gap(self.attempt, retry_after);
        let otherwise = if framed { had } else { 0 };
        let otherwise = Some(self.gap(otherwise, retry_after)).filter(|other| *other != gap);
        self.attempt = self.attempt.saturating_add(1);
        self.due = Some(Due {
            ended_at: at,
            gap,
            otherwise,
            asked: retry_after.is_some(),
            told: false,
        });
    }

    /// Notes that the last refusal's request to wait may or may not be read: either of the two
    /// resulting waits is right.
    pub(super) fn asks_in_doubt(&mut self) {
        let unasked = self.gap(self.attempt.saturating_sub(1), None);
        if let Some(due) = &mut self.due {
            due.gap.least = due.gap.least.min(unasked.least);
            due.gap.most = due.gap.most.max(unasked.most);
        }
    }

    /// Checks a dial.
    pub(super) fn dialed(&mut self, at: Micros, findings: &mut Findings) {
        self.dials += 1;
        let Some(due) = self.due.take() else {
            if self.dials > 1 {
                findings.broke(Rule::R2, at, || {
                    "expected one dial for each end, found a second".to_owned()
                });
            } else if at > Micros::ZERO {
                findings.broke(Rule::R3, at, || {
                    "expected the first dial at once, found it late".to_owned()
                });
            }
            return;
        };
        let gap = Micros(at.0 - due.ended_at.0);
        findings.held(Rule::R3);
        if due.otherwise.is_some() {
            findings.held(Rule::R4);
        }
        if due.gap.holds(gap) || due.told {
            return;
        }
        if let Some(otherwise) = due.otherwise.filter(|otherwise| otherwise.holds(gap)) {
            findings.broke(Rule::R4, at, || {
                format!(
                    "expected a gap of {}, found {gap} s: that of a counter ({otherwise}) which is \
                     reset without a frame on the connection, or not reset despite one",
                    due.gap
                )
            });
        } else {
            findings.broke(Rule::R3, at, || {
                format!("expected a gap of {}, found {gap} s", due.gap)
            });
        }
    }

    /// Expects no dial any more: the subscriber was shut down.
    pub(super) fn stop(&mut self) {
        self.due = None;
    }

    /// When to give up waiting for a dial: later than it was due, because a late dial tells more
    /// than a missing one.
    pub(super) fn deadline(&self) -> Option<Micros> {
        let due = self.due.filter(|due| !due.told)?;
        let most = due
            .otherwise
            .map_or(due.gap.most, |other| other.most.max(due.gap.most));
        let patience = most.0.saturating_add(self.longest_gap().0);
        Some(Micros(due.ended_at.0.saturating_add(patience)))
    }

    /// Checks whether a dial is missing.
    pub(super) fn look(&mut self, now: Micros, findings: &mut Findings) {
        if self.deadline().is_some_and(|deadline| now > deadline) {
            self.miss(now, findings);
        }
    }

    /// Checks, once the case is over, that a dial that was due has come.
    pub(super) fn finish(&mut self, now: Micros, findings: &mut Findings) {
        if let Some(due) = self.due
            && now.0 > due.ended_at.0.saturating_add(due.gap.most.0)
        {
            self.miss(now, findings);
        }
    }

    fn miss(&mut self, now: Micros, findings: &mut Findings) {
        let Some(due) = &mut self.due else { return };
        if std::mem::replace(&mut due.told, true) {
            return;
        }
        let (ended_at, gap) = (due.ended_at, due.gap);
        // The rule is R3 if a refusal asked for a wait, because that may be the reason.
        let rule = if due.asked { Rule::R3 } else { Rule::R2 };
        findings.broke(rule, now, || {
            format!("expected a dial after {gap} from the end at {ended_at}, found none")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 ms, 200 ms, … to 1 s.
    fn settings() -> Settings {
        Settings {
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(1),
            ..Settings::default()
        }
    }

    /// Ends a connection, with or without a frame on it, and dials after this many milliseconds,
    /// again and again; returns the broken rules.
    fn broken(settings: &Settings, dials: &[(bool, Option<u64>, u64)]) -> Vec<Rule> {
        let mut findings = Findings::new();
        let mut backoff = Backoff::new(settings);
        let mut now = Micros::ZERO;
        backoff.dialed(now, &mut findings);
        for (framed, asked, gap_ms) in dials {
            let asked = asked.map(Duration::from_secs);
            backoff.ended(now, *framed, asked, &mut findings);
            now = Micros(now.0 + gap_ms * 1_000);
            backoff.dialed(now, &mut findings);
        }
        let broken = findings.violations().iter();
        broken.map(|violation| violation.rule).collect()
    }

    #[test]
    fn the_ladder_climbs_to_its_top_and_starts_anew_after_a_frame() {
        let ladder = [100, 200, 400, 800, 1_000, 1_000].map(|gap| (false, None, gap));
        assert_eq!(broken(&settings(), &ladder), []);
        let reset = [(false, None, 100), (true, None, 100), (false, None, 200)];
        assert_eq!(broken(&settings(), &reset), []);
    }

    #[test]
    fn a_gap_that_another_counter_gives_is_the_counters_fault_any_other_is_the_gaps() {
        let kept = [(false, None, 100), (true, None, 200)];
        assert_eq!(broken(&settings(), &kept), [Rule::R4]);
        let reset = [(false, None, 100), (false, None, 100)];
        assert_eq!(broken(&settings(), &reset), [Rule::R4]);
        for gap in [0, 99, 101, 5_000] {
            assert_eq!(broken(&settings(), &[(false, None, gap)]), [Rule::R3]);
        }
    }

    #[test]
    fn what_a_refusal_asks_for_is_waited_within_the_longest_delay() {
        let mut long = settings();
        long.max_backoff = Duration::from_secs(5);
        assert_eq!(broken(&long, &[(false, Some(3), 3_000)]), []);
        assert_eq!(broken(&long, &[(false, Some(60), 5_000)]), []);
        assert_eq!(broken(&long, &[(false, Some(3), 100)]), [Rule::R3]);
        assert_eq!(broken(&long, &[(false, Some(60), 60_000)]), [Rule::R3]);
        long.jitter = JitterMode::Full;
        for (gap, fits) in [(2_999, false), (3_000, true), (3_100, true), (3_101, false)] {
            let broken = broken(&long, &[(false, Some(3), gap)]);
            assert_eq!(broken.is_empty(), fits, "{gap}");
        }
    }

    #[test]
    fn a_second_dial_without_an_end_and_a_dial_that_never_comes_are_told_once() {
        let mut findings = Findings::new();
        let mut backoff = Backoff::new(&settings());
        backoff.dialed(Micros::ZERO, &mut findings);
        backoff.dialed(Micros(1), &mut findings);
        assert_eq!(findings.violations().len(), 1);
        backoff.ended(Micros(10), false, None, &mut findings);
        backoff.look(Micros::from_ms(100), &mut findings);
        assert_eq!(findings.violations().len(), 1, "it may come yet");
        backoff.look(Micros::from_ms(60_000), &mut findings);
        backoff.look(Micros::from_ms(70_000), &mut findings);
        backoff.finish(Micros::from_ms(80_000), &mut findings);
        assert_eq!(findings.violations().len(), 2);
        assert!(findings.violations().iter().all(|v| v.rule == Rule::R2));
    }

    #[test]
    fn a_multiplier_of_nothing_counts_as_one_and_a_low_top_holds() {
        let mut flat = settings();
        flat.multiplier = 0;
        assert_eq!(broken(&flat, &[(false, None, 100), (false, None, 100)]), []);
        flat.multiplier = 10;
        flat.max_backoff = Duration::from_millis(50);
        assert_eq!(broken(&flat, &[(false, None, 50), (false, None, 50)]), []);
    }
}
