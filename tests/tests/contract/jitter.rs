//! Rule 8: with full jitter no two subscribers march in step, and no crowd returns together.

use std::time::Duration;

use engine_client::{EngineState, JitterMode, ReconnectConfig, SubscriberBuilder};
use wstape_tape::Micros;

use crate::world::{World, ms, play};

const DOWN: &str = r#"{"at_ms":0,"down":true}"#;
/// The size of a crowd.
const CROWD: usize = 60;
/// The window in which a crowd's returns are counted.
const WINDOW: Micros = ms(100);

fn jittered(world: &World) -> SubscriberBuilder {
    world.builder().reconnect(ReconnectConfig::default())
}

/// Returns the dials of one subscriber with this seed (or none) in two minutes of refusals.
fn dials(seed: Option<u64>) -> Vec<Micros> {
    let mut dials = Vec::new();
    play([DOWN], async |world| {
        let mut builder = jittered(&world);
        if let Some(seed) = seed {
            builder = builder.jitter_seed(seed);
        }
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(120_000)).await;
        dials = world.dials();
    });
    dials
}

#[test]
fn one_seed_gives_the_same_dials_and_another_seed_others() {
    assert_eq!(dials(Some(1)), dials(Some(1)));
    assert_ne!(dials(Some(1)), dials(Some(2)));
}

#[test]
fn two_subscribers_that_start_together_and_were_given_no_seed_wait_differently() {
    let (one, other) = (dials(None), dials(None));
    assert_eq!(one[0], other[0]);
    // Eight delays of up to half a minute, drawn to the nanosecond: that they are equal by chance
    // takes more runs than there will ever be.
    assert_ne!(one, other);
}

#[test]
fn full_jitter_stays_within_the_cap_and_uses_all_of_it_evenly() {
    const DELAYS: usize = 2000;
    play([DOWN], async |world| {
        let flat = ReconnectConfig {
            initial_backoff: Duration::from_secs(1),
            multiplier: 1,
            jitter: JitterMode::Full,
            ..ReconnectConfig::default()
        };
        let builder = world.builder().reconnect(flat).jitter_seed(8);
        let _subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(1_200_000)).await;
        let gaps = world.gaps();
        assert!(gaps.len() > DELAYS, "{} delays", gaps.len());
        let mut tenths = [0_usize; 10];
        for gap in &gaps[..DELAYS] {
            assert!(*gap <= ms(1000), "{gap}");
            tenths[usize::try_from(gap.0 / 100_000).unwrap().min(9)] += 1;
        }
        // The mean of a tenth of 2,000 is 200, with a standard deviation of 13.4; four of those
        // either way.
        assert!(tenths.iter().all(|n| (146..=254).contains(n)), "{tenths:?}");
    });
}

/// Returns how a connected crowd comes back after `dismissed`: its dials from then on.
fn returns(steps: [&str; 1], dismissed: Micros) -> Vec<Micros> {
    let mut dials = Vec::new();
    play(steps, async |world| {
        let crowd: Vec<_> = (0..CROWD as u64)
            .map(|seed| {
                let builder = jittered(&world).jitter_seed(seed);
                builder.spawn(EngineState::shared()).unwrap()
            })
            .collect();
        world.until(ms(500)).await;
        world.engine.emit_json(r#"{"event":"heartbeat"}"#);
        world.until(ms(20_000)).await;
        dials = world.dials();
        dials.retain(|at| *at >= dismissed);
        assert_eq!(crowd.len(), CROWD);
    });
    dials
}

/// Returns the most dials in any window.
fn busiest(dials: &[Micros]) -> usize {
    let within = |from: &Micros| {
        dials
            .iter()
            .filter(|at| (from.0..from.0 + WINDOW.0).contains(&at.0))
            .count()
    };
    dials.iter().map(within).max().unwrap_or_default()
}

#[test]
fn a_crowd_that_is_closed_cleanly_spreads_over_the_first_delay() {
    for close in [
        r#"{"at_ms":1000,"close":{"code":1000}}"#,
        r#"{"at_ms":1000,"close":{"code":1012}}"#,
        r#"{"at_ms":1000,"drop":"reset"}"#,
    ] {
        let dials = returns([close], ms(1000));
        assert_eq!(dials.len(), CROWD);
        assert!(dials.iter().all(|at| *at <= ms(1500)));
        // If they are spread evenly, twelve fall into a fifth of the delay.
        let busiest = busiest(&dials);
        assert!(
            busiest <= 24,
            "{busiest} of {CROWD} within 100 ms after {close}"
        );
    }
}

#[test]
fn a_crowd_that_retry_after_sends_away_together_does_not_return_together() {
    let refuse = r#"{"at_ms":0,"refuse":{"status":503,"headers":{"retry-after":"5"}},"times":60}"#;
    let dials = returns([refuse], ms(1));
    assert_eq!(dials.len(), CROWD);
    assert!(dials.iter().all(|at| (ms(5000)..=ms(5500)).contains(at)));
    let busiest = busiest(&dials);
    assert!(busiest <= 24, "{busiest} of {CROWD} within 100 ms");
}
