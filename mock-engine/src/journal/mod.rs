//! The journal: what happened, in order.
//!
//! `entry` is one thing that happened, as the engine keeps it in memory. Lines, for a file and for
//! readers that follow a run, are made from entries: `redact` removes secrets, `fold` sums up
//! endless repeats, `line` and `members` write and read a line, `ring` keeps the newest, `file`
//! writes them on another thread, `reader` reads them back, `attempts` collects what became of each
//! connection.

mod attempts;
mod entry;
mod file;
mod fold;
mod header;
mod line;
mod members;
mod reader;
mod redact;
mod request;
mod ring;

use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use wstape_tape::Micros;

use self::file::FileWriter;
use self::fold::{Folds, Passed};
use self::redact::Redaction;
use self::ring::Ring;

pub use self::attempts::{
    Answer, Attempt, AttemptEnd, Attempts, MAX_ATTEMPTS, MAX_MARKS, PassedMark,
};
pub use self::entry::{Entry, JournalKind};
pub use self::header::{JOURNAL_VERSION, JournalHeader};
pub use self::line::{JournalLine, JournalTime, Repeats, Said};
pub use self::reader::{JournalError, JournalReader, MAX_JOURNAL_LINE_BYTES};
pub use self::redact::Redact;
pub use self::request::{MAX_HEADERS_BYTES, MAX_TARGET_BYTES, RequestHead};
pub use self::ring::{MAX_SHOWN_BYTES, Shown};

/// How much of the journal is kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// All of it: for runs with an end.
    #[default]
    All,
    /// The newest entries, this many.
    Last(usize),
}

/// What has happened so far. Clones are cheap, and share one journal.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

/// What a [`Journal`] starts with.
pub(crate) struct JournalSetup {
    pub(crate) retention: Retention,
    pub(crate) file: Option<Box<dyn Write + Send>>,
    /// Whether the newest lines are kept for readers that follow.
    pub(crate) shown: bool,
    pub(crate) redact: Option<Box<dyn Redact>>,
    pub(crate) header: JournalHeader,
    /// The engine's clock when it comes up.
    pub(crate) up: Micros,
}

#[derive(Debug)]
struct Inner {
    kept: Mutex<Kept>,
    /// Notified of each entry.
    grown: Notify,
    /// Notified of each line for readers that follow.
    shown: Notify,
    header: JournalHeader,
}

struct Kept {
    entries: VecDeque<Entry>,
    retention: Retention,
    /// The number of entries ever written, including those no longer kept.
    written: usize,
    lines: Option<Lines>,
}

/// The journal as lines: in a file, and for readers that follow.
struct Lines {
    folds: Folds,
    redaction: Redaction,
    file: Option<FileWriter>,
    /// The first line, until the file has it: a run that never begins leaves an old file untouched.
    header: Option<Vec<u8>>,
    ring: Option<Ring>,
    up: Micros,
    /// The engine's clock at the tape's time 0, once it has begun.
    zero: Option<Micros>,
}

impl Lines {
    fn new(setup: &mut JournalSetup) -> Option<Self> {
        let file = setup.file.take();
        if file.is_none() && !setup.shown {
            return None;
        }
        let mut header = serde_json::to_vec(&setup.header).unwrap_or_default();
        header.push(b'\n');
        Some(Self {
            folds: Folds::default(),
            redaction: Redaction(setup.redact.take()),
            header: file.is_some().then_some(header),
            file: file.map(FileWriter::start),
            ring: setup.shown.then(Ring::default),
            up: setup.up,
            zero: None,
        })
    }

    /// A time of the engine's clock, as lines give it.
    fn stamp(&self, at: Micros) -> JournalTime {
        match self.zero {
            Some(zero) if at >= zero => JournalTime::At(Micros(at.0 - zero.0)),
            _ => JournalTime::Before(Micros(at.0.saturating_sub(self.up.0))),
        }
    }

