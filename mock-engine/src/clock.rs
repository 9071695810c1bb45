//! The clock everything waits on: virtual or real.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, Sleep};
use wstape_tape::Micros;

/// The longest single sleep handed to tokio: ten years. tokio caps a sleep at thirty.
const LONGEST_NAP: Duration = Duration::from_hours(10 * 365 * 24);

/// Whether this runtime's time is paused: it stands still while the machine's goes on.
///
/// tokio has no function for this, and comparing its time with the machine's once is not enough: a
/// time that was paused and then resumed runs behind. So it is read before and after the machine's
/// time has moved by a tick, usually of one to some two dozen nanoseconds: a running time moves as
/// well. Only a single-threaded runtime can be paused, and nothing else moves its time meanwhile.
pub(crate) fn is_paused() -> bool {
    let first = Instant::now();
    let machine = std::time::Instant::now();
    while std::time::Instant::now() == machine {
        std::hint::spin_loop();
    }
    Instant::now() == first
}

/// The one source of time: microseconds since an origin, and the wall time that goes with them.
///
/// A **virtual** clock counts one microsecond for each millisecond of a paused tokio runtime
/// (tokio's timers know whole milliseconds only), so every wait is exact and takes no real time. It
/// needs a current-thread runtime with paused time. A **real** clock counts real microseconds.
#[derive(Debug, Clone)]
pub struct Clock {
    origin: Instant,
    wall_at_zero: DateTime<Utc>,
    pace: Pace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Virtual,
    Real,
}

impl Clock {
    /// A virtual clock that stands at zero now and shows `wall_at_zero` there.
    #[must_use]
    pub fn virtual_at(wall_at_zero: DateTime<Utc>) -> Self {
        Self {
            origin: Instant::now(),
            wall_at_zero,
            pace: Pace::Virtual,
        }
    }

    /// A real clock that stands at zero now and shows `wall_at_zero` there.
    #[must_use]
    pub fn real_at(wall_at_zero: DateTime<Utc>) -> Self {
        Self {
            origin: Instant::now(),
            wall_at_zero,
            pace: Pace::Real,
        }
    }

    /// A real clock that stands at zero now and shows the machine's wall time, read once: if the
    /// machine's time is set later, by NTP or by hand, this clock keeps counting, so that a
    /// journal's times never step back.
    #[must_use]
    pub fn real_now() -> Self {
        Self::real_at(Utc::now())
    }

    /// Time since the origin.
    #[must_use]
    pub fn now(&self) -> Micros {
        let elapsed = self.origin.elapsed();
        let units = match self.pace {
            Pace::Virtual => elapsed.as_millis(),
            Pace::Real => elapsed.as_micros(),
        };
        Micros(u64::try_from(units).unwrap_or(u64::MAX))
    }

    /// Wall time now. Saturates at chrono's last instant.
    #[must_use]
    pub fn wall(&self) -> DateTime<Utc> {
        let since = i64::try_from(self.now().0).unwrap_or(i64::MAX);
        self.wall_at_zero
            .checked_add_signed(TimeDelta::microseconds(since))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Returns once [`now`](Self::now) is at least `until`.
    pub async fn sleep_until(&self, until: Micros) {
        let mut timer = Timer::new(self.clone());
        std::future::poll_fn(|cx| timer.poll(cx, until)).await;
    }

    /// The runtime's instant for `until`, or an earlier one if that is too far off for one sleep.
    fn instant(&self, until: Micros) -> Instant {
        let span = match self.pace {
            Pace::Virtual => Duration::from_millis(until.0),
            Pace::Real => Duration::from_micros(until.0),
        };
        let nap = span.saturating_sub(self.origin.elapsed()).min(LONGEST_NAP);
        Instant::now() + nap
    }
}

/// A timer that can be re-armed for new instants; it allocates at its first real wait.
#[derive(Debug)]
pub struct Timer {
    clock: Clock,
    sleep: Option<Pin<Box<Sleep>>>,
    armed_for: Option<Micros>,
}

impl Timer {
    /// A timer on this clock, not armed yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            sleep: None,
            armed_for: None,
        }
    }

    /// Ready once the clock has reached `until`; otherwise the task is woken then.
    pub fn poll(&mut self, cx: &mut Context<'_>, until: Micros) -> Poll<()> {
        loop {
            if self.clock.now() >= until {
                self.armed_for = None;
                return Poll::Ready(());
            }
            if self.armed_for != Some(until) {
                let at = self.clock.instant(until);
                match &mut self.sleep {
                    Some(sleep) => sleep.as_mut().reset(at),
                    None => self.sleep = Some(Box::pin(tokio::time::sleep_until(at))),
                }
                self.armed_for = Some(until);
            }
            let Some(sleep) = &mut self.sleep else {
                return Poll::Pending;
            };
            match sleep.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                // One nap of a longer wait is over: check the clock and sleep again.
                Poll::Ready(()) => self.armed_for = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime(paused: bool) -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(paused)
            .build()
            .expect("a runtime")
    }

    #[test]
    fn a_runtime_that_is_paused_is_told_from_one_that_runs_each_time_that_it_changes() {
        runtime(false).block_on(async {
            assert!(!is_paused());
            tokio::time::pause();
            assert!(is_paused());
            // From here on the runtime's time is an hour ahead of the machine's.
            tokio::time::advance(Duration::from_hours(1)).await;
            assert!(is_paused());
            tokio::time::resume();
            assert!(!is_paused());
        });
        runtime(true).block_on(async {
            assert!(is_paused());
            tokio::time::resume();
            assert!(!is_paused());
        });
    }
}
