//! Shorter runs: an earlier end, and smaller gaps.

use std::sync::Arc;

use wstape_tape::{Action, Micros, Step, Tape, Trigger};

use super::changed::changed;
use super::number::{TIME_UNITS, simplest};
use super::search::Search;
use crate::case::Case;

/// Ends the run as early as possible while the case still breaks the rule, and removes what would
/// come later.
pub(super) fn end_earlier(search: &mut Search<'_>) {
    let start = search.best().clone();
    let Some(end) = tapes(&start).filter_map(last_time).max() else {
        return;
    };
    simplest(end.0, 0, TIME_UNITS, |end| {
        let end = Micros(end);
        search.offer(edited(&start, |at| at.min(end), |tape| cut(tape, end)))
    });
}

/// Closes gaps one by one from the front: everything after a gap moves earlier by as much.
pub(super) fn close_gaps(search: &mut Search<'_>) {
    let mut from = Micros::ZERO;
    while !search.is_over() {
        let start = search.best().clone();
        let later = |tape| times(tape).find(|at| *at > from);
        let quiet_at = start.about.quiet_at_us.map(Micros);
        let until = tapes(&start)
            .filter_map(later)
            .chain(quiet_at.filter(|at| *at > from))
            .min();
        let Some(until) = until else {
            return;
        };
        let gap = simplest(until.0 - from.0, 0, TIME_UNITS, |gap| {
            let to = Micros(from.0.saturating_add(gap));
            let later = |at: Micros| {
                if at < until {
                    at
                } else {
                    shifted(at, until, to)
                }
            };
            search.offer(edited(&start, later, |tape| moved(tape, until, to)))
        });
        // Once a gap is closed, nothing is left at `until`: whatever came after it is next.
        from = gap.map_or(until, |gap| Micros(from.0 + gap));
    }
}

/// The case with both tapes edited the same way, and its recovery time too.
fn edited(case: &Case, quiet: impl Fn(Micros) -> Micros, edit: impl Fn(&Tape) -> Tape) -> Case {
    let mut edited = case.clone();
    edited.base = Arc::new(edit(&case.base));
    edited.faults = Arc::new(edit(&case.faults));
    edited.about.quiet_at_us = case.about.quiet_at_us.map(|at| quiet(Micros(at)).0);
    edited.seal();
    edited
}

fn tapes(case: &Case) -> impl Iterator<Item = &Tape> {
    [&*case.base, &*case.faults].into_iter()
}

/// The times of the steps on the engine's clock, in order.
fn times(tape: &Tape) -> impl Iterator<Item = Micros> {
    tape.steps.iter().filter_map(|step| match step.trigger {
        Trigger::At(at) => Some(at),
        _ => None,
    })
}

fn last_time(tape: &Tape) -> Option<Micros> {
    times(tape).last()
}

/// Returns the tape up to `end`; an `end` step that came later moves there.
fn cut(tape: &Tape, end: Micros) -> Tape {
    let steps = tape.steps.iter().filter_map(|step| match step.trigger {
        Trigger::At(at) if at <= end => Some(step.clone()),
        Trigger::At(_) if step.action == Action::End => Some(at(step, end)),
        Trigger::At(_) => None,
        _ => Some(step.clone()),
    });
    Tape::new(tape.header.clone(), steps.collect())
}

/// The tape with what happens at `from` moved to `to`, and everything later shifted by as much.
fn moved(tape: &Tape, from: Micros, to: Micros) -> Tape {
    let steps = tape.steps.iter().map(|step| match step.trigger {
        Trigger::At(time) if time >= from => at(step, shifted(time, from, to)),
        _ => step.clone(),
    });
    Tape::new(tape.header.clone(), steps.collect())
}

/// A time from `from` on, after moving `from` to `to`.
fn shifted(time: Micros, from: Micros, to: Micros) -> Micros {
    Micros((time.0 - from.0).saturating_add(to.0))
}

/// `step` at another time.
fn at(step: &Step, time: Micros) -> Step {
    changed(step, |step| step.trigger = Trigger::At(time))
}
