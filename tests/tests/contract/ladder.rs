//! Rules 1, 3 and 8: the delays between connects.

use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use engine_client::{EndReason, EngineState, ReconnectConfig};
use wstape::OurSubscriber;
use wstape_harness::Scenario;
use wstape_tape::Micros;

use crate::world::{all_ms, ms, play, steady};

const DOWN: &str = r#"{"at_ms":0,"down":true}"#;

/// Returns the first gaps of a subscriber if all its dials are refused.
fn refused_gaps(backoff: ReconnectConfig, until: Micros) -> Vec<Micros> {
    let mut gaps = Vec::new();
    play([DOWN], async |world| {
        let builder = world.builder().reconnect(backoff);
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(until).await;
        gaps = world.gaps();
    });
    gaps
}

#[test]
fn the_gaps_double_from_500_ms_to_30_s_and_stay_there() {
    let gaps = refused_gaps(steady(), ms(121_500));
    assert_eq!(
        gaps,
        all_ms([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    );
}

#[test]
fn the_dials_of_the_ladder_are_exact_to_the_microsecond() {
    play([DOWN], async |world| {
        let _subscriber = world.spawn();
        world.until(Micros(61_499_999)).await;
        assert_eq!(
            world.dials(),
            all_ms([0, 500, 1500, 3500, 7500, 15_500, 31_500])
        );
        world.until(Micros(61_500_000)).await;
        assert_eq!(world.dials().last(), Some(&ms(61_500)));
    });
}

#[test]
fn a_thousand_runs_of_the_ladder_have_one_outcome() {
    let tape =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/tapes/l1-reconnect-ladder.jsonl");
    let scenario = Scenario::from_path(tape);
    let run = || scenario.run(&OurSubscriber).unwrap().to_string();
    let first = run();
    assert!(first.contains("61.500000"), "{first}");
    for _ in 1..1000 {
        assert_eq!(run(), first);
    }
}

#[test]
fn the_first_connect_neither_waits_nor_counts() {
    play([r#"{"at_ms":1000,"drop":"fin"}"#], async |world| {
        let subscriber = world.spawn();
        world.until(Micros::ZERO).await;
        assert_eq!(world.dials(), [Micros::ZERO]);
        assert!(subscriber.state().read().connection.ws_connected);
        world.until(ms(2000)).await;
        assert_eq!(world.gaps(), all_ms([500]));
    });
}

#[test]
fn delays_are_whole_durations_not_whole_milliseconds() {
    let backoff = ReconnectConfig {
        initial_backoff: Duration::from_micros(333),
        max_backoff: Duration::from_micros(2500),
        ..steady()
    };
    let gaps = refused_gaps(backoff, ms(10));
    let expected = [333, 666, 1332, 2500, 2500].map(Micros);
    assert_eq!(gaps[..5], expected);
}

#[test]
fn a_multiplier_of_zero_counts_as_one_and_one_repeats_the_first_delay() {
    for multiplier in [0, 1] {
        let backoff = ReconnectConfig {
            multiplier,
            ..steady()
        };
        assert_eq!(
            refused_gaps(backoff, ms(2000)),
            all_ms([500; 4]),
            "multiplier {multiplier}"
        );
    }
}

#[test]
fn an_initial_backoff_above_the_maximum_gives_the_maximum() {
    let backoff = ReconnectConfig {
        initial_backoff: Duration::from_mins(1),
        max_backoff: Duration::from_secs(3),
        ..steady()
    };
    assert_eq!(refused_gaps(backoff, ms(6000)), all_ms([3000, 3000]));
}

#[test]
fn a_peer_that_greets_and_hangs_up_is_met_after_the_first_delay_each_time() {
    for hang_up in [
        r#"{"on_connect":"each","after_frames":1,"close":{"code":1000}}"#,
        r#"{"on_connect":"each","after_frames":1,"drop":"fin"}"#,
        r#"{"on_connect":"each","after_frames":1,"close":{"code":1013}}"#,
    ] {
        let greet = r#"{"on_connect":"each","after_frames":0,"emit":{"event":"heartbeat"}}"#;
        play([greet, hang_up], async |world| {
            let _subscriber = world.spawn();
            world.until(Micros(59_999_999)).await;
            assert_eq!(world.dials().len(), 120, "{hang_up}");
            assert_eq!(world.gaps(), [ms(500); 119], "{hang_up}");
        });
    }
}

#[test]
fn a_peer_that_hangs_up_without_a_frame_is_met_ever_later() {
    for hang_up in [
        r#"{"on_connect":"each","after_frames":0,"close":{"code":1000}}"#,
        r#"{"on_connect":"each","after_frames":0,"drop":"fin"}"#,
        r#"{"on_connect":"each","after_frames":0,"drop":"reset"}"#,
    ] {
        play([hang_up], async |world| {
            let _subscriber = world.spawn();
            world.until(ms(61_500)).await;
            assert_eq!(
                world.gaps(),
                all_ms([500, 1000, 2000, 4000, 8000, 16_000, 30_000]),
                "{hang_up}"
            );
        });
    }
}

#[test]
fn the_mirror_counts_dials_since_the_last_success_and_ever() {
    let steps = [DOWN, r#"{"at_ms":2000,"down":false}"#];
    play(steps, async |world| {
        let subscriber = world.spawn();
        let health = || subscriber.state().read().connection;
        let start = world.clock.wall();
        for (at, since_success, ever, last_dial) in [
            (0, 1, 1, 0),
            (499, 1, 1, 0),
            (500, 2, 2, 500),
            (1500, 3, 3, 1500),
        ] {
            world.until(ms(at)).await;
            assert_eq!(health().reconnect_count, since_success, "at {at} ms");
            assert_eq!(health().total_attempts, ever, "at {at} ms");
            let dialled_at = start + TimeDelta::milliseconds(last_dial);
            assert_eq!(health().last_reconnect_at, Some(dialled_at));
            assert_eq!(health().last_end, Some(EndReason::ConnectRefused));
        }
        world.until(ms(3500)).await;
        assert!(health().ws_connected);
        assert_eq!((health().reconnect_count, health().total_attempts), (0, 4));
    });
}
