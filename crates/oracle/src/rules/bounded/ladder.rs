//! R3, R4 for a declared backoff: growth, cap, jitter, reset.
//!
//! From outside, one can't always tell which step of the ladder a subscriber is on: whether half a
//! frame resets its delays is up to the subscriber. So this keeps every step that it may be on, and
//! each gap rules out those it doesn't fit.

use std::collections::BTreeSet;

use wstape_tape::Micros;

use super::attempt::{Course, Heard};
use crate::backoff::{Backoff, Reset};
use crate::rule::Rule;

/// A declared backoff at work.
#[derive(Debug)]
pub(super) struct Ladder {
    backoff: Backoff,
    /// How much earlier or later than its time a dial may come.
    max_off: Micros,
    /// The steps that it may be on.
    steps: BTreeSet<u32>,
    /// An end that no dial has followed yet.
    ended: Option<Ended>,
}

/// An end, and what it may have changed.
#[derive(Debug)]
struct Ended {
    /// The dial it belongs to.
    dial: u64,
    /// The first sign of it.
    first: Micros,
    /// The last sign of it.
    last: Micros,
    /// When the stream was dropped.
    dropped: Option<Micros>,
    /// The steps that would be right if the end had treated the reset the other way.
    otherwise: BTreeSet<u32>,
    /// Whether a refusal asked for a wait: how long is up to subscriber and engine.
    asked_to_wait: bool,
}

/// From an end to the dial.
#[derive(Debug, Clone, Copy)]
struct Gap {
    min: Micros,
    max: Micros,
}

/// The verdict on a dial.
pub(super) enum Judged {
    /// There was nothing to judge.
    Nothing,
    /// A gap that fits; whether the reset made a difference to it.
    Fits { reset_matters: bool },
    /// A gap that doesn't fit.
    Broke(Rule, String),
}

impl Ladder {
    pub(super) fn new(backoff: Backoff, max_off: Micros) -> Self {
        Self {
            backoff,
            max_off,
            steps: BTreeSet::from([0]),
            ended: None,
        }
    }

    fn gap(&self, step: u32) -> Gap {
        let delay = self.backoff.delay(step);
        let share = |share: f64| Micros::from(delay.mul_f64(share.max(0.0)));
        Gap {
            min: Micros(
                share(self.backoff.min_share)
                    .0
                    .saturating_sub(self.max_off.0),
            ),
            max: Micros(
                share(self.backoff.max_share)
                    .0
                    .saturating_add(self.max_off.0),
            ),
        }
    }

    /// Notes that the attempt ended; its course decides whether the delays reset.
    pub(super) fn ended(&mut self, dial: u64, at: Micros, course: Course, dialed_at: Micros) {
        let zero = BTreeSet::from([0]);
        let (steps, otherwise) = match self.starts_anew(at, course, dialed_at) {
            Some(true) => (zero, self.steps.clone()),
            Some(false) => (self.steps.clone(), zero),
            None => (&self.steps | &zero, BTreeSet::new()),
        };
        self.steps = steps;
        self.ended = Some(Ended {
            dial,
            first: at,
            last: at,
            dropped: None,
            otherwise,
            asked_to_wait: false,
        });
    }

    /// Notes that the refusal that ended the attempt asked for a wait.
    pub(super) fn waits_as_asked(&mut self) {
        if let Some(ended) = &mut self.ended {
            ended.asked_to_wait = true;
        }
    }

    /// Whether the delays reset after this; `None` if that is up to the subscriber.
    fn starts_anew(&self, at: Micros, course: Course, dialed_at: Micros) -> Option<bool> {
        let unless_hinted = |certain: bool| match (certain, course.hinted) {
            (true, _) => Some(true),
            (false, false) => Some(false),
            (false, true) => None,
        };
        match self.backoff.reset {
            Reset::Never => Some(false),
            // Whether it accepted the answer as an upgrade, and what came after as a frame, is up
            // to it.
            Reset::Upgrade | Reset::FirstFrame | Reset::FirstMessage if course.odd_answer => None,
            Reset::Upgrade => Some(course.upgraded_at.is_some()),
            Reset::FirstFrame => unless_hinted(course.heard >= Heard::Frame),
            Reset::FirstMessage => unless_hinted(course.heard == Heard::Message),
            Reset::Lasted(least) => {
                let (least, off) = (Micros::from(least), self.max_off);
                let lasted = |since: Micros| at.0.saturating_sub(since.0);
                let opened = course.upgraded_at.map_or(0, lasted);
                if opened > least.0.saturating_add(off.0) {
                    Some(true)
                } else if lasted(dialed_at) < least.0.saturating_sub(off.0) {
                    Some(false)
                } else {
                    None
                }
            }
        }
    }

