//! A judge by bounds, for a subscriber that doesn't give the contract's settings.
//!
//! It asks what any subscriber owes its engine, whatever its backoff: one connection at a time, a
//! dial within a bound after each end and no storm of them, answers to Pings and Closes, recovery
//! once faults stop, and an end on request. All of it shows on the wire, so the subscriber need not
//! offer anything. What it declares and shows beyond that is judged too.
//!
//! ```text
//! wire ─► attempt, due ─► ladder (a declared backoff)
//!   └───► shown (a mirror beside a model, a record)
//! ```

mod attempt;
mod due;
mod ladder;
mod shown;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, VecDeque};

use wstape_tape::Micros;

use self::attempt::Attempt;
use self::ladder::Ladder;
use self::shown::Shown;
use super::bounds::Bounds;
use super::findings::{Findings, Found};
use crate::fold::Fold;
use crate::rule::{Rule, RuleSet, Violation};
use crate::view::View;

/// A second, the span in which dials are counted.
const WINDOW: Micros = Micros::from_ms(1_000);
/// How much later than its bound something may happen: timers are accurate to a millisecond.
const MAX_OFF: Micros = Micros::from_ms(2);
/// How long an old connection may coexist with a new one: an aborted task lets go of its stream
/// when it next runs, which may be after the next dial.
const MAX_OVERLAP: Micros = Micros::from_ms(10);
/// Largest message that every client accepts, in bytes.
const MAX_SURE_BYTES: usize = 1 << 20;
/// The shortest gap that counts as silence.
const SILENCE: Micros = Micros::from_ms(1_000);

/// Judges a subscriber by [`Bounds`].
#[derive(Debug)]
pub(super) struct Bounded {
    bounds: Bounds,
    findings: Findings,
    /// Streams and dials that the subscriber has not dropped, by dial number.
    held: BTreeMap<u64, Attempt>,
    /// Old connections still in use when another dial began.
    overlaps: Vec<Overlap>,
    /// The number of the latest dial.
    newest: u64,
    /// When the last dials began, oldest first.
    dials: VecDeque<Micros>,
    /// The end that no dial has followed yet.
    ended_at: Option<Micros>,
    /// Whether a storm of dials was reported: its further dials are not reported again.
    stormed: bool,
    quiet_at: Option<Micros>,
    recovered: bool,
    stop: Stop,
    /// When shutdown was called for, unless it is over or was reported as too slow.
    stopping_since: Option<Micros>,
    ladder: Option<Ladder>,
    shown: Shown,
    /// Whether time passed before shutdown was called for.
    had_time: bool,
    count: u64,
    messages: u64,
}

/// A dial while another connection is in use.
#[derive(Debug, Clone, Copy)]
struct Overlap {
    /// When it began.
    at: Micros,
    /// The number of the new dial.
    dial: u64,
    /// The number of the dial that led to the old connection.
    other: u64,
}

/// How far a shutdown has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    NotCalled,
    Called,
    Over,
}

impl Bounded {
    /// Creates a judge for a world in which nothing goes wrong from `quiet_at` on; `None` if
    /// something always may.
    #[must_use]
    pub(in crate::rules) fn new(bounds: Bounds, quiet_at: Option<Micros>) -> Self {
        Self {
            bounds,
            findings: Findings::new(),
            held: BTreeMap::new(),
            overlaps: Vec::new(),
            newest: 0,
            dials: VecDeque::new(),
            ended_at: None,
            stormed: false,
            quiet_at,
            recovered: false,
            stop: Stop::NotCalled,
            stopping_since: None,
            ladder: bounds
                .backoff
                .map(|backoff| Ladder::new(backoff, bounds.max_off)),
            shown: Shown::new(None),
            had_time: false,
            count: 0,
            messages: 0,
        }
    }

    /// Judges only these rules.
    pub(in crate::rules) fn judging(mut self, rules: &RuleSet) -> Self {
        self.findings = self.findings.judging(rules);
        self
    }

    /// Checks what it shows about itself against this model.
    pub(in crate::rules) fn model(mut self, model: Option<Fold>) -> Self {
        self.shown = Shown::new(model);
        self
    }

    pub(in crate::rules) fn shutdown(&mut self, at: Micros) {
        self.pass(at);
        self.findings.held(Rule::R5);
        self.stop = Stop::Called;
        self.stopping_since = Some(at);
        self.ended_at = None;
        if let Some(ladder) = &mut self.ladder {
            ladder.forget();
        }
        for attempt in self.held.values_mut() {
            attempt.excuse();
        }
    }

    pub(in crate::rules) fn stopped(&mut self, at: Micros, ended_well: bool) {
        self.pass(at);
        if !ended_well {
            self.findings.broke(Rule::R13, at, || {
                "expected the subscriber to end, found that it panicked".to_owned()
            });
        }
        self.stop = Stop::Over;
        self.stopping_since = None;
        let held = self.held.len();
        if held > 0 {
            self.findings.broke(Rule::R5, at, || {
                format!("expected shutdown to leave nothing behind, found {held} open streams")
            });
        }
    }

    pub(in crate::rules) fn broke(
        &mut self,
        rule: Rule,
        at: Micros,
        what: impl FnOnce() -> String,
    ) {
        self.findings.broke(rule, at, what);
    }

    pub(in crate::rules) fn held(&mut self, rule: Rule) {
        self.findings.held(rule);
    }

    /// Lets time come to `at`, and looks at what the subscriber shows.
    pub(in crate::rules) fn look(&mut self, at: Micros, view: View<'_>) {
        self.pass(at);
        if self.stop == Stop::NotCalled {
            self.shown.look(at, view, &mut self.findings);
        }
    }

    /// Notes that the subscriber's future ended although nobody asked it to; `Err` if it panicked.
    pub(in crate::rules) fn gave_up(&mut self, at: Micros, how: Result<(), String>) {
        self.pass(at);
        match how {
            Err(panic) => self.findings.broke(Rule::R13, at, || {
                format!("expected no panic, found one: {panic}")
            }),
            Ok(()) => self.findings.broke(Rule::R2, at, || {
                "expected it to follow the feed until it is shut down, found that it ended by itself"
                    .to_owned()
            }),
        }
        self.stop = Stop::Over;
        self.ended_at = None;
        self.held.values_mut().for_each(Attempt::excuse);
    }

    /// What it must show once it has taken in everything delivered, as JSON text.
    pub(in crate::rules) fn expected(&self) -> String {
        self.shown.expected()
    }

    /// Records the results of the subject's own rules.
    pub(in crate::rules) fn held_in_all(&mut self, rule: Rule, times: u64) {
        self.findings.held_in_all(rule, times);
    }

    pub(in crate::rules) fn violations(&self) -> &[Violation] {
        self.findings.violations()
    }

    pub(in crate::rules) fn reconnects(&self) -> u64 {
        self.count.saturating_sub(1)
    }

    pub(in crate::rules) fn messages(&self) -> u64 {
        self.messages
    }

    pub(in crate::rules) fn finish(mut self, at: Micros) -> Found {
        self.pass(at);
        if self.count == 0 && self.had_time {
            self.findings.broke(Rule::R2, at, || {
                "expected a dial, found none: it never dialled through the dialer it was given"
                    .to_owned()
            });
        }
        self.findings.finish()
    }
}
