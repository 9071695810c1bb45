//! Virtual time: it stands while anything is at work, and jumps to the next timer once nothing is.
//!
//! When nothing is at work is known to a paused runtime of tokio alone: it then moves its own clock
//! on to its next timer. So it is given one, a millisecond ahead, whenever somebody waits here; as it
//! fires, virtual time goes to where the first of those who wait wants it. Time is read without a
//! lock, and a jump costs the same however far it is, where tokio's own timers are sorted anew every
//! few powers of two on their way.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{self, Handle};
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep};
use wstape_tape::Micros;

/// How far ahead the runtime's one timer is: the least it knows.
const AHEAD: Duration = Duration::from_millis(1);

/// The virtual times of runtimes that are in use: all clocks of one runtime share one.
static TIMES: Mutex<Vec<(runtime::Id, Weak<VirtualTime>)>> = Mutex::new(Vec::new());

/// A runtime's virtual time, in microseconds since its first clock began.
#[derive(Debug)]
pub(crate) struct VirtualTime {
    now: AtomicU64,
    waiting: Mutex<Waiting>,
    /// What the runtime wakes once nothing is at work.
    idle: Waker,
}

/// A place in the order of those who wait: when they are woken, and who came first.
pub(crate) type Place = (Micros, u64);

#[derive(Debug, Default)]
struct Waiting {
    wakers: BTreeMap<Place, Waker>,
    /// Places ever given.
    given: u64,
    /// The runtime's timer, and when it fires, where it will.
    timer: Option<Pin<Box<Sleep>>>,
    fires_at: Option<Instant>,
    /// Kept between jumps for its capacity.
    due: Vec<Waker>,
}

/// Is told by the runtime that nothing is at work.
#[derive(Debug)]
struct Idle(Weak<VirtualTime>);

impl Wake for Idle {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(time) = self.0.upgrade() {
            time.jump();
        }
    }
}

impl VirtualTime {
    /// The virtual time of the runtime that is entered here; one of its own where none is.
    pub(crate) fn here() -> Arc<Self> {
        let Ok(runtime) = Handle::try_current() else {
            return Self::new();
        };
        let mut times = TIMES.lock();
        times.retain(|(_, time)| time.strong_count() > 0);
        let known = times.iter().find(|(id, _)| *id == runtime.id());
        if let Some(time) = known.and_then(|(_, time)| time.upgrade()) {
            return time;
        }
        let time = Self::new();
        times.push((runtime.id(), Arc::downgrade(&time)));
        time
    }

    fn new() -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            now: AtomicU64::new(0),
            waiting: Mutex::default(),
            idle: Waker::from(Arc::new(Idle(Weak::clone(this)))),
        })
    }

    pub(crate) fn now(&self) -> Micros {
        Micros(self.now.load(Ordering::Acquire))
    }

    /// Ready once it is `until`; otherwise the task waits at `place`, from where it goes where it
    /// stood at another.
    ///
    /// # Panics
    /// Outside a runtime with time, where it is not ready.
    pub(crate) fn poll(
        &self,
        cx: &Context<'_>,
        until: Micros,
        place: &mut Option<Place>,
    ) -> Poll<()> {
        if self.now() >= until {
            self.leave(place);
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.lock();
        match place.filter(|(at, _)| *at == until) {
            Some(kept) if let Some(waker) = waiting.wakers.get_mut(&kept) => {
                waker.clone_from(cx.waker());
            }
            _ => {
                if let Some(left) = place.take() {
                    waiting.wakers.remove(&left);
                }
                waiting.given += 1;
                let new = (until, waiting.given);
                waiting.wakers.insert(new, cx.waker().clone());
                *place = Some(new);
            }
        }
        if waiting.fires_at.is_none() {
            waiting.set_timer(&self.idle);
        }
        Poll::Pending
    }

    /// Whoever waited at `place` does no more.
    pub(crate) fn leave(&self, place: &mut Option<Place>) {
        if let Some(left) = place.take() {
            self.waiting.lock().wakers.remove(&left);
        }
    }

    /// Nothing is at work: time goes to where the first who waits wants it.
    fn jump(&self) {
        let mut waiting = self.waiting.lock();
        // A runtime that shuts down wakes everybody, before their time.
        let fired = |at| Handle::try_current().is_ok() && Instant::now() >= at;
        if !waiting.fires_at.is_some_and(fired) {
            return;
        }
        waiting.fires_at = None;
        let Some((&(at, _), _)) = waiting.wakers.first_key_value() else {
            return;
        };
        self.now.fetch_max(at.0, Ordering::AcqRel);
        let mut due = std::mem::take(&mut waiting.due);
        while let Some(first) = waiting.wakers.first_entry()
            && first.key().0 <= at
        {
            due.push(first.remove());
        }
        if !waiting.wakers.is_empty() {
            waiting.set_timer(&self.idle);
        }
        drop(waiting);
        due.drain(..).for_each(Waker::wake);
        self.waiting.lock().due = due;
    }
}

