//! The engine's clock in the form a subscriber takes: one time for both ends.

use std::time::Duration;

use chrono::{DateTime, Utc};
use wstape_tape::Micros;

use crate::net::{Clock, Sleep};

impl Clock for wstape_mock_engine::Clock {
    fn now(&self) -> Duration {
        self.now().duration()
    }

    fn wall(&self) -> DateTime<Utc> {
        self.wall()
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        let clock = self.clone();
        Box::pin(async move { clock.sleep_until(Micros::from(deadline)).await })
    }
}
