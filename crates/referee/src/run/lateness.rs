//! How late timers are: how busy the machine is.

use std::time::{Duration, Instant};

/// How often the timer is checked.
const EVERY: Duration = Duration::from_millis(50);

/// A case's own timer, and its greatest lateness.
#[derive(Debug)]
pub(super) struct Lateness {
    due: Instant,
    most: Duration,
}

impl Lateness {
    pub(super) fn new() -> Self {
        Self {
            due: Instant::now() + EVERY,
            most: Duration::ZERO,
        }
    }

    /// Waits for the next look.
    pub(super) async fn tick(&mut self) {
        tokio::time::sleep_until(self.due.into()).await;
        let now = Instant::now();
        self.most = self.most.max(now.saturating_duration_since(self.due));
        self.due = now + EVERY;
    }

    pub(super) fn most(&self) -> Duration {
        self.most
    }
}
