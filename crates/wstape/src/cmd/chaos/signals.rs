//! Ctrl-C, and SIGTERM where there is one: the run ends with what it has.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::runtime::Builder;

/// The status of a process that a second Ctrl-C ended, as a shell has it: 128 and SIGINT's 2.
const INTERRUPTED_TWICE: i32 = 130;

/// Whether the run was told to end.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupted(Arc<AtomicBool>);

impl Interrupted {
    /// Listens from here on, on a thread of its own. The second signal ends the process at once.
    pub(super) fn listen() -> io::Result<Self> {
        let interrupted = Self::default();
        let seen = interrupted.clone();
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _guard = runtime.enter();
            Signals::new()?
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    signals.wait().await;
                    seen.0.store(true, Ordering::Relaxed);
                    eprintln!(
                        "chaos: interrupted: ending with what there is; once more ends at once"
                    );
                    signals.wait().await;
                    process::exit(INTERRUPTED_TWICE);
                });
            })?;
        Ok(interrupted)
    }

    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    #[cfg(unix)]
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn wait(&mut self) {
        // Without the handler only the process's own end is left.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
