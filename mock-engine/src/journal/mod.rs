//! The journal: what happened, in order.

mod entry;
mod file;
mod fold;

use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use wstape_tape::Micros;

use self::file::FileWriter;
use self::fold::Folds;

pub use self::entry::{Entry, JournalKind};

/// How much of the journal is kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// All of it: for runs with an end.
    #[default]
    All,
    /// The newest this many entries.
    Last(usize),
}

/// What happened so far; a cheap handle that can be cloned.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    kept: Mutex<Kept>,
    grown: Notify,
    file: Option<FileWriter>,
}

struct Kept {
    entries: VecDeque<Entry>,
    retention: Retention,
    /// Entries ever written, those no longer kept included.
    written: usize,
    folds: Folds,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl Journal {
    pub(crate) fn new(retention: Retention, file: Option<Box<dyn Write + Send>>) -> Self {
        let kept = Kept {
            entries: VecDeque::new(),
            retention,
            written: 0,
            folds: Folds::default(),
        };
        Self {
            inner: Arc::new(Inner {
                kept: Mutex::new(kept),
                grown: Notify::new(),
                file: file.map(FileWriter::start),
            }),
        }
    }

    pub(crate) fn write(&self, at: Micros, conn: Option<u64>, kind: JournalKind) {
        let entry = Entry { at, conn, kind };
        let mut kept = self.inner.kept.lock();
        if let Some(file) = &self.inner.file {
            // Under the lock, so that the file has the journal's order; it only queues them.
            for line in kept.folds.pass(&entry) {
                file.queue(line);
            }
        }
        kept.written += 1;
        kept.entries.push_back(entry);
        if let Retention::Last(most) = kept.retention {
            while kept.entries.len() > most {
                kept.entries.pop_front();
            }
        }
        drop(kept);
        self.inner.grown.notify_waiters();
    }

    /// A copy of the entries that are kept, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.inner.kept.lock().entries.iter().cloned().collect()
    }

    /// Takes the entries that are kept, oldest first: for whoever follows a long run, so that
    /// the journal need not keep all of it.
    #[must_use]
    pub fn take(&self) -> Vec<Entry> {
        self.inner.kept.lock().entries.drain(..).collect()
    }

    /// The kept entries' [`Display`](fmt::Display) lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.inner
            .kept
            .lock()
            .entries
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Entries ever written, those no longer kept included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.kept.lock().written
    }

    /// Whether nothing has happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns once `condition` holds of the kept entries: at once where it does already,
    /// otherwise it is looked at after each new entry.
    pub async fn wait_for(&self, mut condition: impl FnMut(&[Entry]) -> bool) {
        loop {
            let mut grown = std::pin::pin!(self.inner.grown.notified());
            grown.as_mut().enable();
            if condition(self.inner.kept.lock().entries.make_contiguous()) {
                return;
            }
            grown.await;
        }
    }

    /// Waits until the journal's file, if it has one, has taken all that was written so far,
    /// flushes it, and returns what went wrong with it first. It gives up on a file that takes
    /// nothing for five seconds of the machine's time.
    ///
    /// # Errors
    /// The first error of a write or of this flush; writing stops at the first.
    pub fn flush(&self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl Inner {
    fn flush(&self) -> std::io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let folded = self.kept.lock().folds.finish();
        for line in folded {
            file.queue(line);
        }
        file.flush()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Whoever wants to know what became of the file has flushed it.
        let _ = self.flush();
    }
}