impl Waiting {
    /// Has the runtime say when nothing is at work.
    fn set_timer(&mut self, idle: &Waker) {
        let at = Instant::now() + AHEAD;
        self.fires_at = Some(at);
        let timer = match &mut self.timer {
            Some(timer) => {
                timer.as_mut().reset(at);
                timer
            }
            None => self.timer.insert(Box::pin(tokio::time::sleep_until(at))),
        };
        // Whose turn it is here may have used up its budget; the timer is nobody's.
        let mut set = pin!(unconstrained(poll_fn(|cx| timer.as_mut().poll(cx))));
        let set = set.as_mut().poll(&mut Context::from_waker(idle));
        debug_assert!(set.is_pending(), "time does not pass meanwhile");
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;
    use tokio::task::yield_now;

    use super::*;

    async fn sleep(time: &VirtualTime, until: u64) {
        let mut place = None;
        poll_fn(|cx| time.poll(cx, Micros(until), &mut place)).await;
    }

    fn paused() -> runtime::Runtime {
        let mut builder = Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    }

    #[test]
    fn time_goes_from_timer_to_timer_and_those_of_one_instant_are_woken_in_their_order() {
        let woken = Arc::new(Mutex::new(Vec::new()));
        paused().block_on(async {
            let time = VirtualTime::here();
            let mut tasks = tokio::task::JoinSet::new();
            for (name, until) in [("a", 7), ("b", 3), ("c", 7), ("d", 1 << 50)] {
                let (time, woken) = (Arc::clone(&time), Arc::clone(&woken));
                tasks.spawn(async move {
                    sleep(&time, until).await;
                    woken.lock().push((name, time.now().0));
                });
            }
            for _ in 0..100 {
                yield_now().await;
            }
            assert_eq!(time.now(), Micros(0), "it stands while somebody is at work");
            tasks.join_all().await;
        });
        let woken = std::mem::take(&mut *woken.lock());
        assert_eq!(woken, [("b", 3), ("a", 7), ("c", 7), ("d", 1 << 50)]);
    }

    #[test]
    fn all_clocks_of_a_runtime_share_its_time_and_those_of_another_do_not() {
        let (first, second) = (paused(), paused());
        let time = first.block_on(async {
            let time = VirtualTime::here();
            assert!(Arc::ptr_eq(&time, &VirtualTime::here()));
            sleep(&VirtualTime::here(), 5).await;
            assert_eq!(time.now(), Micros(5));
            time
        });
        second.block_on(async {
            assert!(!Arc::ptr_eq(&time, &VirtualTime::here()));
        });
    }

    #[test]
    fn who_waits_no_more_holds_nothing_up_and_moves_no_time() {
        paused().block_on(async {
            let time = VirtualTime::here();
            let mut place = None;
            let polled = poll_fn(|cx| Poll::Ready(time.poll(cx, Micros(3), &mut place))).await;
            assert!(polled.is_pending());
            time.leave(&mut place);
            sleep(&time, 9).await;
            assert_eq!(time.waiting.lock().given, 2);
            assert_eq!(time.now(), Micros(9));
        });
    }

    #[test]
    fn a_runtime_that_ends_while_somebody_waits_moves_no_time() {
        let runtime = paused();
        let mut place = None;
        let time = runtime.block_on(async {
            let time = VirtualTime::here();
            let polled = poll_fn(|cx| Poll::Ready(time.poll(cx, Micros(3), &mut place))).await;
            assert!(polled.is_pending());
            time
        });
        drop(runtime);
        assert_eq!(time.now(), Micros(0));
        time.leave(&mut place);
    }
}
