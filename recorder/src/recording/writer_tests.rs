//! Tests a recording from the source's side: with a slow disk, a failing disk, and passing time.

use std::io::{self, Write};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use engine_client::{Clock, SystemClock};
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;
use wstape_tape::{Action, Header, Micros, Step, Tape};

use super::thread::THREAD_NAME;
use super::writer::GATHER;
use super::{Bounds, Encoder, Fsync, Output, Overflow, Recording, Sink, Stats, TapeTime, Writer};
use crate::error::RecordError;
use crate::redact::{Redactor, Rules};

/// How many entries fit into the queue of these tests.
const ROOM: Bounds = Bounds {
    bytes: 1 << 20,
    entries: 8,
};

/// A disk that blocks while its gate is closed.
#[derive(Debug)]
struct Disk {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    opened: Condvar,
    /// Wakes the test once a write waits at the gate.
    reached: Notify,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    full: bool,
    bytes: Vec<u8>,
    writes: u64,
    /// The time of each sync.
    syncs: Vec<Duration>,
}

impl Disk {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::new(SystemClock::new()),
            state: Mutex::default(),
            opened: Condvar::new(),
            reached: Notify::new(),
        })
    }

    fn close_gate(&self) {
        self.state.lock().closed = true;
    }

    fn open_gate(&self) {
        self.state.lock().closed = false;
        self.opened.notify_all();
    }

    fn tape(&self) -> Tape {
        let text = String::from_utf8(self.state.lock().bytes.clone()).expect("a tape is UTF-8");
        Tape::parse("disk", &text).expect("a good tape")
    }

    /// Creates a writer for a recording on this disk, with `fsync`.
    fn writer(self: &Arc<Self>, fsync: Fsync) -> (Writer<Numbers>, Stats) {
        let output = Output::sink("disk", OnDisk(Arc::clone(self))).fsync(fsync);
        let redactor = Redactor::new(Rules::default(), [7; 32]);
        let tape = Recording::begin(output, Header::new("numbers"), redactor).expect("it begins");
        let stats = tape.stats();
        let time = TapeTime::starting(Arc::clone(&self.clock));
        let writer = Writer::start(tape, Numbers, time, (ROOM, Overflow::Lose)).expect("a thread");
        (writer, stats)
    }
}

#[derive(Debug)]
struct OnDisk(Arc<Disk>);

impl Write for OnDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.state.lock();
        while state.closed {
            self.0.reached.notify_one();
            self.0.opened.wait(&mut state);
        }
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.bytes.extend_from_slice(bytes);
        state.writes += 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for OnDisk {
    fn sync(&mut self) -> io::Result<()> {
        self.0.state.lock().syncs.push(self.0.clock.now());
        Ok(())
    }
}

/// Writes each number as a text.
#[derive(Debug)]
struct Numbers;

impl Encoder for Numbers {
    type Observation = u64;

    fn encode(&mut self, seen: u64, tape: &mut Recording) -> Result<(), RecordError> {
        tape.push(Step::at(at(seen), Action::Text(seen.to_string())))
    }
}

fn at(number: u64) -> Micros {
    Micros::from_ms(number)
}

async fn finish(writer: Writer<Numbers>) -> Result<(), RecordError> {
    writer.finish(|_, _| Ok(())).await.map(|_| ())
}

/// The texts and marks of a tape.
fn words(tape: &Tape) -> Vec<String> {
    let word = |step: &Step| match &step.action {
        Action::Text(text) => text.clone(),
        Action::Mark(mark) => format!("{}: {mark}", step.to_line()),
        other => panic!("expected a text or a mark, found {other:?}"),
    };
    tape.steps.iter().map(word).collect()
}

