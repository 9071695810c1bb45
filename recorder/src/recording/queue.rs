//! The queue between a live source and the writer: bounded, and never delaying the source.
//!
//! If the writer falls so far behind that the queue is full, everything that comes is lost until
//! half of the queue is free again, so that a slow disk causes a few long gaps rather than many
//! short ones. The writer gets a [`Gap`] in their place. A source that would rather be slowed down
//! asks for [room](Sender::poll_room) before it continues, and loses nothing.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::sync::Notify;
use wstape_tape::{Action, Micros, Step};

use super::stats::Stats;

/// How many bytes may wait for the disk, including each entry's own size.
pub(crate) const MAX_WAITING_BYTES: usize = 64 << 20;
/// How many entries may wait for the disk.
pub(crate) const MAX_WAITING_ENTRIES: usize = 256 << 10;
/// How many waiting bytes make the writer stop gathering.
const PLENTY_BYTES: usize = 1 << 20;
/// How much room vital entries have beyond the bounds of the queue.
pub(crate) const VITAL_RESERVE: Bounds = Bounds {
    bytes: 16 << 20,
    entries: 64 << 10,
};

/// How much may wait in a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) bytes: usize,
    pub(crate) entries: usize,
}

impl Bounds {
    /// Nothing.
    pub(super) const NONE: Self = Self {
        bytes: 0,
        entries: 0,
    };
    /// The default bounds of a queue.
    pub(crate) const QUEUE: Self = Self {
        bytes: MAX_WAITING_BYTES,
        entries: MAX_WAITING_ENTRIES,
    };
    /// A queue of default size that loses what does not fit.
    pub(crate) const LOSING: (Self, Overflow) = (Self::QUEUE, Overflow::Lose);
    /// A queue that makes its source wait.
    pub(crate) const WAITING: (Self, Overflow) = (Self::LOSSLESS_QUEUE, Overflow::Wait);
    /// The bounds of a queue that makes its source wait: enough to keep the writer busy.
    pub(crate) const LOSSLESS_QUEUE: Self = Self {
        bytes: 8 << 20,
        entries: 32 << 10,
    };

    /// Adds an entry of this weight.
    pub(super) fn add(&mut self, weight: usize) {
        self.bytes += weight;
        self.entries += 1;
    }

    const fn half(self) -> Self {
        Self {
            bytes: self.bytes / 2,
            entries: self.entries / 2,
        }
    }

    const fn plus(self, more: Self) -> Self {
        Self {
            bytes: self.bytes + more.bytes,
            entries: self.entries + more.entries,
        }
    }
}

/// What is missing at a point of the tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// When the first missing frame came.
    pub(crate) at: Micros,
    /// The number of missing frames.
    pub(crate) frames: u64,
    /// The number of their bytes.
    pub(crate) bytes: u64,
    /// How many of these bytes were lost while the writer waited for the disk.
    pub(crate) disk_bytes: u64,
}

/// What the writer takes from the queue.
#[derive(Debug)]
pub(super) enum Entry<T> {
    /// An observation of the source, and the bytes of memory that it holds.
    Seen(T, usize),
    /// Something is missing here.
    Gap(Gap),
}

impl<T> Entry<T> {
    /// How many bytes it takes in the queue.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Seen(_, bytes) => *bytes + size_of::<Self>(),
            Self::Gap(_) => size_of::<Self>(),
        }
    }
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<Entry<T>>,
    /// What is waiting, and what the writer has taken but not written yet.
    held: Bounds,
    /// What was lost since the last entry.
    gap: Option<Gap>,
    /// Whether the queue was full and is not half empty yet.
    full: bool,
    /// Whether the writer waits for an entry.
    idle: bool,
    /// Whether the writer gathers entries, and wants to be woken once there are plenty.
    gathering: bool,
    /// Sources that wait for room.
    waiting_for_room: Vec<Waker>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The source sends, the writer takes.
    Open,
    /// The source has ended.
    Closed,
    /// The writer is gone: nothing more is taken, or counted as lost.
    Ended,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    /// Wakes the writer: there is something to take, or nothing more will come.
    wake: Notify,
    /// Wakes the source: the writer is gone.
    gone: Notify,
    bounds: Bounds,
    overflow: Overflow,
    stats: Stats,
}

/// What happens when the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// New entries are lost, and counted.
    Lose,
    /// The source waits for room before it reads more; what it has already read is accepted.
    Wait,
}

