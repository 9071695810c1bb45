//! What the client is like when all is well.

use crate::facts::Alike;

/// A client that has not dialled after this many seconds no longer keeps others from starting: in
/// some cases the port is down.
const MIN_START_S: f64 = 5.0;
/// The same if the client took long when all was well.
const MAX_START_S: f64 = 30.0;
/// While other clients run, a start takes this many times as long as alone.
const SLOWER_BESIDE_OTHERS: f64 = 4.0;

/// What the client is like when all is well.
#[derive(Debug, Clone, Default)]
pub(super) struct Baseline {
    /// Proportional memory in bytes; 0 if the system does not tell.
    pub(super) memory_bytes: u64,
    /// Connections that it has open at once.
    pub(super) together: usize,
    /// From its start to its first dial, in seconds.
    pub(super) dialled_s: f64,
    /// Tells when two of its subscriptions are the same.
    pub(super) alike: Alike,
}

impl Baseline {
    /// How long one of its starts may keep others from starting, in seconds. A start that takes a
    /// whole processor, as a virtual machine's does, is left to finish: each other start beside it
    /// slows all of them down.
    pub(super) fn start_s(&self) -> f64 {
        (SLOWER_BESIDE_OTHERS * self.dialled_s).clamp(MIN_START_S, MAX_START_S)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_starts_slowly_is_given_the_time_to_and_none_has_it_for_ever() {
        for (dialled_s, start_s) in [(0.0, 5.0), (0.2, 5.0), (3.0, 12.0), (40.0, 30.0)] {
            let baseline = Baseline {
                dialled_s,
                ..Baseline::default()
            };
            assert!((baseline.start_s() - start_s).abs() < 1e-9, "{dialled_s}");
        }
    }
}
