//! The results for a workflow on GitHub.

use std::fmt::Write as _;

use super::failure::Failure;
use super::results::{Ending, Results};
use super::summary::grouped;
use wstape_oracle::Rule;

/// The most annotations of a run: GitHub shows ten of each kind per step.
pub const MAX_ANNOTATIONS: usize = 10;

impl Results {
    /// The failures as workflow commands that GitHub shows beside the code, one per line, at most
    /// [`MAX_ANNOTATIONS`]; an inconclusive run gives a warning.
    #[must_use]
    pub fn annotations(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.failures.iter().map(annotation).collect();
        if let Some(blindness) = self.blindness() {
            lines.push(format!(
                "::error title={}::{}",
                property("chaos is broken"),
                message(&blindness)
            ));
        }
        if self.ending() == Ending::Inconclusive {
            let doubts = self.doubts().join("\n");
            lines.push(format!(
                "::warning title={}::{}",
                property("chaos is inconclusive"),
                message(&doubts)
            ));
        }
        if lines.len() > MAX_ANNOTATIONS {
            let more = lines.len() - (MAX_ANNOTATIONS - 1);
            lines.truncate(MAX_ANNOTATIONS - 1);
            lines.push(format!(
                "::error title={}::{more} more rules broke; see the step's summary",
                property("chaos")
            ));
        }
        lines
    }

    /// The results in Markdown, for `GITHUB_STEP_SUMMARY`.
    #[must_use]
    pub fn markdown(&self) -> String {
        let ending = match self.ending() {
            Ending::Held => "held",
            Ending::Broken => "**broken**",
            Ending::Blind => "**blind**",
            Ending::Inconclusive => "**inconclusive**",
            Ending::NotDeterministic => "**not deterministic**",
        };
        let mut text = format!(
            "## Chaos: {ending}\n\n{}: {}, wstape {}. {}.\n",
            self.subject,
            self.parts_text(),
            self.version,
            self.figures()
        );
        for failure in &self.failures {
            let _ = write!(
                text,
                "\n### {}\n\n",
                cell(&failure.violation.rule.to_string())
            );
            let _ = writeln!(
                text,
                "```text\n{}```",
                failure.complete().replace("```", "'''")
            );
        }
        if matches!(self.ending(), Ending::Inconclusive | Ending::Blind) {
            text.push('\n');
            for doubt in self.doubts() {
                let _ = writeln!(text, "- {}", cell(&doubt));
            }
        }
        let left_out = self.judged.left_out.iter();
        let left_out = left_out.map(|left_out| (left_out.rule, left_out.why.clone()));
        table(&mut text, "left out", left_out);
        let not_exercised = self.judged.not_exercised.iter();
        let not_exercised = not_exercised.filter_map(|rule| {
            let why = self.judged.why_not_exercised(*rule)?;
            Some((*rule, why))
        });
        table(&mut text, "not exercised", not_exercised);
        text.push_str("\n| rule | | held |\n| --- | --- | ---: |\n");
        for (rule, n) in &self.tally.coverage.rules {
            let _ = writeln!(text, "| {rule} | {} | {} |", rule.title(), grouped(*n));
        }
        text
    }
}

/// A table of rules and why; nothing if there are none.
fn table(text: &mut String, head: &str, rules: impl Iterator<Item = (Rule, String)>) {
    let mut rules = rules.peekable();
    if rules.peek().is_none() {
        return;
    }
    // Writing into a string does not fail.
    let _ = writeln!(text, "\n| {head} | why |\n| --- | --- |");
    for (rule, why) in rules {
        let _ = writeln!(text, "| {rule} | {} |", cell(&why));
    }
}

fn annotation(failure: &Failure) -> String {
    let rule = failure.violation.rule;
    let title = property(&format!("{rule}: {}", rule.title()));
    let text = message(&failure.complete());
    match failure.files.first() {
        Some(tape) => format!("::error file={},title={title}::{text}", property(tape)),
        None => format!("::error title={title}::{text}"),
    }
}

/// Escapes text for a workflow command's message.
fn message(text: &str) -> String {
    text.trim_end()
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes text for a workflow command's property.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

/// Escapes text so that it can't end a table cell or begin a tag.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('\n', " ")
}
