//! The report on a terminal: one line per row, the worst last. Problems are shown in full, with
//! what was played.

use std::fmt::Write as _;

use super::{Changes, Report, Row};
use crate::verdict::Verdict;

/// Width at which lines are shortened or wrapped.
const WIDTH: usize = 118;
/// The most runs that are named with a finding; beyond that only their number is given.
const MAX_NAMED: usize = 8;
/// Where the text about a row begins: after its verdict and its name.
const INDENT: usize = 10;
/// The most characters about a row with a problem: several lines, but not a screen.
const MAX_TOLD_CHARS: usize = 4 * (WIDTH - INDENT);

impl Report {
    /// Returns one line per row, the worst last, and a line that counts them. A row with a problem
    /// has what was played and asked below it. Rows that an interruption kept from being judged are
    /// named at the end.
    #[must_use]
    pub fn lines(&self) -> String {
        let judged = self.rows.iter().filter(|row| !row.is_unplayed());
        let mut rows: Vec<&Row> = judged.collect();
        rows.sort_by_key(|row| (row.verdict, row.id));
        let mut text = String::new();
        let mut rest = &rows[..];
        while let [row, others @ ..] = rest {
            let alike = others.iter().take_while(|other| says_as_little(row, other));
            let (alike, behind) = others.split_at(alike.count());
            text.push_str(&lines(row, alike));
            rest = behind;
        }
        // Writing to a String does not fail.
        let _ = writeln!(text, "\n{}", self.counts());
        for paragraph in self.unjudged() {
            for line in wrapped(&paragraph) {
                let _ = writeln!(text, "{line}");
            }
        }
        text
    }

    /// Says what an interruption kept from being judged, in sentences; empty if nothing.
    pub(super) fn unjudged(&self) -> Vec<String> {
        let left = self.rows.iter().filter(|row| row.unplayed() > 0);
        let (none, some): (Vec<&Row>, Vec<&Row>) = left.partition(|row| row.is_unplayed());
        let names = |rows: &[&Row], name: &dyn Fn(&Row) -> String| {
            let names: Vec<String> = rows.iter().map(|row| name(row)).collect();
            names.join(", ")
        };
        let mut told = Vec::new();
        if !none.is_empty() {
            let ids = names(&none, &|row| row.id.to_string());
            told.push(format!("interrupted; not judged: {ids}"));
        }
        if !some.is_empty() {
            let ids = names(&some, &|row| {
                let (all, left) = (row.runs.len(), row.unplayed());
                format!("{} ({} of {all} runs)", row.id, all - left)
            });
            told.push(format!("interrupted; judged in part: {ids}"));
        }
        let (drawn, played): (Vec<&Row>, Vec<&Row>) =
            self.rows.iter().partition(|row| row.runs.is_empty());
        if !told.is_empty() && !drawn.is_empty() {
            let ids = names(&drawn, &|row| row.id.to_string());
            let runs = played.iter().flat_map(|row| &row.runs);
            let runs = runs.filter(|run| !run.unplayed).count();
            told.push(format!("{ids}: of the {runs} runs that were played"));
        }
        told
    }

    /// Returns the command that plays what an interruption kept from being judged; `None` if
    /// nothing did.
    #[must_use]
    pub fn rest(&self) -> Option<String> {
        let left = self.rows.iter().filter(|row| row.unplayed() > 0);
        let ids: Vec<String> = left.map(|row| row.id.to_string()).collect();
        (!ids.is_empty()).then(|| self.again(&ids.join(",")))
    }

    /// Says how many cases there are, and how many of each verdict.
    pub(super) fn counts(&self) -> String {
        // A row that was not judged has no verdict, even if files call it not applicable.
        let unjudged = self.rows.iter().filter(|row| row.is_unplayed()).count();
        let counts: Vec<String> = Verdict::ALL
            .into_iter()
            .rev()
            .map(|verdict| {
                let of = self.count(verdict);
                let of = match verdict {
                    Verdict::NotApplicable => of.saturating_sub(unjudged),
                    _ => of,
                };
                format!("{of} {verdict}")
            })
            .collect();
        let counts = format!("{} cases: {}", self.rows.len(), counts.join(", "));
        match unjudged {
            0 => counts,
            _ => format!("{counts}, {unjudged} not judged"),
        }
    }

