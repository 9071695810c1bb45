//! A journal's lines on their way into a drawing, searched for secrets in batches.

use std::io::{self, Write};

use wstape_mock_engine::{Drawing, JournalKind, JournalLine, JournalTime, Said};

use crate::cmd::serve::JournalRedactor;

/// The replacement for a line that holds a secret.
pub(super) const LEFT_OUT: &str = "left out, because it holds a secret:";

/// Bytes of lines that are searched together, not counting the last one.
const MAX_TOGETHER_BYTES: usize = 16 << 10;

/// Lines not yet searched. Searching many at once costs little more than searching one, and most
/// hold nothing.
#[derive(Default)]
pub(super) struct Lines {
    text: Vec<u8>,
    /// Where each ends, its time, and its connection.
    each: Vec<(usize, JournalTime, Option<u64>)>,
    left_out: u64,
}

impl Lines {
    /// How many lines have been left out because they hold a secret.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    pub(super) fn put<W: Write>(
        &mut self,
        line: &JournalLine,
        redactor: &JournalRedactor,
        drawing: &mut Drawing<W>,
    ) -> io::Result<()> {
        self.text.extend(line.to_json()?);
        let conn = match &line.said {
            Said::Once { conn, .. } => *conn,
            _ => None,
        };
        self.each.push((self.text.len(), line.at, conn));
        if self.text.len() < MAX_TOGETHER_BYTES {
            return Ok(());
        }
        self.flush(redactor, drawing)
    }

    /// Draws them; a line that still holds a secret becomes a note saying so.
    pub(super) fn flush<W: Write>(
        &mut self,
        redactor: &JournalRedactor,
        drawing: &mut Drawing<W>,
    ) -> io::Result<()> {
        let suspect = redactor.may_find(&self.text);
        let mut start = 0;
        for &(end, at, conn) in &self.each {
            let json = &self.text[start..end];
            start = end;
            let found = if suspect { redactor.finds(json) } else { None };
            let Some(what) = found else {
                // JSON is UTF-8.
                drawing.line(&String::from_utf8_lossy(json))?;
                continue;
            };
            self.left_out += 1;
            let kind = JournalKind::Note(format!("{LEFT_OUT} {what}"));
            let said = Said::Once { conn, kind };
            let note = JournalLine { at, said }.to_json()?;
            drawing.line(&String::from_utf8_lossy(&note))?;
        }
        self.text.clear();
        self.each.clear();
        Ok(())
    }
}
