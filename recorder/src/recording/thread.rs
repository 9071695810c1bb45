//! The thread that writes.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread;

use tokio::runtime::Handle;

use super::priority::stand_back;

/// What it is called where threads are listed.
pub(super) const THREAD_NAME: &str = "wstape-writer";

type Job = Box<dyn FnOnce() + Send>;

/// A thread of a recording's own, which stands back for the traffic. A lower priority can't be
/// taken back, so a thread that others use later must not have it. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct WriterThread {
    jobs: Sender<Job>,
}

impl WriterThread {
    /// Starts it, in the time of the runtime that it is started in.
    ///
    /// # Errors
    /// Where the system gives no thread.
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
                // Clocks that are read here go as they do there, in paused time too.
                let _context = runtime.enter();
                for job in waiting {
                    job();
                }
            })?;
        Ok(Self { jobs })
    }

    /// Has it do `work`, and blocks until that is done.
    ///
    /// # Panics
    /// Where `work` does.
    pub(super) fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = sync_channel(1);
        let job: Job = Box::new(move || {
            // Whoever waits is there: `run` has not returned.
            let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
        });
        if let Err(unsent) = self.jobs.send(job) {
            // The thread is gone, which only its own end could do: the work is done here.
            (unsent.0)();
        }
        let lost = |_| Err(Box::new("the writer's thread is gone") as Box<dyn Any + Send>);
        result
            .recv()
            .unwrap_or_else(lost)
            .unwrap_or_else(|panic| resume_unwind(panic))
    }
}
