//! A tape written to memory, and time that passes by itself.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use wstape_recorder::Sink;

/// A tape, kept in memory as it is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    /// Returns what was written so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).expect("a tape is UTF-8")
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Page {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a test in memory with paused time.
pub(crate) fn in_memory<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(test)
}
