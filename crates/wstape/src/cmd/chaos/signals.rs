//! Ctrl-C, and SIGTERM where there is one: the run ends with what it has.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::runtime::Builder;

use crate::cmd::signals::Signals;

/// A shell's status for a process ended by a second Ctrl-C: 128 plus SIGINT's 2.
const INTERRUPTED_TWICE: i32 = 130;

/// Whether the run was told to end.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupted(Arc<AtomicBool>);

impl Interrupted {
    /// Listens from here on, on a separate thread. The second signal ends the process at once.
    pub(super) fn listen() -> io::Result<Self> {
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
                    signals.next().await;
                    seen.0.store(true, Ordering::Relaxed);
                    eprintln!(
                        "chaos: interrupted: ending with what there is; once more ends at once"
                    );
                    signals.next().await;
                    process::exit(INTERRUPTED_TWICE);
                });
            })?;
        Ok(interrupted)
    }

    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
