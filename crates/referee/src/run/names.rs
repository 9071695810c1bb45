//! What distinguishes a run from all others.

use std::sync::atomic::{AtomicU64, Ordering};

/// What distinguishes a run from all others.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// The mark in the environment of whatever the client starts.
    pub(super) mark: String,
    /// The bearer token of this run.
    pub(super) token: String,
}

/// Runs of this process so far.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// The names for one run. The token comes from the seed. The mark is unique on the whole machine:
/// whatever carries it is killed when the run is over, and another referee's client must not be.
pub(super) fn names(seed: u64, number: u64, time: u64) -> Names {
    let mixed = mix(seed ^ mix(number ^ mix(time)));
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    Names {
        mark: format!("{}-{run}", std::process::id()),
        token: format!("wst_{mixed:016x}{:016x}", mix(mixed)),
    }
}

/// The finalizer of `SplitMix64`: spreads every bit over all.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
