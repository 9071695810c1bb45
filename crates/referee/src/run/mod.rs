//! Playing the cases: an engine and a process each, side by side as far as processors allow.

mod first;
mod lateness;
mod one;
mod other_port;
mod schedule;

use std::collections::BTreeMap;
use std::io;

use wstape_mock_engine::EngineError;

pub use self::one::{Lane, Lanes};

use crate::case::{BadCase, Case, CaseId, Healthy};
use crate::process::{ClientCommand, KeeperCommand, StartError};
use crate::report::{Report, Row, RunReport};
use crate::verdict::{Finding, Verdict};

/// What is judged, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The client.
    pub client: ClientCommand,
    /// What keeps its processes.
    pub keeper: KeeperCommand,
    /// How the engine treats it when all is well.
    pub healthy: Healthy,
    /// Most cases at a time; `None` for as many as memory allows.
    pub jobs: Option<usize>,
    /// What tokens and marks are drawn from.
    pub seed: u64,
}

/// What happens while cases are played: for whoever shows it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Progress {
    /// The client connected and was served as it should be: cases begin now.
    Begun {
        /// Runs that there are.
        runs: usize,
        /// Runs at a time.
        jobs: usize,
    },
    /// A run is over.
    Ran {
        /// Its case, and what it was of the things that a row lists.
        name: String,
        /// How it is judged.
        verdict: Verdict,
        /// Runs that are over.
        done: usize,
        /// Runs that there are.
        of: usize,
    },
}

/// Why nothing was judged.
#[derive(Debug, thiserror::Error)]
pub enum RefereeError {
    /// The client can't be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Without any fault it did not do what has to be there to judge it.
    #[error("nothing was judged: {what}")]
    NotReady {
        /// What was missing.
        what: String,
        /// What it printed.
        printed: String,
    },
    /// A case that can't be read.
    #[error(transparent)]
    Case(#[from] BadCase),
    /// The engine could not be started.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system refused something.
    #[error("the system refused a thread or a port: {0}")]
    Io(#[from] io::Error),
}

/// Puts the client under the cases, and gives back what was found.
///
/// # Errors
/// Where nothing could be judged.
pub fn judge(
    options: &Options,
    cases: &[Case],
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<Report, RefereeError> {
    let first = first::two_runs_without_fault(options)?;
    let runs = schedule::play_all(options, cases, &first, tell)?;
    Ok(report(options, cases, runs))
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
    let mut row = Row::everywhere(CaseId::PRINTS_THE_TOKEN, "the token in what it printed");
    let leaked = runs.iter().filter(|(_, run)| run.token.printed).count();
    let sent = runs.iter().any(|(_, run)| run.token.sent);
    row.findings.push(match (leaked, sent) {
        (0, true) => Finding::new(Verdict::Pass, "never printed the token"),
        (0, false) => Finding::new(Verdict::NotApplicable, "the client never sent the token"),
        (n, _) => Finding::new(Verdict::Fail, format!("printed the token in {n} runs")),
    });
    row
}

/// K2: the token goes to no other host or port.
fn gave_the_token_away(runs: &[(usize, RunReport)]) -> Row {
    let mut row = Row::everywhere(
        CaseId::GIVES_THE_TOKEN_AWAY,
        "the token at no other host or port",
    );
    let away = runs.iter().filter(|(_, run)| run.token.given_away).count();
    let sent = runs.iter().any(|(_, run)| run.token.sent);
    row.findings.push(match (away, sent) {
        (0, true) => Finding::new(Verdict::Pass, "took the token to no other port"),
        (0, false) => Finding::new(Verdict::NotApplicable, "the client never sent the token"),
        (n, _) => Finding::new(
            Verdict::Fail,
            format!("took the token to another port in {n} runs"),
        ),
    });
    row
}
