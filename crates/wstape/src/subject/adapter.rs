//! Adapts the harness's clock and dialer to the client.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use engine_client::{DialError, Dialing, Sleep, Target, Transport};
use wstape_harness::{Clock, Dialer};

/// A clock of the harness, or an engine's, for the client.
#[derive(Debug, Clone)]
pub struct ClientClock(Arc<dyn Clock>);

impl ClientClock {
    /// Wraps this clock.
    #[must_use]
    pub fn new(clock: impl Clock) -> Self {
        Self(Arc::new(clock))
    }
}

impl From<Arc<dyn Clock>> for ClientClock {
    fn from(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }
}

impl engine_client::Clock for ClientClock {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn wall(&self) -> DateTime<Utc> {
        self.0.wall()
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        self.0.sleep_until(deadline)
    }
}

/// A dialer of the harness, for the client.
#[derive(Debug, Clone)]
pub struct ClientDialer(Arc<dyn Dialer>);

impl ClientDialer {
    /// Wraps this dialer.
    #[must_use]
    pub fn new(dialer: impl Dialer) -> Self {
        Self(Arc::new(dialer))
    }
}

impl From<Arc<dyn Dialer>> for ClientDialer {
    fn from(dialer: Arc<dyn Dialer>) -> Self {
        Self(dialer)
    }
}

impl engine_client::Dialer for ClientDialer {
    fn dial<'a>(&'a self, target: &'a Target) -> Dialing<'a> {
        Box::pin(async {
            let dialed = self.0.dial(target.host(), target.port()).await;
            let stream = dialed.map_err(DialError::Connect)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}
