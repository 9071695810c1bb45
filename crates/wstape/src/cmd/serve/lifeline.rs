//! Standard input as a sign of life: whoever started `serve` still holds its other end.

use std::io::{self, ErrorKind, Read};
use std::thread;

use clap::Args;
use tokio::sync::oneshot;

/// Bytes that are read and discarded at once.
const READ_BYTES: usize = 4 << 10;

/// Whether the run ends with standard input.
#[derive(Debug, Args)]
pub(super) struct LifelineArgs {
    /// Exit when standard input closes, as it does when the parent process dies: for tests that may
    /// be killed
    #[arg(long)]
    exit_with_stdin: bool,
}

impl LifelineArgs {
    /// Whether it does.
    pub(super) fn wanted(&self) -> bool {
        self.exit_with_stdin
    }

    /// Watches standard input from here on, if wanted; its contents are ignored.
    ///
    /// # Errors
    /// If the system has no thread left for it.
    pub(super) fn watch(&self) -> io::Result<Lifeline> {
        if !self.wanted() {
            return Ok(Lifeline(None));
        }
        let (held, ended) = oneshot::channel();
        // A separate thread: a read of standard input can't be cancelled, and the runtime would
        // wait for it when it ends.
        let thread = thread::Builder::new().name("lifeline".to_owned());
        thread.spawn(move || {
            until_end(io::stdin().lock());
            drop(held);
        })?;
        Ok(Lifeline(Some(ended)))
    }
}

/// Signals the end of standard input.
///
/// However the process with the other end dies, even by SIGKILL, the operating system closes it: no
/// signal, no polling, and no confusion if its process number is reused.
pub(super) struct Lifeline(Option<oneshot::Receiver<()>>);

impl Lifeline {
    /// Returns once standard input has ended; never if that is not wanted.
    pub(super) async fn ended(self) {
        match self.0 {
            // Nothing is ever sent: the sender's drop is the message.
            Some(ended) => drop(ended.await),
            None => std::future::pending().await,
        }
    }
}

/// Returns once `input` has ended, or can't be read any more.
fn until_end(mut input: impl Read) {
    let mut buffer = [0; READ_BYTES];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Yields its items one after another, then its end.
    struct Script(Vec<io::Result<usize>>);

    impl Read for Script {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            self.0.remove(0)
        }
    }

    #[test]
    fn bytes_and_interruptions_are_no_end_and_an_error_is_one() {
        let interrupted = || Err(ErrorKind::Interrupted.into());
        let mut script = Script(vec![
            Ok(1),
            interrupted(),
            Ok(READ_BYTES),
            Err(ErrorKind::BrokenPipe.into()),
            Ok(7),
        ]);
        until_end(&mut script);
        assert!(matches!(script.0[..], [Ok(7)]), "{:?}", script.0);
        until_end(&mut script);
        assert!(script.0.is_empty());
    }
}
