//! The time of a tape being recorded.

use std::sync::Arc;
use std::time::Duration;

use engine_client::Clock;
use wstape_tape::Micros;

/// A clock, and its reading when the tape began.
#[derive(Debug, Clone)]
pub(crate) struct TapeTime {
    clock: Arc<dyn Clock>,
    start: Duration,
}

impl TapeTime {
    /// A tape's time that begins now.
    pub(crate) fn starting(clock: Arc<dyn Clock>) -> Self {
        let start = clock.now();
        Self { clock, start }
    }

    /// The current time of the tape.
    pub(crate) fn now(&self) -> Micros {
        self.of(self.clock.now())
    }

    /// The tape's time for a reading of the clock.
    pub(crate) fn of(&self, now: Duration) -> Micros {
        Micros::from(now.saturating_sub(self.start))
    }

    /// The clock's reading for a time of the tape.
    pub(crate) fn reading(&self, at: Micros) -> Duration {
        self.start.saturating_add(at.duration())
    }

    /// How long ago the tape began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.now().saturating_sub(self.start)
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}
