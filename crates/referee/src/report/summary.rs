//! A short summary in Markdown, for a job's page.

use std::fmt::Write as _;

use super::terminal::{said, shortened};
use super::{Changes, Report, Row};
use crate::verdict::Verdict;

/// The most characters about a row.
const MAX_TOLD_CHARS: usize = 240;

impl Report {
    /// The problems as a Markdown table, the worst first, with what to do about them; if verdicts
    /// are expected, the differences come above.
    ///
    /// # Panics
    /// Never: writing to a text does not fail.
    #[must_use]
    pub fn summary(&self, changes: Option<&Changes>) -> String {
        let mut text = format!("## Referee: `{}`\n\n{}.\n", self.client, self.counts());
        for told in self.unjudged() {
            let _ = writeln!(text, "\n{}.", cell(&told));
        }
        match changes {
            Some(changes) if changes.is_empty() => text.push_str("\nAs expected.\n"),
            Some(changes) => {
                text.push_str("\nNot as expected:\n\n");
                for line in changes.to_string().lines() {
                    let _ = writeln!(text, "- {line}");
                }
            }
            None => {}
        }
        let wrong = self.rows.iter().filter(|row| row.verdict >= Verdict::Warn);
        let mut wrong: Vec<&Row> = wrong.collect();
        wrong.sort_by_key(|row| (std::cmp::Reverse(row.verdict), row.id));
        if wrong.is_empty() {
            return text;
        }
        text.push_str("\n| | case | what was seen |\n| --- | --- | --- |\n");
        for row in wrong {
            let (verdict, id, played) = (row.verdict, row.id, &row.played);
            let said = shortened(&said(row), MAX_TOLD_CHARS);
            let _ = writeln!(
                text,
                "| {verdict} | {id} {} | {} |",
                cell(played),
                cell(&said)
            );
        }
        for line in self.next_step(changes).iter().flat_map(|it| it.lines()) {
            // Each line holds a sentence and a command.
            let (what, command) = line.split_once(": ").unwrap_or(("", line));
            let _ = writeln!(text, "\n{what}: `{command}`");
        }
        text
    }
}

/// Escapes text for a table cell: it may include what a client printed.
fn cell(text: &str) -> String {
    text.replace('\n', " ")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('`', "'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::cases;
    use crate::report::{Expected, RunReport};
    use crate::verdict::Finding;

    #[test]
    fn a_jobs_page_shows_what_changed_what_is_wrong_and_what_to_do() {
        let cases = cases().expect("cases");
        let row = |id: &str, verdict, what: &str| {
            let case = cases
                .iter()
                .find(|it| it.id.to_string() == id)
                .expect("a case");
            let mut row = Row::of(case);
            row.push(
                case,
                RunReport::new(String::new(), vec![Finding::new(verdict, what)]),
            );
            row
        };
        let rows = [
            row("E2", Verdict::Pass, "came back"),
            row("R4", Verdict::Fail, "a storm | <b>"),
            row("X1", Verdict::Warn, "without a Close"),
        ];
        let mut report = Report::new("python3 client.py".to_owned(), "events".to_owned(), rows);
        report.options = "--once ".to_owned();
        let expected: Expected =
            serde_json::from_str(r#"{"E2":"pass","R4":"pass","X1":"warn"}"#).expect("verdicts");
        let text = report.summary(Some(&expected.changes(&report)));
        let wanted = "## Referee: `python3 client.py`

3 cases: 1 fail, 1 warn, 1 pass, 0 info, 0 n/a.

Not as expected:

- R4: expected pass, found fail

| | case | what was seen |
| --- | --- | --- |
| fail | R4 A message, then Close 1000, again and again | a storm \\| &lt;b> |
| warn | X1 SIGTERM while connected | without a Close |

for why, and what good clients do: `wstape referee explain R4`

to play these again: `wstape referee --once --only R4 -- python3 client.py`
";
        assert_eq!(text, wanted);
        let text = report.summary(Some(&Expected::of(&report).changes(&report)));
        assert!(
            text.contains("\nAs expected.\n") && !text.contains("again:"),
            "{text}"
        );
    }
}
