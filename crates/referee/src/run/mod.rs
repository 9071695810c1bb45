//! Playing the cases: an engine and a process each, side by side as far as processors allow.

mod baseline;
mod first;
mod flood;
mod lateness;
mod names;
mod one;
mod options;
mod other_port;
mod schedule;

use std::collections::BTreeMap;

pub use self::options::{Options, Progress, RefereeError};

use crate::case::{Case, CaseId};
use crate::report::{Report, Row, RunReport, TokenUse};
use crate::verdict::{Finding, Verdict};

/// Puts the client under the cases, and gives back what was found.
///
/// # Errors
/// Where nothing could be judged.
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
    let mut report = report(options, cases, runs);
    for (case, samples) in cases.iter().zip(pooled) {
        report.add(case.id, case.pooled(&samples));
    }
    Ok(report)
}

/// The rows: of each case, then those that are made of all.
fn report(options: &Options, cases: &[Case], runs: Vec<(usize, RunReport)>) -> Report {
    let mut rows: BTreeMap<CaseId, Row> = BTreeMap::new();
    let everywhere = [
        ended_by_a_signal(cases, &runs),
        printed_the_token(&runs),
        gave_the_token_away(&runs),
    ];
    for (case, run) in runs {
        let case = &cases[case];
        let row = rows.entry(case.id).or_insert_with(|| Row::of(case));
        row.push(run);
    }
    for row in everywhere {
        rows.insert(row.id, row);
    }
    Report::new(
        options.client.to_string(),
        options.healthy.name().to_owned(),
        rows.into_values(),
    )
}

/// X5: in no case may the client end by a signal that nobody sent.
fn ended_by_a_signal(cases: &[Case], runs: &[(usize, RunReport)]) -> Row {
    let mut row = Row::everywhere(CaseId::ENDED_BY_A_SIGNAL, "ended by a signal nobody sent");
    let died: Vec<String> = runs
        .iter()
        .filter(|(_, run)| run.died)
        .map(|(case, run)| run.full_name(cases[*case].id))
        .collect();
    row.findings.push(if died.is_empty() {
        Finding::new(Verdict::Pass, "no case ended it by a signal")
    } else {
        Finding::new(
            Verdict::Fail,
            format!("a signal ended it in {}", died.join(", ")),
        )
    });
    row
}

/// K1: the token is in nothing that the client prints.
fn printed_the_token(runs: &[(usize, RunReport)]) -> Row {
    let row = Row::everywhere(CaseId::PRINTS_THE_TOKEN, "the token in what it printed");
    let (never, did) = ("never printed the token", "printed the token");
    about_the_token(runs, row, |token| token.printed, never, did)
}

/// K2: the token goes to no other host or port.
fn gave_the_token_away(runs: &[(usize, RunReport)]) -> Row {
    let asked = "the token at no other host or port";
    let row = Row::everywhere(CaseId::GIVES_THE_TOKEN_AWAY, asked);
    let never = "took the token to no other port";
    let did = "took the token to another port";
    about_the_token(runs, row, |token| token.given_away, never, did)
}

/// The row with what was found: in how many runs the token was misused.
fn about_the_token(
    runs: &[(usize, RunReport)],
    mut row: Row,
    is_misuse: impl Fn(&TokenUse) -> bool,
    never: &str,
    did: &str,
) -> Row {
    let misuses = runs.iter().filter(|(_, run)| is_misuse(&run.token)).count();
    let sent = runs.iter().any(|(_, run)| run.token.sent);
    row.findings.push(match (misuses, sent) {
        (0, true) => Finding::new(Verdict::Pass, never),
        (0, false) => Finding::new(Verdict::NotApplicable, "the client never sent the token"),
        (n, _) => Finding::new(Verdict::Fail, format!("{did} in {n} runs")),
    });
    row
}
