//! A journal as a timeline: a line for each thing that happened.

use wstape_harness::{Line, Timeline};
use wstape_mock_engine::{Attempts, Entry, JournalKind, JournalLine, Said};

/// What happened to each connection, and everything else, from lines that are read once.
///
/// # Errors
/// The first line that can't be read.
pub(super) fn told<E>(
    mut lines: impl Iterator<Item = Result<JournalLine, E>>,
) -> Result<(Attempts, Timeline), E> {
    let (mut attempts, mut broken) = (Attempts::default(), None);
    let seen = std::iter::from_fn(|| match lines.next()? {
        Ok(line) => {
            attempts.see(&line);
            Some(line)
        }
        Err(error) => {
            broken = Some(error);
            None
        }
    });
    let timeline = seen.filter_map(row).collect();
    match broken {
        Some(error) => Err(error),
        None => Ok((attempts, timeline)),
    }
}

/// Its line, if a timeline has one for it.
fn row(line: JournalLine) -> Option<Line> {
    let (conn, kind) = match line.said {
        Said::Once { conn, kind } => (conn, kind),
        // These are told in words.
        said => (None, JournalKind::Note(said.to_string())),
    };
    let entry = Entry::new(line.at.tape(), conn, kind);
    entry.kind.is_told().then(|| Line::of(&entry))
}
