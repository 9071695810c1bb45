//! The timeline: what happened, a line each, long runs of alike lines folded.

use std::fmt;

use wstape_mock_engine::{Entry, JournalKind};
use wstape_tape::Micros;

/// Longest cycle of lines that is recognised.
const MAX_CYCLE: usize = 16;
/// Lines that a fold must save at least.
const MIN_SAVED: usize = 3;
/// Broadcasts in a row beyond which they are counted instead of listed.
const MAX_SENT_LISTED: usize = 8;

/// Lines that are kept one by one; where there are more, broadcasts are counted at once.
const MAX_KEPT: usize = 65_536;

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Micros,
    /// On which connection.
    pub conn: Option<u64>,
    /// What, in the project's words.
    pub text: String,
    /// Where the line is a broadcast that may be counted.
    sent: Option<Sent>,
}

/// Broadcasts that follow each other on the same connections.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    /// How many of each event, in the order of their first.
    counts: Vec<(Box<str>, usize)>,
    /// The last of them.
    until: Micros,
}

impl Line {
    /// The line of a journal entry.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let sent = match &entry.kind {
            JournalKind::Sent { what, .. } => Some(Sent::one(what, entry.at)),
            _ => None,
        };
        Self {
            at: entry.at,
            conn: entry.conn,
            text: entry.kind.to_string(),
            sent,
        }
    }

    /// One line for all of `run`, which are broadcasts on the same connections.
    fn counted(run: &[Self]) -> Option<Self> {
        let (first, rest) = run.split_first()?;
        let mut line = first.clone();
        let all = line.sent.as_mut()?;
        for more in rest.iter().filter_map(|line| line.sent.as_ref()) {
            all.add(more);
        }
        let counts: Vec<String> = all
            .counts
            .iter()
            .map(|(name, n)| format!("{name} ×{n}"))
            .collect();
        line.text = format!("→ {}, to {}", counts.join(", "), all.until);
        Some(line)
    }

    fn row(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conn = self.conn.map(|conn| format!("#{conn}")).unwrap_or_default();
        writeln!(f, "{:>14}  {conn:<5} {}", self.at.to_string(), self.text)
    }
}

impl Sent {
    fn one(what: &str, at: Micros) -> Self {
        Self {
            counts: vec![(what.into(), 1)],
            until: at,
        }
    }

    fn number(&self) -> usize {
        self.counts.iter().map(|(_, n)| n).sum()
    }

    fn add(&mut self, more: &Self) {
        for (name, n) in &more.counts {
            match self.counts.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known += n,
                None => self.counts.push((name.clone(), *n)),
            }
        }
        self.until = more.until;
    }
}

/// Lines in order: one a line of the journal, or, of a long run, the broadcasts that follow each
/// other counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    lines: Vec<Line>,
    /// How many there may be before broadcasts are counted; grows with what can't be.
    most: usize,
}

impl Timeline {
    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(crate) fn push(&mut self, line: Line) {
        if self.lines.len() >= self.most.max(MAX_KEPT) {
            self.lines = self.counted();
            self.most = self.lines.len() * 2;
        }
        self.lines.push(line);
    }

    /// Forgets what came later than `last`.
    pub(crate) fn cut(&mut self, last: Micros) {
        self.lines.retain(|line| line.at <= last);
    }

    /// Counts broadcasts that follow each other, where they are many.
    fn counted(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let alike = |a: &Line, b: &Line| a.sent.is_some() && b.sent.is_some() && a.conn == b.conn;
        for run in self.lines.chunk_by(alike) {
            let number: usize = run
                .iter()
                .filter_map(|line| line.sent.as_ref().map(Sent::number))
                .sum();
            match Line::counted(run) {
                Some(line) if number > MAX_SENT_LISTED => lines.push(line),
                _ => lines.extend_from_slice(run),
            }
        }
        lines
    }
}

impl FromIterator<Line> for Timeline {
    fn from_iter<I: IntoIterator<Item = Line>>(lines: I) -> Self {
        let mut timeline = Self::default();
        lines.into_iter().for_each(|line| timeline.push(line));
        timeline
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
            sent: text
                .strip_prefix("→ ")
                .map(|what| Sent::one(what, Micros::from_ms(at))),
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
            .collect::<Timeline>();
        let expected = concat!(
            "      0.000000  #1    accepted\n",
            "      0.200000  #1    fin\n",
            "                      … these 2 lines ×5, to 3.000000\n",
            "      9.000000        end\n",
        );
        assert_eq!(lines.to_string(), expected);
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
        let text = many.collect::<Timeline>().to_string();
        assert_eq!(
            text,
            "      0.000000        → risk ×3, heartbeat ×6, to 0.008000\n"
        );
        let few: Timeline = (0..3).map(|n| line(n, None, "→ risk")).collect();
        assert_eq!(few.to_string().lines().count(), 3);
    }

    #[test]
    fn broadcasts_beyond_what_is_kept_are_counted_and_the_text_is_the_same() {
        let all = u64::try_from(MAX_KEPT).unwrap() * 3;
        let long: Timeline = (0..all).map(|n| line(n, None, "→ risk")).collect();
        assert!(long.lines().len() <= MAX_KEPT);
        let until = Micros::from_ms(all - 1);
        let expected = format!("      0.000000        → risk ×{all}, to {until}\n");
        assert_eq!(long.to_string(), expected);
    }
}
