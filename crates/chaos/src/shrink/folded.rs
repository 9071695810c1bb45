//! Two steps as one: a state and the step that clears it become a state with `for_ms`.

use std::sync::Arc;

use wstape_tape::{Micros, Step, Trigger};

use super::changed::changed;
use super::search::Search;

/// Folds each state that a later step of the faults clears into one step.
pub(super) fn fold_states(search: &mut Search<'_>) {
    let mut first = 0;
    while !search.is_over() && first < search.best().faults.steps.len() {
        if !fold_one(search, first) {
            first += 1;
        }
    }
}

fn fold_one(search: &mut Search<'_>, first: usize) -> bool {
    let case = search.best();
    let steps = &case.faults.steps;
    let state = &steps[first];
    let Trigger::At(from) = state.trigger else {
        return false;
    };
    if !state.action.is_state() || state.for_us.is_some() || state.action.clears() {
        return false;
    }
    let clearing = |step: &Step| {
        step.action.clears()
            && step.key() == state.key()
            && (step.conn, step.direction) == (state.conn, state.direction)
    };
    let Some(second) = (first + 1..steps.len()).find(|at| clearing(&steps[*at])) else {
        return false;
    };
    let Trigger::At(until) = steps[second].trigger else {
        return false;
    };
    let mut folded = case.clone();
    let lasting = Micros(until.0 - from.0);
    let state = changed(state, |step| step.for_us = Some(lasting));
    let steps = &mut Arc::make_mut(&mut folded.faults).steps;
    steps[first] = state;
    steps.remove(second);
    search.offer(folded)
}