    /// Says what to do about problems, or about changes if verdicts are expected: the commands that
    /// explain the worst one and play all of them again. `None` if nothing fails, gives a warning,
    /// or changed.
    #[must_use]
    pub fn next_step(&self, changes: Option<&Changes>) -> Option<String> {
        let ids = changes.map(Changes::ids);
        let is_due = |row: &&Row| match &ids {
            Some(ids) => ids.contains(&row.id),
            None => row.verdict >= Verdict::Warn,
        };
        let wrong = self.rows.iter().filter(is_due);
        let worst = wrong.clone().map(|row| row.verdict).max()?;
        let worst = wrong.clone().find(|row| row.verdict == worst)?;
        let explained = format!(
            "for why, and what good clients do: wstape referee explain {}",
            worst.id
        );
        // Rows drawn from all cases can't be played by themselves.
        let played = wrong.filter(|row| !row.runs.is_empty());
        let ids: Vec<String> = played.map(|row| row.id.to_string()).collect();
        if ids.is_empty() {
            return Some(explained);
        }
        let again = self.again(&ids.join(","));
        Some(format!("{explained}\nto play these again: {again}"))
    }
}

/// Returns the text about a row.
pub(super) fn said(row: &Row) -> String {
    // What several runs have in common is said once.
    let mut said: Vec<(&str, Vec<String>)> = Vec::new();
    for (run, finding) in row.decisive() {
        match said.iter_mut().find(|(what, _)| *what == finding.what) {
            Some((_, runs)) => runs.push(run),
            None => said.push((&finding.what, vec![run])),
        }
    }
    // Runs that an interruption cut off say nothing about the client.
    let all = match row.runs.len() - row.unplayed() {
        0 => row.runs.len(),
        judged => judged,
    };
    let sentences = said
        .into_iter()
        .map(|(what, runs)| match runs.join(", ").as_str() {
            "" => what.to_owned(),
            _ if runs.len() == all => what.to_owned(),
            _ if runs.len() > MAX_NAMED => format!("{} of {all} runs: {what}", runs.len()),
            names => format!("{names}: {what}"),
        });
    sentences.collect::<Vec<_>>().join("; ")
}

/// Whether neither row could be asked, for the same reason.
fn says_as_little(row: &Row, other: &Row) -> bool {
    let verdicts = [row.verdict, other.verdict];
    verdicts == [Verdict::NotApplicable; 2] && said(row) == said(other)
}

