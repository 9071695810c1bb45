//! Signs of life from a world, for whoever watches its worker from outside: what a case that does
//! not end is doing.

use std::cell::RefCell;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::runtime::Builder;
use tokio::sync::Notify;

/// How many times in a row a thread must be found parked before its time counts as standing still:
/// in virtual time a thread is parked for only an instant.
const PARKED_LOOKS: u32 = 20;

/// Signs of life from the world that a thread is playing.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// The thread has nothing to do until somebody wakes it.
    parked: AtomicBool,
    asks: Notify,
    asked: AtomicU64,
    answered: AtomicU64,
    /// The system's name for the thread, if it has one.
    thread: Mutex<Option<String>>,
}

/// What a case that does not end is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Diagnosis {
    /// The thread is in one poll, and runs.
    Computes,
    /// The thread is in one poll, and sleeps or waits.
    Blocks,
    /// Tasks wake each other, and no time passes.
    Spins,
    /// All tasks wait for another thread, so that no time passes.
    WaitsForThread,
}

impl Diagnosis {
    /// The finding, in words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Computes => "it computes without an await: no other task gets a turn",
            Self::Blocks => {
                "it blocks its thread: a sleep of std's, a lock or a blocking call, where tokio's \
                 would let others go on"
            }
            Self::Spins => {
                "it spins: its tasks wake each other again and again, and no time passes between"
            }
            Self::WaitsForThread => {
                "it waits for another thread (spawn_blocking, or one of its own): time stands still \
                 until that is done, so play it with --real"
            }
        }
    }
}

thread_local! {
    static OF_THREAD: RefCell<Option<Arc<Pulse>>> = const { RefCell::new(None) };
}

impl Pulse {
    /// Makes this the pulse of the worlds on this thread.
    pub(crate) fn enter(self: &Arc<Self>) {
        // A link to `<process>/task/<thread>` on Linux; other systems don't tell.
        let link = fs::read_link("/proc/thread-self").ok();
        let thread = link.and_then(|link| Some(link.file_name()?.to_str()?.to_owned()));
        *self.thread.lock() = thread;
        OF_THREAD.set(Some(Arc::clone(self)));
    }

    /// Returns the pulse of this thread's worlds; if none was entered, one that nobody watches.
    pub(crate) fn here() -> Arc<Self> {
        OF_THREAD.with_borrow(|pulse| pulse.clone().unwrap_or_default())
    }

    /// Makes a runtime report when its thread is parked.
    pub(crate) fn listen(self: &Arc<Self>, builder: &mut Builder) {
        let (parks, unparks) = (Arc::clone(self), Arc::clone(self));
        builder
            .on_thread_park(move || parks.parked.store(true, Ordering::Release))
            .on_thread_unpark(move || unparks.parked.store(false, Ordering::Release));
    }

    /// Waits until somebody asks for a sign, and gives it.
    pub(crate) async fn answer(&self) {
        self.asks.notified().await;
        self.answered.fetch_add(1, Ordering::AcqRel);
    }

    /// Asks for a sign.
    fn ask(&self) {
        self.asked.fetch_add(1, Ordering::AcqRel);
        self.asks.notify_one();
    }

    /// Whether the thread runs, according to the system; `None` if it doesn't say.
    fn runs(&self) -> Option<bool> {
        let thread = self.thread.lock().clone()?;
        let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
        // After the name, which is in parentheses and may hold anything (proc(5)).
        let (_, fields) = stat.rsplit_once(") ")?;
        Some(fields.starts_with('R'))
    }
}

/// Watches a pulse, look by look, for a case that does not end.
#[derive(Debug, Default)]
pub(crate) struct Feeling {
    asked: Option<u64>,
    parked_looks: u32,
    /// Looks that found the thread at work, and all looks during its current poll.
    running_looks: u32,
    silent_looks: u32,
}

impl Feeling {
    /// Looks once more. The finding is certain only if the case waits for another thread.
    pub(crate) fn look(&mut self, pulse: &Pulse) -> Diagnosis {
        if self.asked.is_none() {
            self.asked = Some(pulse.answered.load(Ordering::Acquire));
            pulse.ask();
        }
        let answers = self.asked != Some(pulse.answered.load(Ordering::Acquire));
        if !answers {
            // A blocked thread still gets a core now and then, and a computing one sometimes gets
            // none.
            self.silent_looks = self.silent_looks.saturating_add(1);
            let runs = u32::from(pulse.runs() == Some(true));
            self.running_looks = self.running_looks.saturating_add(runs);
            return if self.running_looks > self.silent_looks / 2 {
                Diagnosis::Computes
            } else {
                Diagnosis::Blocks
            };
        }
        if pulse.parked.load(Ordering::Acquire) {
            self.parked_looks = self.parked_looks.saturating_add(1);
        } else {
            self.parked_looks = 0;
        }
        if self.parked_looks >= PARKED_LOOKS {
            Diagnosis::WaitsForThread
        } else {
            Diagnosis::Spins
        }
    }
}
