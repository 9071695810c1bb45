//! What all flaws came to, as a Markdown table.

use std::fmt::Write as _;
use std::io;

use wstape_chaos::mutants::Flaw;
use wstape_referee::Verdict;

use crate::claim::{Claim, PASSED, claim};
use crate::kept::{Kept, Known, Versions};
use crate::name;

/// The table, and how many flaws are not what is claimed of them.
pub(crate) fn of(
    flaws: &[Option<Flaw>],
    kept: &Kept,
    versions: &Versions,
) -> io::Result<(String, usize)> {
    let mut text =
        String::from("| flaw | fails, as it names | besides | |\n| --- | --- | --- | --- |\n");
    let mut missed = 0;
    for flaw in flaws {
        let known = kept.of(name(*flaw))?;
        let flaws = amiss(*flaw, &known, versions);
        missed += usize::from(!flaws.is_empty());
        let verdict = if flaws.is_empty() {
            "found".to_owned()
        } else {
            format!("**NOT AS CLAIMED**: {}", flaws.join("; "))
        };
        let (named, besides) = (named(*flaw), besides(*flaw, &known));
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "| {} | {named} | {besides} | {verdict} |",
            name(*flaw)
        );
    }
    let n = flaws.len();
    let _ = writeln!(text, "\n{} of {n} are as claimed.", n - missed);
    Ok((text, missed))
}

/// What is claimed of it.
fn claimed(flaw: Option<Flaw>) -> &'static [(&'static str, Verdict)] {
    match flaw.map(claim) {
        Some(Claim::Shows(cases)) => cases,
        Some(Claim::Hidden(_)) | None => &[],
    }
}

fn named(flaw: Option<Flaw>) -> String {
    if let Some(Claim::Hidden(why)) = flaw.map(claim) {
        return why.to_owned();
    }
    listed(claimed(flaw).iter().map(|(id, verdict)| (*id, *verdict)))
}

/// The cases with their verdicts: a `fail` by its name alone.
fn listed<'a>(cases: impl Iterator<Item = (&'a str, Verdict)>) -> String {
    let one = |(id, verdict): (&str, Verdict)| match verdict {
        Verdict::Fail => id.to_owned(),
        verdict => format!("{id} ({verdict})"),
    };
    cases.map(one).collect::<Vec<_>>().join(", ")
}

/// What else it fails or is warned of.
fn besides(flaw: Option<Flaw>, known: &Known) -> String {
    let claimed = claimed(flaw);
    let others = known.0.iter().filter(|(id, found)| {
        found.verdict >= Verdict::Warn && !claimed.iter().any(|(it, _)| it == id)
    });
    listed(others.map(|(id, found)| (id.as_str(), found.verdict)))
}

/// What is not as it is claimed to be.
fn amiss(flaw: Option<Flaw>, known: &Known, versions: &Versions) -> Vec<String> {
    let missing = known.missing(versions);
    if !missing.is_empty() {
        return vec![format!("not played: {}", missing.join(", "))];
    }
    let claimed = claimed(flaw);
    let verdict = |id: &str| known.0.get(id).map(|it| it.verdict);
    let mut amiss = Vec::new();
    for (id, wanted) in claimed {
        if verdict(id) != Some(*wanted) {
            let found = known.0.get(*id);
            let found = found.map_or("nothing".to_owned(), |it| {
                format!("{}, {}", it.verdict, it.what)
            });
            amiss.push(format!("{id}: {found}"));
        }
    }
    let passed = PASSED
        .into_iter()
        .filter(|id| !claimed.iter().any(|(it, _)| it == id));
    for id in passed.filter(|id| verdict(id) != Some(Verdict::Pass)) {
        amiss.push(format!("does not pass {id}"));
    }
    if flaw.is_none() {
        let bad = known.0.iter().filter(|(_, it)| it.verdict >= Verdict::Warn);
        amiss.extend(bad.map(|(id, it)| format!("{id}: {}, {}", it.verdict, it.what)));
    }
    amiss
}
