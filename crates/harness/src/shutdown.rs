//! How a function under test is told to end.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long a subscriber's shutdown may take, in the run's time.
pub(crate) const MAX_SHUTDOWN: Duration = Duration::from_secs(10);

/// Tells a function under test to end; see [`Stage::shutdown`](crate::Stage::shutdown).
#[derive(Clone)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shutdown").field(&*self.0.borrow()).finish()
    }
}

impl Shutdown {
    /// Completes once the function is to end.
    pub(crate) fn asked(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut asked = self.0.subscribe();
        async move {
            // An error means that nobody is left to ask: the run is over.
            let _ = asked.wait_for(|asked| *asked).await;
        }
    }

    /// Asks it to end; returns whether it listens. One that does not has to be ended.
    pub(crate) fn ask(&self) -> bool {
        self.0.send_replace(true);
        self.0.receiver_count() > 0
    }
}