/// The source's end of the queue. Any number of tasks may hold one.
#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The writer's end of the queue.
#[derive(Debug)]
pub(super) struct Receiver<T>(Arc<Shared<T>>);

/// Creates a queue that counts its losses in `stats`.
pub(super) fn queue<T>(
    bounds: Bounds,
    overflow: Overflow,
    stats: Stats,
) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            waiting: VecDeque::new(),
            held: Bounds::NONE,
            gap: None,
            full: false,
            idle: false,
            gathering: false,
            waiting_for_room: Vec::new(),
            stage: Stage::Open,
        }),
        wake: Notify::new(),
        gone: Notify::new(),
        bounds,
        overflow,
        stats,
    });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

/// Why data could not be recorded in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossCause {
    /// The writer was mostly waiting for the disk.
    Disk,
    /// The writer was mostly busy, or got no processor time.
    Processor,
}

impl LossCause {
    /// The main cause of a loss of `bytes`, of which `disk_bytes` were lost while the writer waited
    /// for the disk.
    #[must_use]
    pub fn of(bytes: u64, disk_bytes: u64) -> Self {
        if disk_bytes >= bytes - bytes / 2 {
            Self::Disk
        } else {
            Self::Processor
        }
    }
}

impl fmt::Display for LossCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disk => "the disk did not keep up",
            Self::Processor => "there was not enough CPU time to write them",
        })
    }
}

impl Gap {
    /// The `mark` that stands for the gap in a tape.
    pub(crate) fn step(&self) -> Step {
        Step::at(self.at, Action::Mark(self.to_string()))
    }
}

impl fmt::Display for Gap {
    /// The text of its `mark` in a tape.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (frames, bytes) = (self.frames, self.bytes);
        let s = if frames == 1 { "" } else { "s" };
        let cause = LossCause::of(bytes, self.disk_bytes);
        write!(f, "lost {frames} frame{s} ({bytes} bytes): {cause}")
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Sender<T> {
    /// Hands over what came at this time of the tape: the number of frames, the bytes of memory
    /// that `seen` holds, and `seen` itself. Never waits. Returns `false` if it was lost, which is
    /// counted.
    ///
    /// After a loss, everything is lost until half of the queue is free.
    pub(crate) fn send(&self, at: Micros, frames: u64, bytes: usize, seen: T) -> bool {
        self.offer(at, frames, bytes, seen, false)
    }

    /// Like [`send`](Self::send), for the few entries without which a tape makes no sense, such as
    /// the beginning and the end of a connection. They have a [reserve](VITAL_RESERVE).
    pub(crate) fn send_vital(&self, at: Micros, bytes: usize, seen: T) -> bool {
        self.offer(at, 0, bytes, seen, true)
    }

    /// Counts as lost what the source could not even send, such as the rest of a frame with a lost
    /// beginning.
    pub(crate) fn lose(&self, at: Micros, frames: u64, bytes: u64) {
        let mut state = self.0.state.lock();
        if state.stage == Stage::Open {
            state.lose(at, frames, bytes, self.0.stats.is_at_output());
            self.0.stats.lost(frames, bytes);
        }
    }

    /// Ready once a source that must not lose anything may read more; always ready if the queue
    /// loses what does not fit.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        if self.0.overflow == Overflow::Lose {
            return Poll::Ready(());
        }
        let mut state = self.0.state.lock();
        if state.stage != Stage::Open || state.fits(0, self.0.bounds) {
            return Poll::Ready(());
        }
        let waker = cx.waker();
        if !state
            .waiting_for_room
            .iter()
            .any(|other| other.will_wake(waker))
        {
            state.waiting_for_room.push(waker.clone());
        }
        Poll::Pending
    }

    /// Whether an entry sent now would be accepted: no from a loss until half of the queue is free.
    pub(crate) fn has_room(&self) -> bool {
        !self.0.state.lock().is_full(self.0.bounds)
    }

    fn offer(&self, at: Micros, frames: u64, bytes: usize, seen: T, vital: bool) -> bool {
        let entry = Entry::Seen(seen, bytes);
        let weight = entry.weight();
        let mut state = self.0.state.lock();
        if state.stage != Stage::Open {
            // A recording that has ended does not count losses.
            return false;
        }
        let taken = if self.0.overflow == Overflow::Wait {
            // A source that asked for room first exceeds the bounds by one read at most.
            true
        } else if vital {
            state.fits(weight, self.0.bounds.plus(VITAL_RESERVE))
        } else {
            let room = !state.is_full(self.0.bounds) && state.fits(weight, self.0.bounds);
            state.full = !room;
            room
        };
        if !taken {
            let bytes = bytes as u64;
            state.lose(at, frames, bytes, self.0.stats.is_at_output());
            drop(state);
            self.0.stats.lost(frames, bytes);
            return false;
        }
        if let Some(gap) = state.gap.take() {
            state.push(Entry::Gap(gap));
        }
        state.push(entry);
        let plenty = state.gathering && state.held.bytes >= PLENTY_BYTES;
        if plenty {
            state.gathering = false;
        }
        if std::mem::take(&mut state.idle) || plenty {
            drop(state);
            self.0.wake.notify_one();
        }
        true
    }

    /// Completes once the writer is gone. Cancel safe.
    pub(super) async fn ended(&self) {
        let gone = self.0.gone.notified();
        if self.0.state.lock().stage != Stage::Ended {
            gone.await;
        }
    }

    /// Tells the writer that nothing more will come.
    pub(super) fn close(&self) {
        let mut state = self.0.state.lock();
        if state.stage == Stage::Ended {
            return;
        }
        state.stage = Stage::Closed;
        if let Some(gap) = state.gap.take() {
            state.push(Entry::Gap(gap));
        }
        state.idle = false;
        drop(state);
        self.0.wake.notify_one();
    }
}

