//! The journal's file, written on another thread, so that a slow disk stalls nobody.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::line::{JournalLine, JournalTime, Said};

/// The most memory for lines that wait for the file; further ones are counted and lost.
const MAX_QUEUED_BYTES: usize = 16 << 20;

/// How long a flush waits while the file takes nothing, by the machine's clock.
const MAX_FLUSH_WAIT: Duration = Duration::from_secs(5);

/// Hands lines to a thread that writes them.
#[derive(Debug)]
pub(super) struct FileWriter {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Notified of every change in the queue.
    changed: Condvar,
    /// Notified once the file takes nothing more.
    broke: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// The number of lines lost since the last one that found room, and the time of the last of
    /// them.
    lost: Option<(u64, JournalTime)>,
    /// How many lines and flushes the thread has dealt with, and how many it was given in all.
    done: u64,
    given: u64,
    failure: Option<io::Error>,
    /// The text of the failure, kept after the failure has been reported.
    why: Option<String>,
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
    /// Starts the thread; if the system has no thread left, the first flush says so.
    pub(super) fn start(file: Box<dyn Write + Send>) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let started = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || theirs.write_all(file));
        if let Err(error) = started {
            shared.queue.lock().fail(error);
        }
        Self { shared }
    }

    /// Queues the first line.
    pub(super) fn begin(&self, header: Vec<u8>) {
        let mut queue = self.shared.queue.lock();
        if !queue.closed {
            queue.push(Item::Header(header));
            self.shared.changed.notify_all();
        }
    }

    /// Queues a line; if too much waits already, it is counted instead.
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

    /// A handle to wait for the file, which doesn't keep it open.
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
                    "the file can no longer be written",
                ));
            }
        }
        queue.failure.take().map_or(Ok(()), Err)
    }
}

impl FileHandle {
    /// Returns why, once the file takes nothing more. Cancel safe.
    pub(super) async fn broken(&self) -> String {
        loop {
            let mut broke = pin!(self.0.broke.notified());
            broke.as_mut().enable();
            if let Some(why) = &self.0.queue.lock().why {
                return why.clone();
            }
            broke.await;
        }
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

    /// Notes that the file takes nothing more.
    fn fail(&mut self, error: io::Error) {
        self.why = Some(error.to_string());
        self.failure = Some(error);
        self.closed = true;
    }

    /// Queues the count of lost lines, in their place.
    fn push_loss(&mut self) {
        if let Some((lost, at)) = self.lost.take() {
            let said = Said::Missing { entries: lost };
            self.push(Item::Line(Arc::new(JournalLine { at, said })));
        }
    }
}

impl Shared {
    /// Writes what is queued until nobody is left to queue more. Each line is written at once with
    /// its newline, so that a reader never sees half a line.
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
                queue.fail(error);
                queue.items.clear();
                self.changed.notify_all();
                self.broke.notify_waiters();
                return;
            }
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use wstape_tape::Micros;

    use super::super::entry::JournalKind;
    use super::*;

    /// The length of the tests' lines: a sixteenth of the queue each.
    const LINE_BYTES: usize = MAX_QUEUED_BYTES / 16;

    /// A disk that takes nothing until it is told to, and then everything.
    struct Slow {
        may: Receiver<()>,
        waits: bool,
        took: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if std::mem::take(&mut self.waits) {
                self.may.recv().map_err(io::Error::other)?;
            }
            self.took.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (FileWriter, Sender<()>, Arc<Mutex<Vec<u8>>>) {
        let (go, may) = channel();
        let took = Arc::new(Mutex::new(Vec::new()));
        let disk = Slow {
            may,
            waits: true,
            took: Arc::clone(&took),
        };
        (FileWriter::start(Box::new(disk)), go, took)
    }

    fn line(at_ms: u64, bytes: usize) -> Arc<JournalLine> {
        let kind = JournalKind::Mark("x".repeat(bytes));
        let said = Said::Once { conn: None, kind };
        let at = JournalTime::At(Micros::from_ms(at_ms));
        Arc::new(JournalLine { at, said })
    }

    #[test]
    fn what_a_slow_disk_has_no_room_for_is_counted_at_its_place_and_what_comes_behind_it_is_written()
     {
        let (file, go, took) = slow();
        // With its overhead, a sixteenth line of this size finds no room.
        for at_ms in 1..=20 {
            file.queue(line(at_ms, LINE_BYTES));
        }
        go.send(()).expect("the thread waits for it");
        file.handle().flush().expect("a disk that takes all");
        file.queue(line(21, 1));
        file.handle().flush().expect("a disk that takes all");
        let text = String::from_utf8(took.lock().clone()).expect("JSON");
        let short = |line: &str| line.replace('x', "");
        let lines: Vec<String> = text.lines().map(short).collect();
        assert_eq!(lines.len(), 15 + 1 + 1, "{lines:#?}");
        assert!(lines[14].contains("\"at_ms\":15,"), "{}", lines[14]);
        let missing = r#"{"at_ms":20,"kind":"missing","entries":5}"#;
        assert_eq!(lines[15], missing);
        assert!(lines[16].contains("\"at_ms\":21,"), "{}", lines[16]);
    }

    #[test]
    fn whoever_hands_lines_over_never_waits_for_the_disk() {
        let (file, go, _) = slow();
        let (done, is_done) = channel();
        let writes = std::thread::spawn(move || {
            for at_ms in 0..100 {
                file.queue(line(at_ms, LINE_BYTES));
            }
            let _ = done.send(());
            file
        });
        let in_time = is_done.recv_timeout(Duration::from_secs(20));
        drop(go);
        drop(writes.join().expect("it hands over"));
        assert!(in_time.is_ok(), "it waited for a disk that stands still");
    }
}
