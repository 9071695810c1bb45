//! Several clients side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Report;
use crate::case::CaseId;
use crate::verdict::Verdict;

/// A Markdown table with a row per case and a column per client.
#[must_use]
pub fn compare(reports: &[(String, Report)]) -> String {
    let mut rows: BTreeMap<CaseId, (String, BTreeMap<usize, Verdict>)> = BTreeMap::new();
    for (column, (_, report)) in reports.iter().enumerate() {
        for row in &report.rows {
            let (_, verdicts) = rows
                .entry(row.id)
                .or_insert_with(|| (row.played.clone(), BTreeMap::new()));
            verdicts.insert(column, row.verdict);
        }
    }
    let mut text = String::from("| case | played |");
    // Writing to a String does not fail.
    for (name, _) in reports {
        let _ = write!(text, " {} |", name.replace('|', "\\|"));
    }
    text.push_str("\n| --- | --- |");
    text.push_str(&" --- |".repeat(reports.len()));
    text.push('\n');
    for (id, (played, verdicts)) in rows {
        let _ = write!(text, "| {id} | {} |", played.replace('|', "\\|"));
        for column in 0..reports.len() {
            let word = verdicts.get(&column).map_or("", |it| it.word());
            let _ = write!(text, " {word} |");
        }
        text.push('\n');
    }
    text
}
