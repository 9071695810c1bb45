//! The results of all flaws, as a Markdown table.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use wstape_chaos::mutants::Flaw;
use wstape_referee::Verdict;

use crate::claim::{Claim, PASSED, claim};
use crate::kept::{Kept, Known, Versions};
use crate::{asked_for, name};

/// Returns the table, and the number of flaws that did not show as claimed.
pub(crate) fn of(
    flaws: &[Option<Flaw>],
    kept: &Kept,
    versions: &Versions,
    only: &[String],
) -> io::Result<(String, usize)> {
    let mut text =
        String::from("| flaw | fails, as it names | besides | |\n| --- | --- | --- | --- |\n");
    let mut missed = 0;
    for flaw in flaws {
        let known = kept.of(name(*flaw))?;
        let flaws = amiss(*flaw, &known, versions, only);
        missed += usize::from(!flaws.is_empty());
        let verdict = if flaws.is_empty() {
            "found".to_owned()
        } else {
            let said = flaws.join("; ");
            let is_known = !said.starts_with(NOT_PLAYED);
            let mark = if is_known { "**NOT AS CLAIMED**: " } else { "" };
            format!("{mark}{said}")
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

/// What the table says of a flaw if not all of its rows were played.
const NOT_PLAYED: &str = "not played yet";
/// The most rows that are listed as not played yet.
const MAX_LISTED: usize = 6;

/// The flaws that no case can see, with the reason.
pub(crate) fn hidden() -> String {
    let mut text = String::from("| not seen by the referee | because |\n| --- | --- |\n");
    for flaw in Flaw::ALL {
        if let Claim::Hidden(why) = claim(flaw) {
            // Writing to a String does not fail.
            let _ = writeln!(text, "| {flaw} | {why} |");
        }
    }
    text
}

const BEGIN: &str = "<!-- made by the example mutants -->\n";
const END: &str = "<!-- end -->";

/// Puts the table between the page's marks.
pub(crate) fn put(page: &Path, table: &str) -> io::Result<()> {
    let text = fs::read_to_string(page)?;
    let parts = text
        .split_once(BEGIN)
        .and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let Some((head, tail)) = parts else {
        let what = format!("{} has no {} and {END}", page.display(), BEGIN.trim());
        return Err(io::Error::other(what));
    };
    fs::write(page, format!("{head}{BEGIN}{table}{END}{tail}"))
}

/// Returns the cases and verdicts that are claimed of a flaw.
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

/// Lists the cases with their verdicts; a case that comes to `fail` is listed by its name alone.
fn listed<'a>(cases: impl Iterator<Item = (&'a str, Verdict)>) -> String {
    let one = |(id, verdict): (&str, Verdict)| match verdict {
        Verdict::Fail => id.to_owned(),
        verdict => format!("{id} ({verdict})"),
    };
    cases.map(one).collect::<Vec<_>>().join(", ")
}

/// Lists what else the flaw fails or is warned of.
fn besides(flaw: Option<Flaw>, known: &Known) -> String {
    let claimed = claimed(flaw);
    let others = known.0.iter().filter(|(id, found)| {
        found.verdict >= Verdict::Warn && !claimed.iter().any(|(it, _)| it == id)
    });
    listed(others.map(|(id, found)| (id.as_str(), found.verdict)))
}

/// Lists what is not as claimed.
fn amiss(flaw: Option<Flaw>, known: &Known, versions: &Versions, only: &[String]) -> Vec<String> {
    let mut missing = known.missing(versions);
    missing.retain(|id| asked_for(id, only));
    if !missing.is_empty() {
        let which = match missing.len() {
            0..=MAX_LISTED => missing.join(", "),
            n => format!("{n} rows"),
        };
        return vec![format!("{NOT_PLAYED}: {which}")];
    }
    let claimed = claimed(flaw);
    let verdict = |id: &str| known.0.get(id).map(|it| it.verdict);
    let mut amiss = Vec::new();
    for (id, wanted) in claimed.iter().filter(|(id, _)| asked_for(id, only)) {
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
    for id in passed.filter(|id| asked_for(id, only) && verdict(id) != Some(Verdict::Pass)) {
        amiss.push(format!("does not pass {id}"));
    }
    if flaw.is_none() {
        let bad = known.0.iter().filter(|(_, it)| it.verdict >= Verdict::Warn);
        amiss.extend(bad.map(|(id, it)| format!("{id}: {}, {}", it.verdict, it.what)));
    }
    amiss
}