impl<T> Receiver<T> {
    /// Waits until there is something to take (`true`), or nothing more will come (`false`).
    pub(super) async fn wait(&self) -> bool {
        loop {
            {
                let mut state = self.0.state.lock();
                if !state.waiting.is_empty() {
                    return true;
                }
                if state.stage == Stage::Closed {
                    return false;
                }
                state.idle = true;
            }
            // `notify_one` stores a permit, so nothing that comes in between is missed.
            self.0.wake.notified().await;
        }
    }

    /// Waits for more to take, until `pause` ends or there is plenty.
    pub(super) async fn gather(&self, pause: impl Future<Output = ()>) {
        {
            let mut state = self.0.state.lock();
            let waits = !state.waiting.is_empty() && state.stage == Stage::Open;
            if !waits || state.held.bytes >= PLENTY_BYTES {
                return;
            }
            state.gathering = true;
        }
        tokio::select! {
            biased;
            () = self.0.wake.notified() => {}
            () = pause => {}
        }
        self.0.state.lock().gathering = false;
    }

    /// Moves everything that waits into `batch`, which must be empty. It counts as held until it is
    /// [released](Self::release).
    pub(super) fn take(&self, batch: &mut VecDeque<Entry<T>>) {
        debug_assert!(batch.is_empty(), "what was taken before is written first");
        std::mem::swap(&mut self.0.state.lock().waiting, batch);
    }

    /// Frees the room of what was written.
    pub(super) fn release(&self, written: Bounds) {
        let mut state = self.0.state.lock();
        state.held.bytes -= written.bytes;
        state.held.entries -= written.entries;
        // Sources are only woken if there is enough room to do something with.
        if state.is_over(self.0.bounds.half()) {
            return;
        }
        let waiting = std::mem::take(&mut state.waiting_for_room);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.stage = Stage::Ended;
        let waiting = std::mem::take(&mut state.waiting);
        let sources = std::mem::take(&mut state.waiting_for_room);
        drop(state);
        drop(waiting);
        sources.into_iter().for_each(Waker::wake);
        self.0.gone.notify_waiters();
    }
}

impl<T> State<T> {
    fn push(&mut self, entry: Entry<T>) {
        self.held.add(entry.weight());
        self.waiting.push_back(entry);
    }

    fn fits(&self, weight: usize, bounds: Bounds) -> bool {
        self.held.entries < bounds.entries && self.held.bytes.saturating_add(weight) <= bounds.bytes
    }

    fn is_full(&self, bounds: Bounds) -> bool {
        self.full && self.is_over(bounds.half())
    }

    fn is_over(&self, bounds: Bounds) -> bool {
        self.held.bytes > bounds.bytes || self.held.entries > bounds.entries
    }

    fn lose(&mut self, at: Micros, frames: u64, bytes: u64, at_disk: bool) {
        let gap = self.gap.get_or_insert(Gap {
            at,
            frames: 0,
            bytes: 0,
            disk_bytes: 0,
        });
        gap.frames += frames;
        gap.bytes += bytes;
        gap.disk_bytes += if at_disk { bytes } else { 0 };
    }
}
