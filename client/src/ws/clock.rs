//! Time as the subscriber sees it: a clock that is handed in.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// A boxed wait; what [`Clock::sleep_until`] returns.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the subscriber takes its time from.
///
/// Nothing in this crate reads a wall clock or waits except through this trait, so a test that
/// supplies its own decides what time it is. A one-minute reconnect ladder then runs in well under
/// a millisecond, with times exact to the microsecond.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// Time since an arbitrary, fixed origin; never decreases.
    fn now(&self) -> Duration;

    /// The wall time, which may jump. Only shown and stored, never waited on.
    fn wall(&self) -> DateTime<Utc>;

    /// Completes once [`now`](Self::now) is at or past `deadline`. A deadline in the past
    /// completes at the first poll.
    fn sleep_until(&self, deadline: Duration) -> Sleep;
}

/// The machine's own clock: tokio's timers and the system's wall time.
#[derive(Debug, Clone)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn wall(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        match self.origin.checked_add(deadline) {
            Some(at) => Box::pin(tokio::time::sleep_until(at)),
            None => Box::pin(std::future::pending()),
        }
    }
}

/// Returns what `work` returns, unless `timeout` comes first; if both are ready at once, the work
/// wins.
pub(super) async fn within<T>(mut timeout: Sleep, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        timeout.as_mut().poll(cx).map(|()| None)
    })
    .await
}