    /// Takes in what has happened.
    fn add(&mut self, entry: &Entry) {
        let passed = self.folds.pass(entry);
        self.say_all(passed);
    }

    /// Sums up the repeats so far.
    fn settle(&mut self) {
        let passed = self.folds.finish();
        self.say_all(passed);
    }

    fn say_all(&mut self, passed: Vec<Passed>) {
        for passed in passed {
            let line = match passed {
                Passed::Entry(entry) => {
                    if matches!(entry.kind, JournalKind::Began) {
                        self.zero = None;
                    }
                    let at = self.stamp(entry.at);
                    if matches!(entry.kind, JournalKind::Began) {
                        self.zero = Some(entry.at);
                    }
                    let Entry { conn, kind, .. } = self.redaction.clean(entry);
                    let said = Said::Once { conn, kind };
                    JournalLine { at, said }
                }
                Passed::Fold(fold) => JournalLine {
                    at: self.stamp(fold.last()),
                    said: Said::Repeats(fold.into_repeats()),
                },
            };
            let line = Arc::new(line);
            if let Some(file) = self.begun_file() {
                // This only queues the line.
                file.queue(Arc::clone(&line));
            }
            if let Some(ring) = &mut self.ring {
                ring.push(line);
            }
        }
    }

    /// The file, once its header is queued.
    fn begun_file(&mut self) -> Option<&FileWriter> {
        let file = self.file.as_ref()?;
        if let Some(header) = self.header.take() {
            file.begin(header);
        }
        Some(file)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl Kept {
    /// Adds an entry; returns whether that made a line for readers that follow.
    fn take(&mut self, entry: Entry) -> bool {
        let mut shown = false;
        if let Some(lines) = &mut self.lines {
            // Under the journal's lock, so that the lines keep the order of the entries.
            let before = lines.ring.as_ref().map(Ring::newest);
            lines.add(&entry);
            shown = before < lines.ring.as_ref().map(Ring::newest);
        }
        self.written += 1;
        self.entries.push_back(entry);
        if let Retention::Last(most) = self.retention {
            while self.entries.len() > most {
                self.entries.pop_front();
            }
        }
        shown
    }
}

impl Journal {
    pub(crate) fn new(mut setup: JournalSetup) -> Self {
        let kept = Kept {
            entries: VecDeque::new(),
            retention: setup.retention,
            written: 0,
            lines: Lines::new(&mut setup),
        };
        Self {
            inner: Arc::new(Inner {
                kept: Mutex::new(kept),
                grown: Notify::new(),
                shown: Notify::new(),
                header: setup.header,
            }),
        }
    }

    pub(crate) fn write(&self, at: Micros, conn: Option<u64>, kind: JournalKind) {
        self.write_all(at, conn, [kind]);
    }

    /// Writes several things that happened at one time, in order.
    pub(crate) fn write_all(
        &self,
        at: Micros,
        conn: Option<u64>,
        kinds: impl IntoIterator<Item = JournalKind>,
    ) {
        let mut kept = self.inner.kept.lock();
        let mut shown = false;
        for kind in kinds {
            shown |= kept.take(Entry { at, conn, kind });
        }
        drop(kept);
        self.inner.grown.notify_waiters();
        if shown {
            self.inner.shown.notify_waiters();
        }
    }

    /// The journal's header, which is the first line of its file.
    #[must_use]
    pub fn header(&self) -> &JournalHeader {
        &self.inner.header
    }

    /// The lines after number `had`, at most `most` of them, as far as they are still kept. They
    /// are kept if the builder's [`followed`](crate::EngineBuilder::followed) is set.
    #[must_use]
    pub fn shown_since(&self, had: u64, most: usize) -> Shown {
        let kept = self.inner.kept.lock();
        let ring = kept.lines.as_ref().and_then(|lines| lines.ring.as_ref());
        ring.map_or_else(Shown::default, |ring| ring.since(had, most))
    }

    /// The number of the newest line for readers that follow; 0 if there is none.
    #[must_use]
    pub fn newest_shown(&self) -> u64 {
        let kept = self.inner.kept.lock();
        let ring = kept.lines.as_ref().and_then(|lines| lines.ring.as_ref());
        ring.map_or(0, Ring::newest)
    }

    /// Whether `is` holds for any entry that is kept.
    pub(crate) fn any_entry(&self, is: impl FnMut(&Entry) -> bool) -> bool {
        self.inner.kept.lock().entries.iter().any(is)
    }

    /// An entry without its secrets, as it may be shown.
    pub(crate) fn clean(&self, entry: Entry) -> Entry {
        match &mut self.inner.kept.lock().lines {
            Some(lines) => lines.redaction.clean(entry),
            None => entry,
        }
    }

    /// Sums up the repeats so far, so that readers that follow see them.
    pub fn settle(&self) {
        if let Some(lines) = &mut self.inner.kept.lock().lines {
            lines.settle();
        }
    }

    /// Returns once there is a line after number `had`.
    pub async fn shown_behind(&self, had: u64) {
        loop {
            let mut shown = std::pin::pin!(self.inner.shown.notified());
            shown.as_mut().enable();
            let newest = {
                let kept = self.inner.kept.lock();
                let ring = kept.lines.as_ref().and_then(|lines| lines.ring.as_ref());
                ring.map_or(0, Ring::newest)
            };
            if newest > had {
                return;
            }
            shown.await;
        }
    }

    /// Whether `is` holds for any line kept for readers that follow.
    pub fn any_shown(&self, is: impl FnMut(&JournalLine) -> bool) -> bool {
        let kept = self.inner.kept.lock();
        let ring = kept.lines.as_ref().and_then(|lines| lines.ring.as_ref());
        ring.is_some_and(|ring| ring.iter().map(|line| &**line).any(is))
    }

    /// A copy of the entries that are kept, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.inner.kept.lock().entries.iter().cloned().collect()
    }

    /// Takes the kept entries, oldest first: for a reader that follows a long run, so that the
    /// journal doesn't have to keep all of it.
    #[must_use]
    pub fn take(&self) -> Vec<Entry> {
        self.inner.kept.lock().entries.drain(..).collect()
    }

    /// The kept entries that a timeline [tells](JournalKind::is_told), each as its
    /// [`Display`](fmt::Display) line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let kept = self.inner.kept.lock();
        let told = kept.entries.iter().filter(|entry| entry.kind.is_told());
        told.map(ToString::to_string).collect()
    }

