//! Rule 12: receivers and waiters. A slow one holds up nobody, and is told what it missed.

use std::cell::Cell;
use std::sync::mpsc;
use std::thread;

use engine_client::{EndReason, EngineEvent, EngineState};
use tokio::sync::broadcast::error::TryRecvError;
use wstape_tape::{End, Micros};

use crate::world::{all_ms, ms, play};

#[test]
fn a_stalled_receiver_is_told_how_many_it_missed_and_holds_up_nobody() {
    play([], async |world| {
        let mut builder = world.builder();
        let mut stalled = builder.events();
        let mut quick = builder.events();
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        let mut seen = 0;
        for at in 1..=1000 {
            world.until(ms(at)).await;
            world.engine.emit_json(r#"{"event":"heartbeat"}"#);
            world.settle().await;
            while quick.try_recv().is_ok() {
                seen += 1;
            }
            assert_eq!(seen, at, "held up at {at} ms");
        }
        assert_eq!(
            subscriber.state().read().connection.last_frame_at,
            Some(world.clock.wall())
        );
        assert!(matches!(stalled.try_recv(), Err(TryRecvError::Lagged(872))));
        for _ in 0..128 {
            assert!(stalled.try_recv().is_ok());
        }
        assert!(matches!(stalled.try_recv(), Err(TryRecvError::Empty)));
    });
}

#[test]
fn a_receiver_taken_from_the_builder_misses_nothing_from_the_first_connection_on() {
    let greeting = r#"{"on_connect":"each","after_frames":0,"emit":{"event":"greeting"}}"#;
    play([greeting], async |world| {
        let mut builder = world.builder();
        let mut early = builder.events();
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(1)).await;
        let mut late = subscriber.events();
        world.engine.emit_json(r#"{"event":"later"}"#);
        world.settle().await;
        let kind = |event: Result<EngineEvent, _>| event.unwrap().kind().to_owned();
        assert_eq!(kind(early.try_recv()), "greeting");
        assert_eq!(kind(early.try_recv()), "later");
        assert_eq!(kind(late.try_recv()), "later");
    });
}

#[test]
fn whoever_hears_of_an_event_finds_it_in_the_mirror() {
    play([], async |world| {
        let mut builder = world.builder();
        let mut events = builder.events();
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        let state = subscriber.state();
        world.until(ms(1)).await;
        for n in 0..100_u32 {
            let risk = format!(r#"{{"event":"risk","data":{{"open_count":{n}}}}}"#);
            world.engine.emit_json(risk);
            let EngineEvent::Risk(heard) = events.recv().await.unwrap() else {
                panic!("not a risk event");
            };
            assert_eq!(heard.open_count, Some(n));
            assert_eq!(state.read().risk.as_ref().unwrap().value, *heard);
        }
    });
}

#[test]
fn the_end_of_the_subscriber_is_the_end_of_its_receivers() {
    play([], async |world| {
        let subscriber = world.spawn();
        let mut events = subscriber.events();
        world.until(ms(1000)).await;
        subscriber.shutdown().await.unwrap();
        assert!(matches!(events.try_recv(), Err(TryRecvError::Closed)));
    });
}

#[test]
fn waiting_for_a_condition_wakes_at_its_instant_and_looks_at_changes_alone() {
    let steps = [
        r#"{"at_ms":1000,"emit":{"event":"heartbeat"}}"#,
        r#"{"at_ms":2000,"emit":{"event":"risk","data":{"halted":false}}}"#,
        r#"{"at_ms":3600000,"emit":{"event":"risk","data":{"halted":true}}}"#,
    ];
    play(steps, async |world| {
        let builder = world.builder().idle_timeout(std::time::Duration::ZERO);
        let builder = builder.ping_interval(std::time::Duration::ZERO);
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(1)).await;
        let looks = Cell::new(0);
        let halted = |state: &EngineState| {
            looks.set(looks.get() + 1);
            state
                .risk
                .as_ref()
                .is_some_and(|risk| risk.value.is_halted())
        };
        subscriber.wait_until(halted).await;
        assert_eq!(world.clock.now(), ms(3_600_000));
        // It looks once at first, then after each event.
        assert_eq!(looks.get(), 4);
    });
}

#[test]
fn a_condition_that_holds_already_is_not_waited_for() {
    play([], async |world| {
        let subscriber = world.spawn();
        world.until(ms(1000)).await;
        subscriber
            .wait_until(|state| state.connection.ws_connected)
            .await;
        assert_eq!(world.clock.now(), ms(1000));
    });
}

#[test]
fn those_who_wait_see_a_connection_come_and_go_at_the_microsecond() {
    play([r#"{"at_ms":3000.007,"drop":"reset"}"#], async |world| {
        let subscriber = world.spawn();
        subscriber
            .wait_until(|state| state.connection.ws_connected)
            .await;
        assert_eq!(world.clock.now(), Micros::ZERO);
        subscriber
            .wait_until(|state| !state.connection.ws_connected)
            .await;
        assert_eq!(world.clock.now(), Micros(3_000_007));
        subscriber
            .wait_until(|state| state.connection.ws_connected)
            .await;
        assert_eq!(world.clock.now(), Micros(3_500_007));
    });
}

#[test]
fn a_reader_that_stalls_with_the_mirror_in_its_hand_holds_up_nobody() {
    play([], async |world| {
        let mirror = EngineState::shared();
        let mut builder = world.builder();
        let mut events = builder.events();
        let subscriber = builder.spawn(mirror.clone()).unwrap();
        world.until(ms(10)).await;
        world
            .engine
            .emit_json(r#"{"event":"regime","data":{"regime":"CHOP"}}"#);
        world.settle().await;
        assert!(events.try_recv().is_ok());

        let (release, released) = mpsc::channel::<()>();
        let (hold, taken) = mpsc::channel();
        let stalled = mirror.clone();
        let reader = thread::spawn(move || {
            let state = stalled.read();
            hold.send(state.risk.is_none()).unwrap();
            // Ends with the sender, whatever happens to this test.
            let _ = released.recv();
            state.risk.is_none()
        });
        assert!(taken.recv().unwrap());
        world.until(ms(20)).await;
        world
            .engine
            .emit_json(r#"{"event":"risk","data":{"halted":true}}"#);
        world.engine.ping("here");
        world.settle().await;
        assert_eq!(events.try_recv().unwrap().kind(), "risk");
        assert_eq!(world.received(), [r#"0.020000 ← pong "here""#]);
        world.until(ms(30)).await;
        world.engine.drop_connections(End::Reset);
        world.until(ms(1000)).await;
        assert_eq!(world.ends(), [(ms(30), EndReason::Reset)]);
        assert_eq!(world.dials(), all_ms([0, 530]));

        release.send(()).unwrap();
        assert!(reader.join().unwrap(), "a reader never sees a change");
        world.until(ms(1010)).await;
        let state = mirror.read().clone();
        assert!(state.risk.unwrap().value.halted);
        assert_eq!(state.regime.unwrap().value.regime.as_deref(), Some("CHOP"));
        assert_eq!(state.connection.last_end, Some(EndReason::Reset));
        assert!(state.connection.ws_connected);
        subscriber.shutdown().await.unwrap();
        assert!(!mirror.read().connection.ws_connected);
    });
}
