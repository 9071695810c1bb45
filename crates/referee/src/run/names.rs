//! What names a run apart from all others.

/// What names a run apart from all others.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// Found in the environment of whatever the client starts.
    pub(super) mark: String,
    /// The bearer token of this run.
    pub(super) token: String,
}

/// The names of one run: from the seed, so that no two runs share any.
pub(super) fn names(seed: u64, number: u64, time: u64) -> Names {
    let of = |salt: u64| {
        let mixed = mix(seed ^ mix(number ^ mix(time ^ salt)));
        format!("{mixed:016x}{:016x}", mix(mixed))
    };
    Names {
        mark: of(1),
        token: format!("wst_{}", of(2)),
    }
}

/// The finalizer of `SplitMix64`: spreads every bit over all.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
