//! The timeline: what happened, a line each, long runs of alike lines folded.

use std::fmt;

use fixtures::Micros;
use mock_engine::{Entry, JournalKind};

/// Longest cycle of lines that is recognised.
const MAX_CYCLE: usize = 16;
/// Lines that a fold must save at least.
const MIN_SAVED: usize = 3;
/// Broadcasts in a row beyond which they are counted instead of listed.
const MAX_SENT_LISTED: usize = 8;

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Micros,
    /// On which connection.
    pub conn: Option<u64>,
    /// What, in the project's words.
    pub text: String,
    /// The event's name, where the line is a broadcast that may be counted.
    sent: Option<String>,
}

impl Line {
    /// The line of a journal entry.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let sent = match &entry.kind {
            JournalKind::Sent { what, .. } => Some(what.to_string()),
            _ => None,
        };
        Self {
            at: entry.at,
            conn: entry.conn,
            text: entry.kind.to_string(),
            sent,
        }
    }

    fn row(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conn = self.conn.map(|conn| format!("#{conn}")).unwrap_or_default();
        writeln!(f, "{:>14}  {conn:<5} {}", self.at.to_string(), self.text)
    }
}

/// Lines in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline(pub Vec<Line>);

impl Timeline {
    /// Counts broadcasts that follow each other, where they are many.
    fn counted(&self) -> Vec<Line> {
        let mut lines = Vec::with_capacity(self.0.len());
        let mut rest = self.0.as_slice();
        while let Some(first) = rest.first() {
            let run = rest
                .iter()
                .take_while(|line| line.sent.is_some() && line.conn == first.conn)
                .count();
            let (taken, left) = rest.split_at(run.max(1));
            rest = left;
            if run <= MAX_SENT_LISTED {
                lines.extend_from_slice(taken);
                continue;
            }
            let mut counts: Vec<(&str, usize)> = Vec::new();
            for name in taken.iter().filter_map(|line| line.sent.as_deref()) {
                match counts.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, n)) => *n += 1,
                    None => counts.push((name, 1)),
                }
            }
            let counts: Vec<String> = counts
                .iter()
                .map(|(name, n)| format!("{name} ×{n}"))
                .collect();
            let until = taken[run - 1].at;
            lines.push(Line {
                text: format!("→ {}, to {until}", counts.join(", ")),
                ..first.clone()
            });
        }
        lines
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.counted();
        let mut rest = lines.as_slice();
        while let Some(first) = rest.first() {
            let Some((cycle, times)) = longest_cycle(rest) else {
                first.row(f)?;
                rest = &rest[1..];
                continue;
            };
            for line in &rest[..cycle] {
                line.row(f)?;
            }
            let folded = cycle * times;
            let until = rest[folded - 1].at;
            let what = if cycle == 1 {
                "this line".to_owned()
            } else {
                format!("these {cycle} lines")
            };
            writeln!(f, "{:>14}  {:<5} … {what} ×{times}, to {until}", "", "")?;
            rest = &rest[folded..];
        }
        Ok(())
    }
}

/// The cycle at the head of `lines` whose repetitions save most: its length and how often it
/// stands there.
fn longest_cycle(lines: &[Line]) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    for cycle in 1..=MAX_CYCLE.min(lines.len() / 2) {
        let head = &lines[..cycle];
        let times = lines
            .chunks_exact(cycle)
            .take_while(|chunk| alike(head, chunk))
            .count();
        let saved = |(cycle, times): (usize, usize)| cycle * (times - 1);
        if saved((cycle, times)) >= MIN_SAVED.max(cycle * 2)
            && best.is_none_or(|best| saved((cycle, times)) > saved(best))
        {
            best = Some((cycle, times));
        }
    }
    best
}

/// Whether two stretches say the same of the same connections, counted from their first.
fn alike(a: &[Line], b: &[Line]) -> bool {
    let base = |lines: &[Line]| lines.iter().find_map(|line| line.conn).unwrap_or_default();
    let (base_a, base_b) = (base(a), base(b));
    a.iter().zip(b).all(|(a, b)| {
        a.text == b.text
            && a.conn.map(|conn| conn - base_a.min(conn))
                == b.conn.map(|conn| conn - base_b.min(conn))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: u64, conn: Option<u64>, text: &str) -> Line {
        Line {
            at: Micros::from_ms(at),
            conn,
            text: text.to_owned(),
            sent: text.strip_prefix("→ ").map(ToOwned::to_owned),
        }
    }

    #[test]
    fn a_cycle_over_ever_new_connections_folds_into_one() {
        let lines = (0..5)
            .flat_map(|n| {
                [
                    line(n * 700, Some(n + 1), "accepted"),
                    line(n * 700 + 200, Some(n + 1), "fin"),
                ]
            })
            .chain([line(9_000, None, "end")])
            .collect();
        let expected = concat!(
            "      0.000000  #1    accepted\n",
            "      0.200000  #1    fin\n",
            "                      … these 2 lines ×5, to 3.000000\n",
            "      9.000000        end\n",
        );
        assert_eq!(Timeline(lines).to_string(), expected);
    }

    #[test]
    fn many_broadcasts_in_a_row_are_counted_by_kind_and_few_are_listed() {
        let many = (0..9).map(|n| {
            line(
                n,
                None,
                if n % 3 == 0 {
                    "→ risk"
                } else {
                    "→ heartbeat"
                },
            )
        });
        let text = Timeline(many.collect()).to_string();
        assert_eq!(
            text,
            "      0.000000        → risk ×3, heartbeat ×6, to 0.008000\n"
        );
        let few = (0..3).map(|n| line(n, None, "→ risk")).collect();
        assert_eq!(Timeline(few).to_string().lines().count(), 3);
    }
}
