//! The engine's clock, as a subscriber wants it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine_client::Sleep;
use wstape_tape::Micros;

/// The clock of a scenario, handed to the subscriber under test: one time for both ends.
#[derive(Debug, Clone)]
pub struct SubjectClock(wstape_mock_engine::Clock);

impl SubjectClock {
    /// Over the clock that the engine runs on.
    #[must_use]
    pub fn new(clock: wstape_mock_engine::Clock) -> Self {
        Self(clock)
    }
}

impl engine_client::Clock for SubjectClock {
    fn now(&self) -> Duration {
        self.0.now().duration()
    }

    fn wall(&self) -> DateTime<Utc> {
        self.0.wall()
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        let clock = self.0.clone();
        Box::pin(async move { clock.sleep_until(Micros::from(deadline)).await })
    }
}
