//! A step with something changed in it.

use wstape_tape::Step;

/// Returns a copy of `step` after a change.
pub(super) fn changed(step: &Step, change: impl FnOnce(&mut Step)) -> Step {
    let mut step = step.clone();
    change(&mut step);
    step
}
