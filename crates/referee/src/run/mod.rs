//! Plays the cases: an engine and a process each, in parallel as far as processors allow.

mod baseline;
mod everywhere;
mod first;
mod flood;
mod lateness;
mod names;
mod one;
mod options;
mod other_port;
mod schedule;
mod stop;

use std::collections::BTreeMap;

pub use self::options::{Options, Progress, RefereeError};
pub use self::stop::{Stop, Stopper};

use crate::case::{Case, CaseId};
use crate::report::{Report, Row, RunReport};

/// Runs the client through the cases, and returns the findings. If [`Options::stop`] is told to end
/// meanwhile, unfinished runs are in the report as not played.
///
/// # Errors
/// If nothing could be judged.
pub fn judge(
    options: &Options,
    cases: &[Case],
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<Report, RefereeError> {
    let baseline = first::two_runs_without_fault(options)?;
    let mut pooled = vec![Vec::new(); cases.len()];
    let mut runs = Vec::new();
    for (case, outcome) in schedule::play_all(options, cases, &baseline, tell)? {
        pooled[case].push(outcome.samples);
        runs.push((case, outcome.report));
    }
    let unplayed = |case: usize| runs.iter().any(|(of, run)| *of == case && run.unplayed);
    // Fewer processes might give another joint answer, so cases with unplayed runs get none.
    let whole: Vec<bool> = (0..cases.len()).map(|case| !unplayed(case)).collect();
    let mut report = report(options, cases, runs);
    for ((case, samples), whole) in cases.iter().zip(pooled).zip(whole) {
        if whole {
            report.add(case.id, case.pooled(&samples));
        }
    }
    Ok(report)
}

/// Returns the rows: one for each case, then those drawn from all cases, if any was played.
fn report(options: &Options, cases: &[Case], runs: Vec<(usize, RunReport)>) -> Report {
    let mut rows: BTreeMap<CaseId, Row> = BTreeMap::new();
    let nothing_played = runs.iter().all(|(_, run)| run.unplayed);
    let everywhere = (!nothing_played).then(|| {
        [
            everywhere::ended_by_a_signal(cases, &runs),
            everywhere::printed_the_token(&runs),
            everywhere::gave_the_token_away(&runs),
        ]
    });
    for (case, run) in runs {
        let case = &cases[case];
        let row = rows.entry(case.id).or_insert_with(|| Row::of(case));
        row.push(case, run);
    }
    for row in everywhere.into_iter().flatten() {
        rows.insert(row.id, row);
    }
    Report::new(
        options.client.to_string(),
        options.healthy.name().to_owned(),
        rows.into_values(),
    )
}