#[tokio::test]
async fn a_slow_disk_holds_up_no_source_and_what_is_lost_is_marked_at_its_place() {
    let disk = Disk::new();
    let (writer, stats) = disk.writer(Fsync::Never);
    let sender = writer.sender();
    disk.close_gate();
    assert!(sender.send(at(1), 1, 10, 1));
    disk.reached.notified().await;
    // The first entry is with the writer, and still counts.
    for number in 2..=20 {
        assert_eq!(
            sender.send(at(number), 1, 10, number),
            number <= 8,
            "{number}"
        );
    }
    assert!(!sender.has_room());
    sender.lose(at(21), 1, 5);
    assert!(sender.send_vital(at(22), 10, 22), "it has a reserve");
    assert!(!sender.send(at(23), 1, 10, 23), "it is still full");
    disk.open_gate();
    while !sender.has_room() {
        tokio::task::yield_now().await;
    }
    assert!(sender.send(at(24), 1, 10, 24));
    finish(writer).await.expect("a good disk");

    let line = |ms, text: &str| format!("{{\"at_ms\":{ms},\"mark\":\"{text}\"}}: {text}");
    let first = line(9, "lost 13 frames (125 bytes): the disk did not keep up");
    let second = line(23, "lost 1 frame (10 bytes): the disk did not keep up");
    let expected = [
        "1", "2", "3", "4", "5", "6", "7", "8", &first, "22", &second, "24",
    ];
    assert_eq!(words(&disk.tape()), expected);
    let counts = stats.counts();
    assert_eq!((counts.lost_frames, counts.lost_bytes), (14, 135));
    assert_eq!(counts.lines, 13);
}

#[tokio::test]
async fn what_is_lost_at_the_end_is_marked_too() {
    let disk = Disk::new();
    let (writer, _) = disk.writer(Fsync::Never);
    let sender = writer.sender();
    disk.close_gate();
    assert!(sender.send(at(1), 1, 10, 1));
    disk.reached.notified().await;
    assert!(!sender.send(at(2), 1, ROOM.bytes, 2), "more than ever fits");
    disk.open_gate();
    finish(writer).await.expect("a good disk");
    assert_eq!(words(&disk.tape()).len(), 2);
    assert!(!sender.send(at(3), 1, 10, 3), "the recording has ended");
    sender.lose(at(3), 1, 10);
    assert_eq!(disk.tape().steps.len(), 2);
}

