//! The results as text for a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::failure::Failure;
use super::results::{Ending, Results, under_way};
use crate::fault::Family;

/// Width of a table's cell, which holds a count and a name.
const CELL: usize = 38;
/// Cells side by side.
const COLUMNS: usize = 2;

impl Results {
    /// The whole summary: what was seen and how often, then the conclusion, with failures last and
    /// complete.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = self.tables();
        text.push('\n');
        text.push_str(&self.conclusion());
        text
    }

    /// The conclusion: the run's figures, its failures, its ending.
    #[must_use]
    pub fn conclusion(&self) -> String {
        let mut text = format!("{}\n{}", self.figures(), self.judged.text());
        for (what, cases) in &self.tally.blamed {
            // Writing into a string does not fail.
            let _ = writeln!(
                text,
                "a dependency logs {what} in {} cases: this does not break R14, but check its log \
                 level",
                grouped(*cases)
            );
        }
        for failure in &self.failures {
            // Writing into a string does not fail.
            let _ = write!(text, "\n{}", failure.complete());
        }
        let _ = write!(text, "\n{}", self.verdict());
        text
    }

    fn tables(&self) -> String {
        let seen = &self.tally.coverage;
        let mut text = String::from("rules, and how often each one's precondition held\n");
        for (rule, n) in seen.rules.iter().filter(|(_, n)| **n > 0) {
            let rule_id = rule.to_string();
            let _ = writeln!(text, "{:>12}  {rule_id:<4} {}", grouped(*n), rule.title());
        }
        for family in Family::ALL {
            let kinds: BTreeMap<String, u64> = seen
                .faults
                .iter()
                .filter(|(kind, _)| kind.family() == family)
                .map(|(kind, n)| (kind.to_string(), *n))
                .collect();
            table(&mut text, &format!("faults of {family} that fired"), &kinds);
        }
        table(&mut text, "calls of the subscriber's user", &seen.calls);
        let edges = seen.edges.iter();
        let edges = edges.map(|(edge, n)| (edge.to_string(), *n)).collect();
        table(&mut text, "edges of the connection's state machine", &edges);
        text
    }

    /// `12,345 cases in 60.0 s (205/s), …`.
    pub(super) fn figures(&self) -> String {
        let tally = &self.tally;
        let seconds = self.elapsed().as_secs_f64();
        let per_second = match (tally.cases * 1_000).checked_div(self.elapsed_ms) {
            None | Some(0) => String::new(),
            Some(rate) => format!(" ({}/s)", grouped(rate)),
        };
        let left = match self.unjudged {
            0 => String::new(),
            n => format!("; {}", under_way(n)),
        };
        let played = Duration::from_micros(tally.virtual_us).as_secs_f64();
        let played = if self.judged.is_real {
            // Each case has its own time, because they are played side by side.
            format!("{:.1} minutes of real time, added up", played / 60.0)
        } else {
            format!("{:.1} virtual hours", played / 3_600.0)
        };
        format!(
            "{} cases in {seconds:.1} s{per_second}: {played}, {} reconnects, {} messages{left}",
            grouped(tally.cases),
            grouped(tally.reconnects),
            grouped(tally.messages),
        )
    }

    /// The last lines: how the run ended, and why if that is not obvious.
    fn verdict(&self) -> String {
        match self.ending() {
            Ending::Held if !self.judged.not_exercised.is_empty() => format!(
                "held: all {} rules that could be exercised, in all that was seen\n",
                self.judged.exercised().count()
            ),
            Ending::Held if self.judged.left_out.is_empty() => {
                "held: all rules, in all that was seen\n".to_owned()
            }
            Ending::Held => format!(
                "held: all {} rules that were judged, in all that was seen\n",
                self.judged.rules.len()
            ),
            Ending::Broken | Ending::NotDeterministic => {
                let rules = self.failures.iter().map(|failure| failure.violation.rule);
                let rules: Vec<String> = rules.map(|rule| rule.to_string()).collect();
                let word = match self.ending() {
                    Ending::Broken => "BROKEN",
                    _ => "NOT DETERMINISTIC",
                };
                let blindness = self.blindness().map(|what| format!("{what}\n"));
                let blindness = blindness.unwrap_or_default();
                format!("{blindness}{word}: {}\n", rules.join(", "))
            }
            Ending::Blind => {
                let doubts = self.doubts().join("\n  ");
                format!("BLIND: no rule broke, but\n  {doubts}\n")
            }
            Ending::Inconclusive => {
                let mut text = "INCONCLUSIVE: no rule broke, but\n".to_owned();
                for doubt in self.doubts() {
                    let _ = writeln!(text, "  {doubt}");
                }
                text
            }
        }
    }
}

impl Failure {
    /// Everything known about it, in lines.
    #[must_use]
    pub fn complete(&self) -> String {
        let mut text = format!("{self}\n");
        if !self.asks.is_empty() {
            let _ = writeln!(text, "  it asks: {}", self.asks);
        }
        if !self.excerpt.is_empty() {
            text.push('\n');
            for line in &self.excerpt {
                let _ = writeln!(text, "  {line}");
            }
            text.push('\n');
        }
        let meaning = self.violation.rule.meaning();
        if let Some(meaning) = meaning.filter(|_| !self.excerpt.is_empty()) {
            let _ = writeln!(text, "  look at: {}", meaning.look_at);
        }
        if self.times > 1 {
            let _ = writeln!(text, "  broken in {} cases", grouped(self.times));
        }
        if !self.repeats {
            let _ = writeln!(
                text,
                "  the same case did not break it when played again, so it was not shrunk: chance \
                 or a clock other than tokio's plays a part"
            );
        }
        if let Some(shrunk) = self.shrunk {
            let _ = writeln!(text, "  {shrunk}");
        }
        for file in &self.files {
            let _ = writeln!(text, "  {file}");
        }
        let _ = writeln!(text, "  again: {}", self.again);
        text
    }
}

/// Counts of what was seen, in columns read downwards; if something never seen matters, the
/// conclusion names it.
fn table(text: &mut String, title: &str, counts: &BTreeMap<String, u64>) {
    let cells: Vec<String> = counts
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(name, n)| format!("{:>12}  {name}", grouped(*n)))
        .collect();
    if cells.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    let rows = cells.len().div_ceil(COLUMNS);
    for row in 0..rows {
        let mut line = String::new();
        for cell in cells.iter().skip(row).step_by(rows) {
            let _ = write!(line, "{cell:<CELL$}");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// A number with thousands separators.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
