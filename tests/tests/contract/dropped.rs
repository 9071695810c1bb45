//! Dropping the handle never stops the task, in any phase, and costs no CPU.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use engine_client::{Clock, EngineState, Sleep, SubscriberBuilder};
use wstape::ClientClock;
use wstape_tape::Micros;

use crate::transports::{LateDialer, WatchedDialer};
use crate::world::{World, all_ms, ms, play};

/// A clock that counts how often it is read.
#[derive(Debug)]
struct CountingClock {
    clock: Arc<ClientClock>,
    asked: Arc<AtomicU64>,
}

impl Clock for CountingClock {
    fn now(&self) -> Duration {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.clock.now()
    }

    fn wall(&self) -> DateTime<Utc> {
        self.clock.wall()
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.clock.sleep_until(deadline)
    }
}

/// Starts the subscriber, drops its handle at `at`, and returns its mirror.
async fn dropped(
    world: &World,
    builder: SubscriberBuilder,
    at: Micros,
) -> Arc<parking_lot::RwLock<EngineState>> {
    let state = EngineState::shared();
    let subscriber = builder.spawn(Arc::clone(&state)).unwrap();
    world.until(at).await;
    drop(subscriber);
    state
}

#[test]
fn dropped_while_connected_it_goes_on_folding_and_reconnects() {
    let steps = [
        r#"{"at_ms":5000,"emit":{"event":"regime","data":{"regime":"RANGE"}}}"#,
        r#"{"at_ms":6000,"drop":"reset"}"#,
        r#"{"at_ms":7000,"emit":{"event":"regime","data":{"regime":"TREND_LONG"}}}"#,
    ];
    play(steps, async |world| {
        let state = dropped(&world, world.builder(), ms(1000)).await;
        let regime = || state.read().regime.clone().unwrap().value.regime.unwrap();
        world.until(ms(5000)).await;
        assert_eq!(regime(), "RANGE");
        world.until(ms(7000)).await;
        assert_eq!(regime(), "TREND_LONG");
        assert_eq!(world.dials(), all_ms([0, 6500]));
    });
}

#[test]
fn dropped_in_backoff_it_dials_when_the_delay_is_over() {
    let steps = [
        r#"{"at_ms":0,"down":true}"#,
        r#"{"at_ms":5000,"down":false}"#,
    ];
    play(steps, async |world| {
        let state = dropped(&world, world.builder(), ms(4000)).await;
        world.until(ms(7500)).await;
        assert!(state.read().connection.ws_connected);
        assert_eq!(world.dials(), all_ms([0, 500, 1500, 3500, 7500]));
    });
}

#[test]
fn dropped_while_a_dial_is_pending_it_times_out_and_dials_again() {
    play([], async |world| {
        let builder = world.builder().dialer(LateDialer::new(&world, None));
        let state = dropped(&world, builder, ms(3000)).await;
        world.until(ms(10_499)).await;
        assert_eq!(state.read().connection.total_attempts, 1);
        world.until(ms(10_500)).await;
        assert_eq!(state.read().connection.total_attempts, 2);
    });
}

#[test]
fn dropped_in_a_handshake_it_connects_when_the_answer_comes() {
    play(
        [r#"{"on_connect":"each","latency_ms":2000}"#],
        async |world| {
            let state = dropped(&world, world.builder(), ms(1000)).await;
            world.until(Micros(3_999_999)).await;
            assert!(!state.read().connection.ws_connected);
            world.until(ms(4000)).await;
            assert!(state.read().connection.ws_connected);
        },
    );
}

#[test]
fn dropped_while_an_ended_connection_is_being_finished_it_reconnects() {
    let steps = [
        r#"{"at_ms":2000,"partition":"from_client"}"#,
        r#"{"at_ms":3000,"close":{"code":1001}}"#,
        r#"{"at_ms":3300,"partition":"none"}"#,
    ];
    play(steps, async |world| {
        let state = dropped(&world, world.builder(), ms(3200)).await;
        world.until(ms(3500)).await;
        // The delay of 500 ms counts from the Close at 3 s, although the connection was still being
        // finished when the handle was dropped.
        assert_eq!(world.dials(), all_ms([0, 3500]));
        assert!(state.read().connection.ws_connected);
    });
}

#[test]
fn dropped_before_its_first_dial_it_connects_all_the_same() {
    play([], async |world| {
        let state = EngineState::shared();
        drop(world.builder().spawn(Arc::clone(&state)).unwrap());
        world.settle().await;
        assert!(state.read().connection.ws_connected);
    });
}

#[test]
fn an_hour_of_silence_without_a_handle_wakes_the_task_for_its_pings_alone() {
    play([], async |world| {
        let asked = Arc::<AtomicU64>::default();
        let clock = CountingClock {
            clock: world.subject_clock(),
            asked: Arc::clone(&asked),
        };
        let (dialer, traffic) = WatchedDialer::new(&world);
        let builder = world.builder().clock(Arc::new(clock)).dialer(dialer);
        let state = dropped(&world, builder, ms(1000)).await;
        let work = || (asked.load(Ordering::Relaxed), traffic.lock().reads);
        let (asked_before, reads_before) = work();
        // Time only passes while no task is busy: a task that spins would stop it here.
        world.until(ms(3_601_000)).await;
        let (asked, reads) = work();
        let pings = world.received().len() as u64;
        assert_eq!(pings, 240);
        assert!(
            asked - asked_before < 20 * pings,
            "{asked} looks at the clock"
        );
        assert!(reads - reads_before < 20 * pings, "{reads} reads");
        assert!(state.read().connection.ws_connected);
    });
}

#[test]
fn a_night_in_backoff_without_a_handle_wakes_the_task_for_its_dials_alone() {
    play([r#"{"at_ms":0,"down":true}"#], async |world| {
        let asked = Arc::<AtomicU64>::default();
        let clock = CountingClock {
            clock: world.subject_clock(),
            asked: Arc::clone(&asked),
        };
        let builder = world.builder().clock(Arc::new(clock));
        dropped(&world, builder, ms(1000)).await;
        world.until(ms(8 * 3_600_000)).await;
        let dials = world.dials().len() as u64;
        assert!(dials > 900, "{dials} dials");
        let asked = asked.load(Ordering::Relaxed);
        assert!(
            asked < 20 * dials,
            "{asked} looks at the clock for {dials} dials"
        );
    });
}