#[tokio::test]
async fn what_waits_together_is_written_together() {
    let disk = Disk::new();
    let (writer, _) = disk.writer(Fsync::Never);
    let sender = writer.sender();
    disk.close_gate();
    assert!(sender.send(at(1), 1, 10, 1));
    disk.reached.notified().await;
    for number in 2..=8 {
        assert!(sender.send(at(number), 1, 10, number));
    }
    disk.open_gate();
    finish(writer).await.expect("a good disk");
    assert_eq!(disk.tape().steps.len(), 8);
    assert_eq!(
        disk.state.lock().writes,
        3,
        "the header, the first, the others"
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_is_forced_to_the_disk_in_time_though_nothing_follows_it() {
    const INTERVAL: Duration = Duration::from_secs(2);
    let disk = Disk::new();
    let (writer, _) = disk.writer(Fsync::Interval(INTERVAL));
    let sender = writer.sender();
    let seconds = Duration::from_secs;
    // The header is written at 0 s, steps at 10, 11 and 20 s.
    for number in [10, 11, 20] {
        disk.clock.sleep_until(seconds(number)).await;
        assert!(sender.send(at(number), 1, 10, number));
    }
    disk.clock.sleep_until(seconds(60)).await;
    assert_eq!(
        disk.state.lock().syncs,
        [seconds(2), seconds(12) + GATHER, seconds(22) + GATHER]
    );
    finish(writer).await.expect("a good disk");
    assert_eq!(
        disk.state.lock().syncs.len(),
        3,
        "nothing was left for the end"
    );
}

#[tokio::test]
async fn a_source_hears_of_a_disk_that_fails() {
    let disk = Disk::new();
    let (writer, _) = disk.writer(Fsync::Never);
    let sender = writer.sender();
    assert!(sender.send(at(1), 1, 10, 1));
    disk.state.lock().full = true;
    assert!(sender.send(at(2), 1, 10, 2));
    writer.failed().await;
    writer.failed().await;
    assert!(!sender.send(at(3), 1, 10, 3), "nobody is there to take it");
    let error = finish(writer).await.expect_err("it failed");
    assert!(matches!(error, RecordError::Broken { .. }), "{error}");
}

/// An encoder that stops at each number until released: the writer is busy, not waiting for the
/// disk.
#[derive(Debug)]
struct Toiling(Arc<Disk>);

impl Encoder for Toiling {
    type Observation = u64;

    fn encode(&mut self, seen: u64, tape: &mut Recording) -> Result<(), RecordError> {
        let mut state = self.0.state.lock();
        while state.closed {
            self.0.reached.notify_one();
            self.0.opened.wait(&mut state);
        }
        drop(state);
        tape.push(Step::at(at(seen), Action::Text(seen.to_string())))
    }
}

#[tokio::test]
async fn what_is_lost_while_the_writer_is_at_work_is_not_blamed_on_the_disk() {
    let (disk, work) = (Disk::new(), Disk::new());
    let output = Output::sink("disk", OnDisk(Arc::clone(&disk))).fsync(Fsync::Never);
    let redactor = Redactor::new(Rules::default(), [7; 32]);
    let tape = Recording::begin(output, Header::new("numbers"), redactor).expect("it begins");
    let stats = tape.stats();
    let time = TapeTime::starting(Arc::clone(&disk.clock));
    let toiling = Toiling(Arc::clone(&work));
    let writer = Writer::start(tape, toiling, time, (ROOM, Overflow::Lose)).expect("a thread");
    let sender = writer.sender();
    work.close_gate();
    assert!(sender.send(at(1), 1, 10, 1));
    work.reached.notified().await;
    assert!(!sender.send(at(2), 1, ROOM.bytes, 2), "more than ever fits");
    work.open_gate();
    writer.finish(|_, _| Ok(())).await.expect("a good disk");
    let cause = "lost 1 frame (1048576 bytes): there was not enough CPU time to write them";
    let line = format!("{{\"at_ms\":2,\"mark\":\"{cause}\"}}: {cause}");
    assert_eq!(words(&disk.tape()), ["1", &line]);
    assert_eq!(stats.counts().disk_lost_bytes, 0);
}

#[tokio::test]
async fn a_source_that_waits_for_room_gets_it_when_half_is_written_and_loses_nothing() {
    let disk = Disk::new();
    let output = Output::sink("disk", OnDisk(Arc::clone(&disk))).fsync(Fsync::Never);
    let redactor = Redactor::new(Rules::default(), [7; 32]);
    let tape = Recording::begin(output, Header::new("numbers"), redactor).expect("it begins");
    let stats = tape.stats();
    let time = TapeTime::starting(Arc::clone(&disk.clock));
    let writer = Writer::start(tape, Numbers, time, (ROOM, Overflow::Wait)).expect("a thread");
    let sender = writer.sender();
    let room = || std::future::poll_fn(|cx| sender.poll_room(cx));
    disk.close_gate();
    for number in 1..=8 {
        room().await;
        assert!(sender.send(at(number), 1, 10, number));
    }
    disk.reached.notified().await;
    // What was already read is still accepted.
    assert!(sender.send(at(9), 1, 10, 9));
    let mut waiting = std::pin::pin!(room());
    let at_once = std::future::poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx))).await;
    assert!(at_once.is_pending());
    disk.open_gate();
    waiting.await;
    assert!(sender.send(at(10), 1, 10, 10));
    finish(writer).await.expect("a good disk");
    assert_eq!(disk.tape().steps.len(), 10);
    assert_eq!(stats.counts().lost_frames, 0);
}

/// A sink that remembers which threads wrote to it.
#[derive(Debug, Clone, Default)]
struct Witness(Arc<Mutex<Vec<Option<String>>>>);

impl Write for Witness {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let name = std::thread::current().name().map(str::to_owned);
        self.0.lock().push(name);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Witness {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_thread_that_stands_back_is_the_writers_own() {
    let witness = Witness::default();
    let redactor = Redactor::new(Rules::default(), [7; 32]);
    let output = Output::sink("witness", witness.clone());
    let tape = Recording::begin(output, Header::new("numbers"), redactor).expect("it begins");
    let time = TapeTime::starting(Arc::new(SystemClock::new()));
    let writer = Writer::start(tape, Numbers, time, (ROOM, Overflow::Lose)).expect("a thread");
    assert!(writer.sender().send(at(1), 1, 10, 1));
    finish(writer).await.expect("a good disk");
    let threads = witness.0.lock().split_off(1);
    assert!(!threads.is_empty());
    let own = Some(THREAD_NAME.to_owned());
    assert!(threads.iter().all(|thread| *thread == own), "{threads:?}");
    // The pool's thread that waited for the writer's keeps its priority.
    #[cfg(target_os = "linux")]
    {
        let nice = || rustix::process::getpriority_process(Some(rustix::thread::gettid()));
        let pooled = tokio::task::spawn_blocking(nice).await.expect("it runs");
        assert_eq!(pooled, nice());
    }
}
