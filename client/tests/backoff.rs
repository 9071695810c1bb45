//! The delay before the next connect.

use std::cell::Cell;
use std::time::Duration;

use engine_client::{JitterMode, ReconnectConfig, apply_jitter, exp_backoff_cap};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn the_default_policy_is_500_ms_doubling_to_30_s_with_full_jitter() {
    assert_eq!(
        ReconnectConfig::default(),
        ReconnectConfig {
            initial_backoff: ms(500),
            max_backoff: Duration::from_secs(30),
            multiplier: 2,
            jitter: JitterMode::Full,
        }
    );
}

#[test]
fn the_cap_doubles_from_initial_until_it_stays_at_max() {
    let caps: Vec<_> = (0..9)
        .map(|attempt| exp_backoff_cap(ms(500), ms(30_000), 2, attempt))
        .collect();
    let expected = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000].map(ms);
    assert_eq!(caps, expected);
}

#[test]
fn the_cap_takes_any_arguments() {
    let (zero, max) = (Duration::ZERO, Duration::MAX);
    let ns = Duration::from_nanos;
    let almost = Duration::new(u64::MAX, 999_999_998);
    let cases = [
        // initial, max, multiplier, attempt, cap
        (ns(999_999), ms(30_000), 2, 1, ns(1_999_998)),
        (
            ns(1),
            max,
            2,
            70,
            Duration::new(1_180_591_620_717, 411_303_424),
        ),
        (
            ns(1),
            max,
            2,
            93,
            Duration::new(9_903_520_314_283_042_199, 192_993_792),
        ),
        (ns(1), max, 2, 94, max),
        (
            ns(1),
            max,
            u32::MAX,
            2,
            ns(u64::from(u32::MAX) * u64::from(u32::MAX)),
        ),
        (ns(1), max, u32::MAX, u32::MAX, max),
        (max, max, 2, 0, max),
        (max, max, u32::MAX, u32::MAX, max),
        (almost, max, 1, u32::MAX, almost),
        (zero, ms(30_000), 2, u32::MAX, zero),
        (zero, zero, 0, 0, zero),
        (ms(500), ms(30_000), 1, u32::MAX, ms(500)),
        (ms(500), ms(30_000), 0, u32::MAX, ms(500)),
        (ms(500), ms(30_000), 0, 0, ms(500)),
        (ms(500), zero, 2, 7, zero),
        (ms(500), ms(100), 2, 0, ms(100)),
        (ms(500), ms(100), 0, u32::MAX, ms(100)),
        (ms(500), ms(30_000), 2, 4_000_000_000, ms(30_000)),
        (ms(500), ms(30_000), 2, u32::MAX, ms(30_000)),
    ];
    for (initial, max, multiplier, attempt, cap) in cases {
        assert_eq!(
            exp_backoff_cap(initial, max, multiplier, attempt),
            cap,
            "exp_backoff_cap({initial:?}, {max:?}, {multiplier}, {attempt})"
        );
    }
}

proptest! {
    #[test]
    fn the_cap_is_the_product_or_max(
        initial_ns in 0..10_u64.pow(12),
        max_ns in 0..10_u64.pow(18),
        multiplier in 0..50_u32,
        attempt in 0..15_u32,
    ) {
        // Below 10^12 · 50^14 < 2^128: the product itself, in one piece.
        let product = u128::from(initial_ns) * u128::from(multiplier.max(1)).pow(attempt);
        let expected = product.min(u128::from(max_ns));
        let cap = exp_backoff_cap(
            Duration::from_nanos(initial_ns),
            Duration::from_nanos(max_ns),
            multiplier,
            attempt,
        );
        prop_assert_eq!(cap.as_nanos(), expected);
    }

    #[test]
    fn jitter_never_exceeds_the_cap(
        secs in any::<u64>(),
        nanos in 0..1_000_000_000_u32,
        draw in any::<u64>(),
    ) {
        let cap = Duration::new(secs, nanos);
        prop_assert!(apply_jitter(cap, JitterMode::Full, &mut || draw) <= cap);
    }
}

