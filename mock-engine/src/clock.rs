//! The clock everything waits on: virtual or real.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, Sleep};
use wstape_tape::Micros;

use crate::virtual_time::{Place, VirtualTime};

/// The longest single sleep handed to tokio: ten of its years. It cuts off at thirty.
const LONGEST_NAP: Duration = Duration::from_hours(10 * 365 * 24);

/// The one source of time: microseconds since an origin, and the wall time that goes with them.
///
/// A **virtual** clock stands while anything in its runtime is at work, and then jumps to the next
/// instant that somebody waits for by one of them: every wait is exact and takes no real time. It
/// needs a current-thread runtime whose time is paused; all virtual clocks of a runtime go together.
/// A **real** clock counts the runtime's own microseconds.
#[derive(Debug, Clone)]
pub struct Clock {
    wall_at_zero: DateTime<Utc>,
    pace: Pace,
}

#[derive(Debug, Clone)]
enum Pace {
    /// From this reading of the runtime's virtual time on.
    Virtual(Arc<VirtualTime>, Micros),
    Real(Instant),
}

impl Clock {
    /// A virtual clock that stands at zero now and shows `wall_at_zero` there.
    #[must_use]
    pub fn virtual_at(wall_at_zero: DateTime<Utc>) -> Self {
        let time = VirtualTime::here();
        let origin = time.now();
        Self {
            wall_at_zero,
            pace: Pace::Virtual(time, origin),
        }
    }

    /// A real clock that stands at zero now and shows `wall_at_zero` there.
    #[must_use]
    pub fn real_at(wall_at_zero: DateTime<Utc>) -> Self {
        Self {
            wall_at_zero,
            pace: Pace::Real(Instant::now()),
        }
    }

    /// A real clock that stands at zero now and shows the machine's wall time.
    #[must_use]
    pub fn real_now() -> Self {
        Self::real_at(Utc::now())
    }

    /// Time since the origin.
    #[must_use]
    pub fn now(&self) -> Micros {
        match &self.pace {
            Pace::Virtual(time, origin) => Micros(time.now().0.saturating_sub(origin.0)),
            Pace::Real(origin) => {
                let elapsed = origin.elapsed().as_micros();
                Micros(u64::try_from(elapsed).unwrap_or(u64::MAX))
            }
        }
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
}

/// A timer that can be pointed at ever new instants; one of a real clock allocates at its first real
/// wait.
#[derive(Debug)]
pub struct Timer {
    clock: Clock,
    sleep: Option<Pin<Box<Sleep>>>,
    armed_for: Option<Micros>,
    /// Where it waits, by a virtual clock.
    place: Option<Place>,
}

impl Timer {
    /// Of this clock, pointed at nothing yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            sleep: None,
            armed_for: None,
            place: None,
        }
    }

    /// Ready once the clock has reached `until`; otherwise the task is woken then.
    pub fn poll(&mut self, cx: &mut Context<'_>, until: Micros) -> Poll<()> {
        match &self.clock.pace {
            Pace::Virtual(time, zero) => {
                let until = Micros(zero.0.saturating_add(until.0));
                time.poll(cx, until, &mut self.place)
            }
            Pace::Real(zero) => {
                let zero = *zero;
                self.poll_real(cx, until, zero)
            }
        }
    }

    fn poll_real(&mut self, cx: &mut Context<'_>, until: Micros, zero: Instant) -> Poll<()> {
        loop {
            if self.clock.now() >= until {
                self.armed_for = None;
                return Poll::Ready(());
            }
            if self.armed_for != Some(until) {
                let at = instant(until, zero);
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
                // A nap of a longer wait: look at the clock and lie down again.
                Poll::Ready(()) => self.armed_for = None,
            }
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Pace::Virtual(time, _) = &self.clock.pace {
            time.leave(&mut self.place);
        }
    }
}

/// The runtime's instant of `until`, or an earlier one where it is too far for one sleep.
fn instant(until: Micros, zero: Instant) -> Instant {
    let span = Duration::from_micros(until.0);
    let nap = span.saturating_sub(zero.elapsed()).min(LONGEST_NAP);
    Instant::now() + nap
}