    /// Notes that another sign of the same end was delivered.
    pub(super) fn signs(&mut self, at: Micros, dial: u64) {
        if let Some(ended) = self.ended.as_mut().filter(|ended| ended.dial == dial) {
            ended.last = at;
        }
    }

    /// Notes that the stream of the attempt that ended was dropped.
    pub(super) fn dropped(&mut self, at: Micros, dial: u64) {
        if let Some(ended) = self.ended.as_mut().filter(|ended| ended.dial == dial) {
            ended.dropped = Some(at);
        }
    }

    /// Judges no dial until the next end.
    pub(super) fn forget(&mut self) {
        self.ended = None;
    }

    /// Judges a dial.
    pub(super) fn dialed(&mut self, at: Micros) -> Judged {
        let Some(ended) = self.ended.take() else {
            return Judged::Nothing;
        };
        // A stream kept until the next one replaces it doesn't tell when it ended.
        let dropped = ended.dropped.filter(|dropped| *dropped < at);
        let last = dropped.map_or(ended.last, |dropped| dropped.max(ended.last));
        let (longest, shortest) = (at.0 - ended.first.0, at.0.saturating_sub(last.0));
        let fits = |gap: Gap| longest >= gap.min.0 && shortest <= gap.max.0;
        let fitting = |steps: &BTreeSet<u32>| -> BTreeSet<u32> {
            let steps = steps.iter().copied();
            steps.filter(|step| fits(self.gap(*step))).collect()
        };
        if ended.asked_to_wait {
            self.climb();
            return Judged::Nothing;
        }
        let good = fitting(&self.steps);
        let others = fitting(&ended.otherwise);
        if !good.is_empty() {
            self.steps = good;
            self.climb();
            return Judged::Fits {
                reset_matters: others.is_empty() && !ended.otherwise.is_empty(),
            };
        }
        let found = match (Micros(shortest), Micros(longest)) {
            (a, b) if a == b => format!("{a} s"),
            (a, b) => format!("{a} to {b} s"),
        };
        let expected = self.expected();
        let judged = if let Some(other) = others.first() {
            let was_reset = if *other == 0 { "reset" } else { "not reset" };
            let why = format!(
                "expected a gap of {expected} from the end at {}, found {found}: the delay was \
                 {was_reset}, unlike the declared reset ({:?})",
                ended.first, self.backoff.reset
            );
            self.steps = others;
            Judged::Broke(Rule::R4, why)
        } else {
            let first = ended.first;
            Judged::Broke(
                Rule::R3,
                format!("expected a gap of {expected} from the end at {first}, found {found}"),
            )
        };
        self.climb();
        judged
    }

    fn climb(&mut self) {
        // Beyond the cap all steps are the same.
        let top = |step: u32| self.backoff.delay(step) >= self.backoff.max;
        let next = |step: &u32| if top(*step) { *step } else { step + 1 };
        self.steps = self.steps.iter().map(next).collect();
    }