#[test]
fn without_jitter_the_delay_is_the_cap_and_nothing_is_drawn() {
    let mut untouched = || -> u64 { unreachable!("no number is needed") };
    for cap in [Duration::ZERO, ms(1234), Duration::MAX] {
        assert_eq!(apply_jitter(cap, JitterMode::None, &mut untouched), cap);
    }
}

#[test]
fn a_generator_that_is_stuck_is_asked_only_a_few_times() {
    let caps = [
        Duration::ZERO,
        Duration::from_nanos(2),
        ms(30_000),
        Duration::MAX,
    ];
    for draw in [0, 1, 1 << 32, 1 << 63, u64::MAX - 1, u64::MAX] {
        for cap in caps {
            let draws = Cell::new(0_u32);
            let delay = apply_jitter(cap, JitterMode::Full, &mut || {
                draws.set(draws.get() + 1);
                draw
            });
            assert!(delay <= cap, "{delay:?} is beyond {cap:?}");
            assert!(
                draws.get() <= 4,
                "{} draws of {draw} for {cap:?}",
                draws.get()
            );
        }
    }
}

#[test]
fn jitter_reaches_both_ends_of_its_range() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let cap = Duration::from_nanos(3);
    let mut seen = [0_u32; 4];
    for _ in 0..400 {
        let delay = apply_jitter(cap, JitterMode::Full, &mut || rng.next_u64());
        seen[usize::try_from(delay.as_nanos()).expect("at most 3")] += 1;
    }
    assert!(seen.iter().all(|&times| times > 50), "{seen:?}");
}

const DRAWS: u32 = 10_000;
const BINS: u32 = 64;

/// Chi-square with 63 degrees of freedom is above this with a probability of 4e-10: that is how
/// often a seed would make a right sampler fail.
const CRITICAL: f64 = 158.0;

/// Pearson's chi-square of delays drawn from `[0, cap]` against the uniform distribution.
fn chi_square(cap: Duration, mut delay: impl FnMut() -> Duration) -> f64 {
    let mut counts = [0_u32; BINS as usize];
    let width = cap.as_nanos() + 1;
    for _ in 0..DRAWS {
        let bin = delay().as_nanos() * u128::from(BINS) / width;
        counts[usize::try_from(bin).expect("a bin's number")] += 1;
    }
    let expected = f64::from(DRAWS) / f64::from(BINS);
    counts
        .iter()
        .map(|&count| (f64::from(count) - expected).powi(2) / expected)
        .sum()
}

#[test]
fn full_jitter_is_uniform_over_whole_nanoseconds() {
    let centuries = Duration::from_secs(1 << 40);
    for (seed, cap) in (2026..).zip([Duration::from_nanos(6_400), ms(3), ms(30_000), centuries]) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let statistic = chi_square(cap, || {
            apply_jitter(cap, JitterMode::Full, &mut || rng.next_u64())
        });
        assert!(statistic < CRITICAL, "{statistic} for {cap:?}, seed {seed}");
    }
}

#[test]
fn the_test_of_uniformity_tells_a_biased_sampler() {
    let cap = ms(3);
    let draw = |rng: &mut ChaCha8Rng| apply_jitter(cap, JitterMode::Full, &mut || rng.next_u64());

    let mut rng = ChaCha8Rng::seed_from_u64(2026);
    let whole_ms = chi_square(cap, || {
        ms(u64::try_from(draw(&mut rng).as_millis()).expect("3 ms at most"))
    });
    assert!(whole_ms > CRITICAL, "cut to milliseconds: {whole_ms}");

    let lesser_of_two = chi_square(cap, || draw(&mut rng).min(draw(&mut rng)));
    assert!(lesser_of_two > CRITICAL, "lesser of two: {lesser_of_two}");

    let upper_half = chi_square(cap, || cap / 2 + draw(&mut rng) / 2);
    assert!(upper_half > CRITICAL, "upper half only: {upper_half}");

    let slightly_low = chi_square(cap, || draw(&mut rng).mul_f64(0.96));
    assert!(
        slightly_low > CRITICAL,
        "4 % short of the cap: {slightly_low}"
    );
}
