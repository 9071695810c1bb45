//! Ctrl-C, and SIGTERM where there is one: a run ends with what it has.

use std::io::{self, IsTerminal as _};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use tokio::runtime::Builder;

use super::signals::Signals;

/// Stands for no signal: a status that none of them gives.
const NONE: u8 = 0;

/// Whether a run was told to end, and by which signal.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupted(Arc<AtomicU8>);

impl Interrupted {
    /// Listens from here on, on a separate thread, for the run called `whom`; `told` is called at
    /// the first signal. The second ends the process at once.
    pub(super) fn listen(
        whom: &'static str,
        told: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let interrupted = Self::default();
        let seen = interrupted.clone();
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _guard = runtime.enter();
            Signals::listen()?
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let first = signals.next().await;
                    seen.0.store(first.status(), Ordering::Relaxed);
                    // The message follows a line of progress, or the ^C that a terminal shows.
                    let gap = if io::stderr().is_terminal() { "\n" } else { "" };
                    eprintln!(
                        "{gap}{whom}: interrupted: ending with what there is; once more ends at once"
                    );
                    told();
                    let second = signals.next().await;
                    process::exit(second.status().into());
                });
            })?;
        Ok(interrupted)
    }

    pub(super) fn get(&self) -> bool {
        self.status().is_some()
    }

    /// The status of a process that the signal ended, as a shell gives it; `None` if none came.
    pub(super) fn status(&self) -> Option<u8> {
        let status = self.0.load(Ordering::Relaxed);
        (status != NONE).then_some(status)
    }
}