/// Returns the row's line, with the names of rows that say the same. Below a problem it lists
/// everything that was seen, and what was played and asked.
fn lines(row: &Row, alike: &[&Row]) -> String {
    let head = format!("{:<5}{:<4} ", row.verdict, row.id);
    let mut said = said(row);
    if !alike.is_empty() {
        let ids: Vec<String> = alike.iter().map(|it| it.id.to_string()).collect();
        let _ = write!(said, " ({} too)", ids.join(", "));
    }
    if row.verdict < Verdict::Warn {
        return format!("{head}{}\n", shortened(&said, WIDTH - INDENT));
    }
    let mut text = head;
    let told = [
        shortened(&said, MAX_TOLD_CHARS),
        format!("played: {}", row.played),
        format!("asked: {}", row.asked),
    ];
    for (n, paragraph) in told.iter().enumerate() {
        for (m, line) in wrapped(paragraph).enumerate() {
            if n + m > 0 {
                text.push_str(&" ".repeat(INDENT));
            }
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// Shortens text to this many characters, with a mark if some are left out.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

/// Breaks text into lines at spaces; a line that is longer is a single long word.
fn wrapped(text: &str) -> impl Iterator<Item = String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let is_full = lines.last().is_some_and(|line| {
            !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH - INDENT
        });
        if is_full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::cases;
    use crate::report::{Expected, RunReport};
    use crate::verdict::Finding;

    /// A report on a client with these findings for these cases.
    fn report(found: &[(&str, Verdict, &str)]) -> Report {
        let cases = cases().expect("cases");
        let rows = found.iter().map(|(id, verdict, what)| {
            let case = cases
                .iter()
                .find(|it| it.id.to_string() == *id)
                .expect("a case");
            let mut row = Row::of(case);
            let finding = Finding::new(*verdict, *what);
            row.push(case, RunReport::new(String::new(), vec![finding]));
            row
        });
        Report::new("python3 client.py".to_owned(), "events".to_owned(), rows)
    }

    #[test]
    fn what_is_wrong_is_told_whole_with_what_was_played_and_what_is_right_in_a_line() {
        let long = "a sentence that goes on ".repeat(8);
        let report = report(&[("R4", Verdict::Fail, &long), ("E2", Verdict::Pass, &long)]);
        let text = report.lines();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("pass E2   a sentence") && lines[0].ends_with('…'),
            "{text}"
        );
        assert!(lines[1].starts_with("fail R4   a sentence"), "{text}");
        assert!(
            lines[2].starts_with("          ") && !text[text.find("fail").unwrap()..].contains('…'),
            "{text}"
        );
        assert!(
            lines.contains(&"          played: A message, then Close 1000, again and again"),
            "{text}"
        );
        assert!(lines.contains(&"          asked: no storm"), "{text}");
        assert!(
            lines.iter().all(|line| line.chars().count() <= WIDTH + 1),
            "{text}"
        );
    }

    #[test]
    fn what_could_not_be_asked_for_one_reason_is_one_line_and_other_rows_have_their_own() {
        let none = Verdict::NotApplicable;
        let report = report(&[
            ("S1", none, "no stream"),
            ("S2", none, "no stream"),
            ("S3", none, "another reason"),
            ("E2", Verdict::Pass, "came back"),
            ("E4", Verdict::Pass, "came back"),
        ]);
        let expected = "n/a  S1   no stream (S2 too)\n\
                        n/a  S3   another reason\n\
                        pass E2   came back\n\
                        pass E4   came back\n\n\
                        5 cases: 0 fail, 0 warn, 2 pass, 0 info, 3 n/a\n";
        assert_eq!(report.lines(), expected);
    }

    #[test]
    fn the_next_step_explains_the_worst_and_plays_again_all_that_is_wrong() {
        let mut wrong = report(&[
            ("R4", Verdict::Fail, "a storm"),
            ("X1", Verdict::Warn, "no Close"),
            ("E2", Verdict::Pass, "came back"),
        ]);
        wrong.options = "--once ".to_owned();
        assert_eq!(
            wrong.next_step(None).as_deref(),
            Some(
                "for why, and what good clients do: wstape referee explain R4\n\
                 to play these again: wstape referee --once --only R4,X1 -- python3 client.py"
            )
        );
        assert_eq!(
            report(&[("E2", Verdict::Pass, "came back")]).next_step(None),
            None
        );
    }

    #[test]
    fn where_verdicts_are_expected_the_next_step_is_about_what_changed_alone() {
        let found = report(&[
            ("R4", Verdict::Fail, "a storm"),
            ("X1", Verdict::Warn, "no Close"),
        ]);
        let step = |expected: &str| {
            let expected: Expected = serde_json::from_str(expected).expect("verdicts");
            found.next_step(Some(&expected.changes(&found)))
        };
        assert_eq!(step(r#"{"R4":"fail","X1":"warn"}"#), None);
        assert_eq!(
            step(r#"{"R4":"fail","X1":"pass"}"#).as_deref(),
            Some(
                "for why, and what good clients do: wstape referee explain X1\n\
                 to play these again: wstape referee --only X1 -- python3 client.py"
            )
        );
    }

    #[test]
    fn what_an_interruption_left_is_named_with_the_command_that_plays_it() {
        let cases = cases().expect("cases");
        let case = |id: &str| {
            cases
                .iter()
                .find(|it| it.id.to_string() == id)
                .expect("a case")
        };
        let row = |id: &str, passed: usize, unplayed: usize| {
            let mut row = Row::of(case(id));
            for _ in 0..passed {
                let finding = Finding::new(Verdict::Pass, "came back");
                row.push(case(id), RunReport::new(String::new(), vec![finding]));
            }
            for _ in 0..unplayed {
                row.push(case(id), RunReport::unplayed(String::new()));
            }
            row
        };
        let report = |rows: Vec<Row>| Report::new("client".to_owned(), "events".to_owned(), rows);
        let mut everywhere = Row::everywhere(crate::CaseId::ENDED_BY_A_SIGNAL, "no signal");
        everywhere.findings = vec![Finding::new(Verdict::Pass, "none did")];
        let rows = vec![
            row("E2", 1, 0),
            row("R2", 3, 9),
            row("R4", 0, 1),
            row("R5", 0, 2),
            everywhere,
        ];
        let expected = "pass R2   came back\n\
                        pass E2   came back\n\
                        pass X5   none did\n\n\
                        5 cases: 0 fail, 0 warn, 3 pass, 0 info, 0 n/a, 2 not judged\n\
                        interrupted; not judged: R4, R5\n\
                        interrupted; judged in part: R2 (3 of 12 runs)\n\
                        X5: of the 4 runs that were played\n";
        let left = report(rows);
        assert_eq!(left.lines(), expected);
        let rest = "wstape referee --only R2,R4,R5 -- client";
        assert_eq!(left.rest().as_deref(), Some(rest));
        let whole = report(vec![row("E2", 1, 0)]);
        assert_eq!((whole.rest(), whole.unjudged().len()), (None, 0));
    }
}
