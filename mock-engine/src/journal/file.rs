//! The journal's file, written aside: a slow disk stalls nobody.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::line::{JournalLine, JournalTime, Said};

/// Most memory that lines which wait for the file may take; further ones are counted and lost.
const MAX_QUEUED_BYTES: usize = 16 << 20;

/// How long a flush waits for a file that takes nothing, in the machine's time.
const MAX_FLUSH_WAIT: Duration = Duration::from_secs(5);

/// Hands lines to a thread that writes them.
#[derive(Debug)]
pub(super) struct FileWriter {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Told of whatever changes in the queue.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// Lines lost since the last one that found room, and when the last of them was.
    lost: Option<(u64, JournalTime)>,
    /// Lines and flushes that the thread has dealt with, and those it was ever given.
    done: u64,
    given: u64,
    failure: Option<io::Error>,
    closed: bool,
}

#[derive(Debug)]
enum Item {
    /// The first line, its newline included.
    Header(Vec<u8>),
    Line(Arc<JournalLine>),
    Flush,
}

impl FileWriter {
    /// Starts the thread; where the system has none left, the first flush says so.
    pub(super) fn start(file: Box<dyn Write + Send>) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let started = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || theirs.write_all(file));
        if let Err(error) = started {
            let mut queue = shared.queue.lock();
            queue.failure = Some(error);
            queue.closed = true;
        }
        Self { shared }
    }

    /// Lets the first line be written.
    pub(super) fn begin(&self, header: Vec<u8>) {
        let mut queue = self.shared.queue.lock();
        if !queue.closed {
            queue.push(Item::Header(header));
            self.shared.changed.notify_all();
        }
    }

    /// Lets a line be written; where too much waits already, it is counted instead.
    pub(super) fn queue(&self, line: Arc<JournalLine>) {
        let mut queue = self.shared.queue.lock();
        if queue.closed {
            return;
        }
        let cost = line.cost();
        if queue.bytes + cost > MAX_QUEUED_BYTES {
            let lost = queue.lost.map_or(0, |(lost, _)| lost);
            queue.lost = Some((lost + 1, line.at));
            return;
        }
        queue.push_loss();
        queue.push(Item::Line(line));
        self.shared.changed.notify_all();
    }

    /// What waits for the file, without owning it.
    pub(super) fn handle(&self) -> FileHandle {
        FileHandle(Arc::clone(&self.shared))
    }
}

/// Waits for a journal's file without keeping it open.
#[derive(Debug)]
pub(super) struct FileHandle(Arc<Shared>);

impl FileHandle {
    /// Waits until all lines so far are written, and flushes the file.
    pub(super) fn flush(&self) -> io::Result<()> {
        let mut queue = self.0.queue.lock();
        if !queue.closed {
            queue.push_loss();
            queue.push(Item::Flush);
            self.0.changed.notify_all();
        }
        let until = queue.given;
        while queue.done < until && !queue.closed {
            let before = queue.done;
            let waited = self.0.changed.wait_for(&mut queue, MAX_FLUSH_WAIT);
            if waited.timed_out() && queue.done == before {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the file takes nothing any more",
                ));
            }
        }
        queue.failure.take().map_or(Ok(()), Err)
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Queue {
    fn push(&mut self, item: Item) {
        if let Item::Line(line) = &item {
            self.bytes += line.cost();
        }
        self.items.push_back(item);
        self.given += 1;
    }

    /// What was lost is said at its place.
    fn push_loss(&mut self) {
        if let Some((lost, at)) = self.lost.take() {
            let said = Said::Missing { entries: lost };
            self.push(Item::Line(Arc::new(JournalLine { at, said })));
        }
    }
}

impl Shared {
    /// Writes what comes, each line with its newline at once, so that a reader never sees half,
    /// until nobody is there to hand any over.
    fn write_all(&self, mut file: Box<dyn Write + Send>) {
        let mut queue = self.queue.lock();
        loop {
            let Some(item) = queue.items.pop_front() else {
                if queue.closed {
                    return;
                }
                self.changed.wait(&mut queue);
                continue;
            };
            drop(queue);
            let cost = match &item {
                Item::Line(line) => line.cost(),
                Item::Header(_) | Item::Flush => 0,
            };
            let done = match item {
                Item::Header(header) => file.write_all(&header),
                Item::Line(line) => line.to_json().and_then(|line| file.write_all(&line)),
                Item::Flush => file.flush(),
            };
            queue = self.queue.lock();
            queue.done += 1;
            queue.bytes = queue.bytes.saturating_sub(cost);
            if let Err(error) = done {
                queue.failure = Some(error);
                queue.closed = true;
            }
            self.changed.notify_all();
            if queue.failure.is_some() {
                queue.items.clear();
                return;
            }
        }
    }
}
