//! Rows drawn from all cases: deaths by signal, uncaught errors, where the token went.

use std::collections::BTreeMap;

use crate::case::{Case, CaseId};
use crate::process::Uncaught;
use crate::report::{Row, RunReport, TokenUse};
use crate::verdict::{Finding, Verdict};

/// Cases in which a client may exit with any message.
const MAY_END: [&str; 2] = ["H3", "E1"];
/// The most errors that are reported one by one.
const MAX_TOLD: usize = 5;
/// Runs that are named with an error.
const MAX_NAMED: usize = 6;

/// X5: in no case may the client end by a signal that nobody sent, nor leave an error uncaught.
pub(super) fn ended_by_a_signal(cases: &[Case], runs: &[(usize, RunReport)]) -> Row {
    let asked = "not ended by a signal that nobody sent; no error that nobody caught";
    let mut row = Row::everywhere(CaseId::ENDED_BY_A_SIGNAL, asked);
    let died: Vec<String> = runs
        .iter()
        .filter(|(_, run)| run.died)
        .map(|(case, run)| run.full_name(cases[*case].id))
        .collect();
    if !died.is_empty() {
        let what = format!("a signal ended it in {}", died.join(", "));
        row.findings.push(Finding::new(Verdict::Fail, what));
    }
    row.findings.extend(uncaught_errors(cases, runs));
    if row.findings.is_empty() {
        let what = "no case ended it by a signal, and no error was printed that nobody caught";
        row.findings.push(Finding::new(Verdict::Pass, what));
    }
    row
}

/// A finding for each uncaught error, with the runs it occurred in.
fn uncaught_errors(cases: &[Case], runs: &[(usize, RunReport)]) -> Vec<Finding> {
    let mut errors: BTreeMap<String, (Uncaught, Vec<String>)> = BTreeMap::new();
    for (case, run) in runs {
        let id = cases[*case].id;
        if MAY_END.contains(&id.to_string().as_str()) {
            continue;
        }
        for error in &run.uncaught {
            let alike = errors.entry(without_numbers(&error.to_string()));
            let (_, named) = alike.or_insert_with(|| (error.clone(), Vec::new()));
            named.push(run.full_name(id));
        }
    }
    let more = errors.len().saturating_sub(MAX_TOLD);
    let told = errors.into_values().take(MAX_TOLD).map(|(error, named)| {
        let of = named.len();
        let named = some(&named);
        let how = if error.ended {
            ", and ended with it"
        } else {
            ""
        };
        let what = format!("an error nobody caught{how}: {error}; in {named}");
        Finding::new(Verdict::Warn, what).figure("runs", of as u64)
    });
    let rest = (more > 0).then(|| {
        let what = format!("{more} other errors that nobody caught");
        Finding::new(Verdict::Warn, what)
    });
    told.chain(rest).collect()
}

/// The first of these names, and how many more there are.
fn some(runs: &[String]) -> String {
    let first = runs.iter().take(MAX_NAMED).cloned();
    let first = first.collect::<Vec<_>>().join(", ");
    match runs.len().saturating_sub(MAX_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Two errors that differ only in a port, a number or an address count as one.
fn without_numbers(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_hexdigit()).collect()
}

/// K1: nothing that the client prints contains the token.
pub(super) fn printed_the_token(runs: &[(usize, RunReport)]) -> Row {
    let row = Row::everywhere(
        CaseId::PRINTS_THE_TOKEN,
        "the token is in nothing that it prints",
    );
    let (never, did) = ("never printed the token", "printed the token");
    about_the_token(runs, row, |token| token.printed, never, did)
}

/// K2: the token goes to no other host or port.
pub(super) fn gave_the_token_away(runs: &[(usize, RunReport)]) -> Row {
    let asked = "the token goes to no other port";
    let row = Row::everywhere(CaseId::GIVES_THE_TOKEN_AWAY, asked);
    let never = "took the token to no other port";
    let did = "took the token to another port";
    about_the_token(runs, row, |token| token.given_away, never, did)
}

/// The row with its finding: in how many runs the token was misused.
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
        (0, false) => Finding::new(
            Verdict::NotApplicable,
            "the client never sent the token (ENGINE_TOKEN, as in Authorization: Bearer)",
        ),
        (n, _) => Finding::new(Verdict::Fail, format!("{did} in {n} runs")),
    });
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::uncaught;

    #[test]
    fn an_error_that_nobody_caught_is_named_once_with_its_runs_and_not_where_it_may_end() {
        let cases = crate::case::cases().expect("cases");
        let of = |id: &str| {
            cases
                .iter()
                .position(|it| it.id.to_string() == id)
                .expect("a case")
        };
        let run = |port: u16| {
            let printed = format!("\nthread 'io' panicked at a.rs:1:2:\nno dial to {port}\n");
            let mut run = RunReport::new(String::new(), Vec::new());
            run.uncaught = uncaught(&printed, None);
            run
        };
        let runs = [
            (of("E2"), run(4000)),
            (of("E4"), run(50_001)),
            (of("H3"), run(1)),
        ];
        let row = ended_by_a_signal(&cases, &runs);
        let [finding] = &row.findings[..] else {
            panic!("{:?}", row.findings)
        };
        let wanted =
            "an error nobody caught: thread 'io' panicked at a.rs:1:2: no dial to 4000; in E2, E4";
        assert_eq!(
            (finding.verdict, finding.what.as_str()),
            (Verdict::Warn, wanted)
        );
        let row = ended_by_a_signal(&cases, &runs[2..]);
        assert_eq!(row.findings[0].verdict, Verdict::Pass);
    }
}
