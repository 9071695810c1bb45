//! Draws a tape's timeline: when messages came, and when the link was up.

use std::fmt;

use wstape_tape::{Action, End, Micros};

/// How many columns are counted while the tape is read. When time outgrows them, each pair becomes
/// one, so memory stays constant whatever the tape's length.
const COLUMNS: usize = 1024;
/// The maximum number of columns that are drawn.
const DRAWN: usize = 64;
/// The heights of a column, from almost nothing to the maximum.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What happened in a period of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Column {
    messages: u64,
    /// Whether the link was up, and whether it was down, at any point in it.
    up: bool,
    down: bool,
    /// The worst way a connection ended in it.
    end: Option<Ending>,
}

/// How a connection ended, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    Close,
    Fin,
    Refused,
    Reset,
}

impl Ending {
    fn of(action: &Action, was_up: bool) -> Option<Self> {
        Some(match action {
            Action::Close(_) => Self::Close,
            Action::Drop(End::Fin) | Action::Received(_) => Self::Fin,
            Action::Drop(End::Reset) => Self::Reset,
            Action::Down(_) if was_up => Self::Reset,
            Action::Refuse(_) | Action::Garbage(_) | Action::Accept(_) | Action::Hang(_) => {
                Self::Refused
            }
            _ => return None,
        })
    }

    fn sign(self) -> char {
        match self {
            Self::Close => 'c',
            Self::Fin => 'f',
            Self::Refused => 'x',
            Self::Reset => 'r',
        }
    }
}

impl Column {
    fn join(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            up: self.up || other.up,
            down: self.down || other.down,
            end: self.end.max(other.end),
        }
    }
}

/// A tape's timeline. `Display` writes it as three rows for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    columns: Vec<Column>,
    /// Microseconds per column.
    width: u64,
    /// The time up to which the link's state is drawn, and its state from there on.
    drawn_to: u64,
    up: bool,
    duration: Micros,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            columns: vec![Column::default(); COLUMNS],
            width: 1,
            drawn_to: 0,
            up: false,
            duration: Micros::ZERO,
        }
    }
}

impl Timeline {
    /// Adds a message.
    pub(super) fn message(&mut self, at: Micros) {
        self.column(at).messages += 1;
    }

    /// Adds the end of a connection, or a failed attempt.
    pub(super) fn end(&mut self, at: Micros, was_up: bool, action: &Action) {
        if let Some(ending) = Ending::of(action, was_up) {
            let column = self.column(at);
            column.end = column.end.max(Some(ending));
        }
    }

    /// Notes whether somebody is connected from here on.
    pub(super) fn link(&mut self, at: Micros, up: bool) {
        if up != self.up {
            self.draw_link(at);
            self.up = up;
        }
    }

    /// Ends the timeline.
    pub(super) fn close(&mut self, at: Micros, up: bool) {
        self.link(at, up);
        self.column(at);
        self.draw_link(at);
        self.duration = at;
    }

    /// Draws the link's current state up to `at`.
    fn draw_link(&mut self, at: Micros) {
        self.column(at);
        let from = self.index(self.drawn_to);
        let to = self.index(at.0);
        let up = self.up;
        for column in &mut self.columns[from..=to] {
            column.up |= up;
            column.down |= !up;
        }
        self.drawn_to = at.0;
    }

    fn index(&self, at: u64) -> usize {
        usize::try_from(at / self.width).unwrap_or(COLUMNS)
    }

    fn column(&mut self, at: Micros) -> &mut Column {
        while self.index(at.0) >= COLUMNS {
            for n in 0..COLUMNS / 2 {
                self.columns[n] = self.columns[2 * n].join(self.columns[2 * n + 1]);
            }
            self.columns[COLUMNS / 2..].fill(Column::default());
            self.width = self.width.saturating_mul(2);
        }
        let index = self.index(at.0);
        &mut self.columns[index]
    }

    /// The columns to draw: the tape's whole time in at most [`DRAWN`] columns.
    fn drawn(&self) -> Vec<Column> {
        let used = self.index(self.duration.0) + 1;
        let each = used.div_ceil(DRAWN);
        self.columns[..used]
            .chunks(each)
            .map(|chunk| chunk.iter().copied().fold(Column::default(), Column::join))
            .collect()
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.drawn();
        let each = self.width * (self.index(self.duration.0) + 1).div_ceil(DRAWN) as u64;
        let most = columns.iter().map(|column| column.messages).max();
        let most = most.unwrap_or_default();
        let bar = |column: &Column| match column.messages {
            0 => ' ',
            n => {
                let top = BARS.len() as u64;
                let height = (n * top).div_ceil(most).clamp(1, top);
                BARS[usize::try_from(height - 1).unwrap_or(0)]
            }
        };
        let link = |column: &Column| match (column.up, column.down) {
            (true, false) => '━',
            (true, true) => '╍',
            (false, _) => ' ',
        };
        let end = |column: &Column| column.end.map_or(' ', Ending::sign);
        let row = |sign: &dyn Fn(&Column) -> char| -> String {
            let row: String = columns.iter().map(sign).collect();
            row.trim_end().to_owned()
        };
        let (messages, link, ends) = (row(&bar), row(&link), row(&end));
        if messages.is_empty() && link.is_empty() && ends.is_empty() {
            return writeln!(
                f,
                "timeline     0 to {} s: no message and no end at a set time",
                self.duration
            );
        }
        writeln!(
            f,
            "timeline     0 to {} s, {} s per column, at most {most} messages in one",
            self.duration,
            Micros(each)
        )?;
        writeln!(f, "  messages   {messages}")?;
        writeln!(f, "  link       {link}")?;
        if !ends.is_empty() {
            writeln!(f, "  ends       {ends}")?;
            let legend = "c close, f fin, r reset, x refused";
            writeln!(f, "             ({legend}; link: ━ up, ╍ both)")?;
        }
        Ok(())
    }
}
