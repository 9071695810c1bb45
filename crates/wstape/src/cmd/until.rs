//! How long a live recording goes on.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use engine_client::Clock;

use super::duration::duration;
use super::signals::Signals;

/// How long a live recording goes on.
#[derive(Debug, Args)]
pub(crate) struct UntilArgs {
    /// How long to record, such as 90s, 5m or 1h30m. Default: until Ctrl-C.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
}

impl UntilArgs {
    /// Completes after the requested time, or at Ctrl-C or SIGTERM, whichever comes first. A second
    /// signal ends the process at once; what the tape holds by then can be played.
    ///
    /// # Errors
    /// If signals can't be listened for.
    ///
    /// # Panics
    /// Outside a tokio runtime with its I/O driver on.
    pub(crate) fn wait(
        &self,
        clock: &Arc<dyn Clock>,
    ) -> io::Result<impl Future<Output = ()> + use<>> {
        let mut signals = Signals::listen()?;
        let timeout = self
            .duration
            .map(|duration| clock.sleep_until(clock.now().saturating_add(duration)));
        Ok(async move {
            let timeout = async {
                match timeout {
                    Some(timeout) => timeout.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = signals.next() => {}
                () = timeout => {}
            }
            tokio::spawn(async move {
                signals.next().await;
                eprintln!("wstape: stopped by a second signal, before everything was written");
                std::process::exit(super::exit::FOUND.into());
            });
        })
    }
}
