//! The results for a workflow on GitHub.

use std::fmt::Write as _;

use super::failure::Failure;
use super::results::{Ending, Results};
use super::summary::grouped;

/// Most annotations of a run: GitHub shows ten of each kind per step.
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
        if !self.judged.left_out.is_empty() {
            text.push_str("\n| left out | why |\n| --- | --- |\n");
            for left_out in &self.judged.left_out {
                let why = cell(&left_out.why);
                let _ = writeln!(text, "| {} | {why} |", left_out.rule);
            }
        }
        text.push_str("\n| rule | | held |\n| --- | --- | ---: |\n");
        for (rule, n) in &self.tally.coverage.rules {
            let _ = writeln!(text, "| {rule} | {} | {} |", rule.title(), grouped(*n));
        }
        text
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
