//! Runs a subject's work, which may hang, on a thread of its own.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use wstape_chaos::WORKER_NAME;
use wstape_harness::panic_message;

/// Does `work` on a thread of its own, for at most `most` of wall time.
///
/// # Errors
/// If it panics or takes longer, in words. A thread can't be ended from outside: one that takes
/// longer is left behind.
pub(crate) fn bounded<T: Send + 'static>(
    most: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (done, result) = channel();
    let thread = thread::Builder::new().name(WORKER_NAME.to_owned());
    let thread = thread.spawn(move || {
        let worked = panic::catch_unwind(AssertUnwindSafe(work));
        // The receiver may have given up.
        let _ = done.send(worked.map_err(|panic| panic_message(&*panic)));
    });
    thread.map_err(|error| format!("no thread for it: {error}"))?;
    match result.recv_timeout(most) {
        Ok(worked) => worked,
        Err(RecvTimeoutError::Disconnected) => Err("its thread ended without a result".into()),
        Err(RecvTimeoutError::Timeout) => Err(format!(
            "expected it to be played within {} s of wall time, found it still running: the \
             subscriber blocks its thread, spins, or waits for another thread or another clock \
             than tokio's",
            most.as_secs()
        )),
    }
}
