//! The timeline: what happened, one line each, with long runs of similar lines folded.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use wstape_mock_engine::{Entry, JournalKind};
use wstape_tape::Micros;

/// Longest cycle of lines that is recognised.
const MAX_CYCLE: usize = 16;
/// How many lines a fold must save at least.
const MIN_SAVED: usize = 3;
/// Broadcasts in a row beyond which they are counted instead of listed.
const MAX_SENT_LISTED: usize = 8;

/// How many lines are kept one by one. If there are more, broadcasts are counted at once; if there
/// are still too many, later lines are counted by kind.
const MAX_KEPT: usize = 65_536;
/// How many of the latest lines are held back before they are counted: one of them may still turn
/// out to have come too late to belong to the run.
const MAX_RECENT: usize = 8_192;

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it happened.
    pub at: Micros,
    /// The connection it happened on, if it belongs to one.
    pub conn: Option<u64>,
    /// What happened, in the project's words.
    pub text: String,
    /// `Some` if the line is a broadcast that may be counted.
    sent: Option<Sent>,
}

/// Broadcasts that follow each other on the same connections.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    /// How many there were of each event, in the order in which each first came.
    counts: Vec<(Box<str>, usize)>,
    /// When the last of them was sent.
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

    /// Makes a line of this text.
    #[cfg(test)]
    pub(crate) fn told(at: Micros, conn: Option<u64>, text: &str) -> Self {
        let (text, sent) = (text.to_owned(), None);
        Self {
            at,
            conn,
            text,
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

    fn row(&self, f: &mut impl fmt::Write) -> fmt::Result {
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

/// Lines in order: one per journal entry or, in a long run, one count for consecutive broadcasts.
/// In a still longer run the first lines are listed and the rest counted, with a hash of them all,
/// so that memory does not grow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    lines: Vec<Line>,
    /// Whether no more lines are listed.
    full: bool,
    /// The latest lines beyond those listed.
    recent: VecDeque<Line>,
    rest: Unlisted,
}

/// Lines that are counted, by their first words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Unlisted {
    counts: BTreeMap<String, u64>,
    until: Micros,
    hash: u64,
}

impl Unlisted {
    fn add(&mut self, line: &Line) {
        /// FNV-1a's prime, 64 bits.
        const PRIME: u64 = 0x0100_0000_01b3;
        let mut row = String::new();
        // Writing to a string does not fail.
        let _ = line.row(&mut row);
        for byte in row.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
        let mut words = line.text.split_inclusive(' ');
        let mut kind: String = words.by_ref().take(1).collect();
        // An arrow alone says nothing.
        if !kind.starts_with(|c: char| c.is_ascii_alphabetic()) {
            kind.extend(words.next());
        }
        let kind = kind.trim_end().trim_end_matches([',', ':']);
        match self.counts.get_mut(kind) {
            Some(n) => *n += 1,
            None => drop(self.counts.insert(kind.to_owned(), 1)),
        }
        self.until = line.at;
    }
}

impl Timeline {
    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(crate) fn push(&mut self, line: Line) {
        if !self.full && self.lines.len() >= MAX_KEPT {
            self.lines = self.counted();
            // If counting does not halve the timeline now, it won't keep it short later.
            self.full = self.lines.len() > MAX_KEPT / 2;
        }
        if !self.full {
            self.lines.push(line);
            return;
        }
        self.recent.push_back(line);
        if self.recent.len() > MAX_RECENT
            && let Some(line) = self.recent.pop_front()
        {
            self.rest.add(&line);
        }
    }

    /// Forgets what came later than `last`.
    pub(crate) fn cut(&mut self, last: Micros) {
        self.lines.retain(|line| line.at <= last);
        self.recent.retain(|line| line.at <= last);
    }

    /// Replaces many consecutive broadcasts by their count.
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
        let mut unlisted = self.rest.clone();
        self.recent.iter().for_each(|line| unlisted.add(line));
        let number: u64 = unlisted.counts.values().sum();
        if number > 0 {
            let (until, hash) = (unlisted.until, unlisted.hash);
            writeln!(
                f,
                "{:>14}  {:<5} … {number} lines more, to {until}, hash {hash:016x}",
                "", ""
            )?;
            for (kind, n) in &unlisted.counts {
                writeln!(f, "{:>14}  {:<5}   {kind} ×{n}", "", "")?;
            }
        }
        Ok(())
    }
}

/// The cycle at the head of `lines` whose folding saves most: its length and how often it
/// repeats there.
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

/// Whether two stretches say the same about the same connections, which are numbered from the first
/// one of each stretch.
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

    #[test]
    fn lines_beyond_what_is_kept_that_can_not_be_counted_together_are_counted_by_kind() {
        let kept = u64::try_from(MAX_KEPT).unwrap();
        let pings = |n: u64, odd: &str| -> Timeline {
            let text = |n: u64| match n {
                70_000 => odd.to_owned(),
                n => format!("← ping \"{n}\""),
            };
            (0..n).map(|n| line(n, Some(1), &text(n))).collect()
        };
        let long = pings(3 * kept, "→ pong \"x\"");
        assert!(long.lines.len() + long.recent.len() <= MAX_KEPT + MAX_RECENT);
        let text = long.to_string();
        let until = Micros::from_ms(3 * kept - 1);
        let head = format!("… {} lines more, to {until}, hash ", 2 * kept);
        assert!(text.contains(&head), "{}", &text[text.len() - 200..]);
        let counts = format!("  ← ping ×{}\n", 2 * kept - 1);
        assert!(text.contains(&counts), "{}", &text[text.len() - 200..]);
        // One that differs anywhere is another outcome.
        assert_ne!(text, pings(3 * kept, "→ pong \"y\"").to_string());
        assert_eq!(text, pings(3 * kept, "→ pong \"x\"").to_string());
        // What came too late is cut, even from so many.
        let mut cut = long.clone();
        cut.cut(Micros::from_ms(3 * kept - 11));
        let shorter = format!("… {} lines more, ", 2 * kept - 10);
        assert!(cut.to_string().contains(&shorter));
    }
}