    /// The number of entries ever written, including those no longer kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.kept.lock().written
    }

    /// Whether nothing has happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns once `condition` holds for the kept entries. It is checked at once, then after each
    /// new entry.
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

    /// Returns why, once the journal's file takes nothing more: what happens after that is in no
    /// file, though the engine goes on. Without a file it never returns. Cancel safe.
    pub async fn broken(&self) -> String {
        let file = {
            let kept = self.inner.kept.lock();
            let file = kept.lines.as_ref().and_then(|lines| lines.file.as_ref());
            file.map(FileWriter::handle)
        };
        match file {
            Some(file) => file.broken().await,
            None => std::future::pending().await,
        }
    }

    /// Waits until the journal's file, if it has one, has taken everything written so far, then
    /// flushes it. Gives up on a file that takes nothing for five seconds by the machine's clock.
    ///
    /// # Errors
    /// The first error of a write or of this flush; writing stops at the first error.
    pub fn flush(&self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl Inner {
    fn flush(&self) -> std::io::Result<()> {
        let mut kept = self.kept.lock();
        let Some(lines) = &mut kept.lines else {
            return Ok(());
        };
        lines.settle();
        let Some(file) = lines.begun_file().map(FileWriter::handle) else {
            return Ok(());
        };
        // Don't make others wait for the disk meanwhile.
        drop(kept);
        file.flush()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Anyone who cares what became of the file has flushed it.
        let _ = self.flush();
    }
}
