//! Shrinks a case that breaks a rule to a small one that breaks the same rule.
//!
//! A case is data, two tapes, so shrinking is editing: steps go, times come closer, values get
//! simpler, and an edit is kept if the case still breaks the rule. A function passed in decides
//! that. Nothing is random: the same case and the same answers give the same result.
//!
//! | module | what it makes smaller |
//! | --- | --- |
//! | `fewer` | a list: delta debugging |
//! | `folded` | a state and the step that clears it, into one step |
//! | `sooner` | the run's length and the gaps in it |
//! | `simpler`, `json`, `knob`, `changed` | the values of a step |
//! | `settings` | what the header sets |
//! | `number` | a number: the roundest, and of those the smallest |

mod changed;
mod fewer;
mod folded;
mod json;
mod knob;
mod number;
mod search;
mod settings;
mod simpler;
mod sooner;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use wstape_tape::{Action, After, Micros, Step, Tape, Trigger, Whose};

use self::fewer::fewest;
use self::search::Search;
use self::simpler::simplest_step;
use crate::case::Case;
use wstape_oracle::Rule;

/// The most rounds of all passes. Shrinking ends with a round that changes nothing, mostly the
/// third.
const MAX_ROUNDS: u32 = 16;

/// The result of a shrink.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The smallest case found that breaks the rule.
    pub case: Case,
    /// Cases that were tried.
    pub tries: u64,
    /// Whether nothing simpler was left to try; false if time or tries ran out.
    pub complete: bool,
}

/// Shrinks `case` while `broken` names `rule` for it: fewer faults and user calls first, then fewer
/// events, a shorter run, plainer settings, simpler values. Repeats until nothing changes, or
/// `has_time` returns false.
///
/// `has_time` is called before each try: the caller has the clock. Apart from it the result is a
/// pure function of `case` and `broken`'s answers.
pub fn shrink(
    case: Case,
    rule: Rule,
    mut broken: impl FnMut(&Case) -> Option<Rule>,
    mut has_time: impl FnMut() -> bool,
) -> Shrunk {
    let mut breaks = |case: &Case| broken(case) == Some(rule);
    let mut search = Search::new(case, &mut breaks, &mut has_time);
    settings::less_room(&mut search);
    for _ in 0..MAX_ROUNDS {
        let before = search.improvements();
        // An early end makes every later try faster.
        sooner::end_earlier(&mut search);
        fewer_steps(&mut search, faults);
        fewer_steps(&mut search, base);
        folded::fold_states(&mut search);
        settings::plainer_about(&mut search);
        settings::plainer_settings(&mut search);
        simpler_steps(&mut search, faults);
        simpler_steps(&mut search, base);
        sooner::close_gaps(&mut search);
        if search.is_over() || search.improvements() == before {
            break;
        }
    }
    Shrunk {
        tries: search.tries(),
        complete: !search.is_over(),
        case: search.into_best(),
    }
}

/// Which of a case's tapes a pass edits.
type Which = fn(&mut Case) -> &mut Tape;

fn faults(case: &mut Case) -> &mut Tape {
    Arc::make_mut(&mut case.faults)
}

fn base(case: &mut Case) -> &mut Tape {
    Arc::make_mut(&mut case.base)
}

/// Removes what can go from one tape. Its end is not removed; an earlier one is tried instead.
fn fewer_steps(search: &mut Search<'_>, which: Which) {
    let start = search.best().clone();
    let steps = which(&mut start.clone()).steps.clone();
    let (end, steps): (Vec<Step>, Vec<Step>) = steps
        .into_iter()
        .partition(|step| step.action == Action::End);
    fewest(steps, |steps| {
        if search.is_over() {
            return false;
        }
        let mut case = start.clone();
        which(&mut case).steps = [steps, &end].concat();
        search.offer(case)
    });
}

/// Makes each step of one tape as simple as it gets.
fn simpler_steps(search: &mut Search<'_>, which: Which) {
    let mut start = search.best().clone();
    for at in 0..which(&mut start).steps.len() {
        if search.is_over() {
            return;
        }
        let mut step = which(&mut start).steps[at].clone();
        simplest_step(&mut step, |step| {
            // Even copying a long tape takes time.
            if search.is_over() {
                return false;
            }
            let mut case = start.clone();
            let tape = which(&mut case);
            tape.steps[at] = step.clone();
            is_in_order(&tape.steps) && search.offer(case)
        });
        which(&mut start).steps[at] = step;
    }
}

/// Whether steps are in a tape's order: those without a time first, times never decreasing.
fn is_in_order(steps: &[Step]) -> bool {
    let rank = |step: &Step| match step.trigger {
        Trigger::At(at) => (true, at),
        _ => (false, Micros::ZERO),
    };
    let mut selectors: BTreeMap<Whose, Micros> = BTreeMap::new();
    steps.is_sorted_by_key(rank)
        && steps.iter().all(|step| match step.trigger {
            Trigger::OnConnect {
                whose,
                after: After::Time(after),
            } => selectors
                .insert(whose, after)
                .is_none_or(|last| last <= after),
            _ => true,
        })
}
