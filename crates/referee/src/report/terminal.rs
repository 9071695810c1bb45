//! A line a row, the worst last: what a terminal shows.

use std::fmt::Write as _;

use super::{Report, Row};
use crate::verdict::Verdict;

/// Width of a line, as far as it is shortened.
const WIDTH: usize = 118;

impl Report {
    /// A line a row, the worst last, and a line that counts them.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| (row.verdict, row.id));
        let mut text = String::new();
        for row in rows {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{}", line(row));
        }
        let counts: Vec<String> = Verdict::ALL
            .into_iter()
            .rev()
            .map(|verdict| format!("{} {verdict}", self.count(verdict)))
            .collect();
        let _ = writeln!(text, "\n{} cases: {}", self.rows.len(), counts.join(", "));
        text
    }
}

fn line(row: &Row) -> String {
    // What several runs have in common is said once.
    let mut said: Vec<(&str, Vec<String>)> = Vec::new();
    for (run, finding) in row.decisive() {
        match said.iter_mut().find(|(what, _)| *what == finding.what) {
            Some((_, runs)) => runs.push(run),
            None => said.push((&finding.what, vec![run])),
        }
    }
    let all = row.runs.len();
    let sentences = said
        .into_iter()
        .map(|(what, runs)| match runs.join(", ").as_str() {
            "" => what.to_owned(),
            _ if runs.len() == all => what.to_owned(),
            names => format!("{names}: {what}"),
        });
    let line = format!(
        "{:<5}{:<4} {}",
        row.verdict,
        row.id,
        sentences.collect::<Vec<_>>().join("; ")
    );
    match line.char_indices().nth(WIDTH) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}