    /// The acceptable gaps, in words.
    fn expected(&self) -> String {
        let gaps = self.steps.iter().map(|step| {
            let delay = self.backoff.delay(*step);
            let share = |share: f64| Micros::from(delay.mul_f64(share.max(0.0)));
            let (least, most) = (share(self.backoff.min_share), share(self.backoff.max_share));
            if least == most {
                format!("{least} s")
            } else {
                format!("{least} to {most} s")
            }
        });
        gaps.collect::<Vec<_>>().join(" or ")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rules::Bounds;

    fn ladder(reset: Reset) -> Ladder {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        Ladder::new(backoff.reset(reset), Bounds::default().max_off)
    }

    fn framed() -> Course {
        Course {
            heard: Heard::Message,
            ..Course::default()
        }
    }

    #[test]
    fn a_dial_is_as_much_off_its_time_as_timers_are_where_it_is_played_and_no_more() {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let virtual_time = Bounds::default().max_off;
        for (max_off, gap_ms, fits) in [
            (virtual_time, 102, true),
            (virtual_time, 103, false),
            (Micros::from_ms(50), 150, true),
            (Micros::from_ms(50), 151, false),
        ] {
            let mut ladder = Ladder::new(backoff, max_off);
            let rules = broken(&mut ladder, &[(Course::default(), gap_ms)]);
            assert_eq!(rules.is_empty(), fits, "{max_off} {gap_ms}");
        }
    }

    /// Ends and the gaps after them, in milliseconds; returns what broke.
    fn broken(ladder: &mut Ladder, gaps: &[(Course, u64)]) -> Vec<Rule> {
        let mut now = Micros::ZERO;
        let mut broken = Vec::new();
        for (course, gap_ms) in gaps {
            ladder.ended(1, now, *course, now);
            now = Micros(now.0 + gap_ms * 1_000);
            if let Judged::Broke(rule, _) = ladder.dialed(now) {
                broken.push(rule);
            }
        }
        broken
    }

    #[test]
    fn growth_cap_and_reset_are_what_was_declared_and_the_rule_says_which_is_not() {
        let none = Course::default();
        let climb = [100, 200, 400, 800, 1_000, 1_000].map(|gap| (none, gap));
        assert_eq!(broken(&mut ladder(Reset::FirstFrame), &climb), []);
        let flat = [(none, 100), (none, 100)];
        assert_eq!(broken(&mut ladder(Reset::FirstFrame), &flat), [Rule::R4]);
        let wrong = [(none, 100), (none, 150)];
        assert_eq!(broken(&mut ladder(Reset::FirstFrame), &wrong), [Rule::R3]);
        let above = [climb.as_slice(), &[(none, 1_600)]].concat();
        assert_eq!(broken(&mut ladder(Reset::FirstFrame), &above), [Rule::R3]);
        let kept = [(none, 100), (none, 200), (framed(), 400)];
        assert_eq!(broken(&mut ladder(Reset::FirstFrame), &kept), [Rule::R4]);
        assert_eq!(broken(&mut ladder(Reset::Never), &kept), []);
    }

    #[test]
    fn where_it_can_not_be_told_whether_the_delays_start_anew_both_are_right() {
        let hinted = Course {
            hinted: true,
            ..Course::default()
        };
        let none = Course::default();
        for gap in [100, 400] {
            let gaps = [(none, 100), (none, 200), (hinted, gap), (none, gap * 2)];
            assert_eq!(broken(&mut ladder(Reset::FirstFrame), &gaps), [], "{gap}");
        }
        let neither = [(none, 100), (none, 200), (hinted, 100), (none, 800)];
        assert_eq!(broken(&mut ladder(Reset::FirstFrame), &neither), [Rule::R3]);
    }

    #[test]
    fn a_share_is_drawn_from_the_range_that_is_declared() {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for (gap, fits) in [(47, false), (50, true), (99, true), (103, false)] {
            let mut ladder = Ladder::new(backoff.jitter(0.5, 1.0), Bounds::default().max_off);
            let broken = broken(&mut ladder, &[(Course::default(), gap)]);
            assert_eq!(broken.is_empty(), fits, "{gap}");
        }
    }

    #[test]
    fn an_end_that_shows_in_several_signs_may_be_counted_from_any_of_them() {
        // Seen at 0, again at 40 ms, dropped at 60 ms: a delay of 100 ms may begin at any of these.
        for (dial_ms, fits) in [(97, false), (100, true), (160, true), (163, false)] {
            let mut ladder = ladder(Reset::FirstFrame);
            ladder.ended(1, Micros::ZERO, Course::default(), Micros::ZERO);
            ladder.signs(Micros::from_ms(40), 1);
            ladder.dropped(Micros::from_ms(60), 1);
            // An older stream that goes away late doesn't count.
            ladder.dropped(Micros::from_ms(90), 7);
            let judged = ladder.dialed(Micros::from_ms(dial_ms));
            assert_eq!(!matches!(judged, Judged::Broke(..)), fits, "{dial_ms}");
        }
    }
}
