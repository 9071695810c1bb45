//! Questions to the referee itself: why a case exists, and how several clients compare.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use wstape_referee::{Case, CaseId, compare};

use super::everywhere;
use super::out::read_report;
use crate::cmd::exit::{bad_input, print};

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(super) enum Question {
    /// Explains what a case plays, why it matters, and what good clients do
    Explain {
        /// The case, such as R4
        id: CaseId,
    },
    /// Compares several clients in a Markdown table
    Compare {
        /// `results.json` files of earlier runs, or the folders that hold them
        #[arg(required = true, num_args = 1.., value_name = "RESULTS")]
        results: Vec<PathBuf>,
    },
}

impl Question {
    pub(super) fn answer(&self, cases: &[Case]) -> ExitCode {
        match self {
            Self::Explain { id } => explain(cases, *id),
            Self::Compare { results } => side_by_side(results),
        }
    }
}

fn explain(cases: &[Case], id: CaseId) -> ExitCode {
    if let Some(asked) = everywhere::explained(&id.to_string()) {
        return print(&format!("{asked}\n"));
    }
    let of: Vec<&Case> = cases.iter().filter(|case| case.id == id).collect();
    if of.is_empty() {
        return bad_input(&format!(
            "there is no case {id}; `wstape referee --list` lists them"
        ));
    }
    let mut said = String::new();
    for case in of {
        let source = case
            .source
            .as_deref()
            .map_or(String::new(), |it| format!("Source: {it}.\n"));
        // Writing to a string can't fail.
        let _ = writeln!(
            said,
            "{id}: {}\n\nAsked: {}.\nWhy: {}\nGood clients: {}\n{source}",
            case.title, case.what, case.why, case.good
        );
    }
    print(&format!(
        "{said}Play it: wstape referee --only {id} -- COMMAND\n"
    ))
}

fn side_by_side(results: &[PathBuf]) -> ExitCode {
    let mut reports = Vec::new();
    for path in results {
        match read_report(path) {
            Ok(report) => reports.push((report.client.clone(), report)),
            Err(error) => return bad_input(&error),
        }
    }
    print(&compare(&reports))
}
