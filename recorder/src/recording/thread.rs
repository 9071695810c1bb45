//! The thread that writes a recording.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread;

use tokio::runtime::Handle;

use super::priority::stand_back;

/// The thread's name in lists of threads.
pub(super) const THREAD_NAME: &str = "wstape-writer";

type Job = Box<dyn FnOnce() + Send>;

/// A recording's own thread, with a lower priority than the traffic. A lowered priority can't be
/// raised again, so it must not be a thread that others use later. The thread ends when this is
/// dropped.
#[derive(Debug)]
pub(super) struct WriterThread {
    jobs: Sender<Job>,
}

impl WriterThread {
    /// Starts the thread, using the current runtime's time.
    ///
    /// # Errors
    /// The system can't create a thread.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub(super) fn start() -> io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let runtime = Handle::current();
        thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(move || {
                stand_back();
                // Lets clocks that are read on this thread follow the runtime's time, including
                // paused time.
                let _context = runtime.enter();
                for job in waiting {
                    job();
                }
            })?;
        Ok(Self { jobs })
    }

    /// Runs `work` on the thread, and blocks until that is done.
    ///
    /// # Panics
    /// If `work` panics.
    pub(super) fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = sync_channel(1);
        let job: Job = Box::new(move || {
            // The receiver is there: `run` has not returned.
            let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
        });
        if let Err(unsent) = self.jobs.send(job) {
            // Only the thread's own end can have closed the channel: do the work here.
            (unsent.0)();
        }
        let lost = |_| Err(Box::new("the writer's thread is gone") as Box<dyn Any + Send>);
        result
            .recv()
            .unwrap_or_else(lost)
            .unwrap_or_else(|panic| resume_unwind(panic))
    }
}
