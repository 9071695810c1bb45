//! The latencies that a bench measures.

/// Every latency that was measured, in whatever unit.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<u64>);

impl Latencies {
    pub(crate) fn record(&mut self, latency: u64) {
        self.0.push(latency);
    }

    /// Returns these percentiles: this share of all latencies was no longer. 0 if there are none.
    pub(crate) fn of_a_hundred<const N: usize>(&mut self, percents: [usize; N]) -> [u64; N] {
        self.0.sort_unstable();
        percents.map(|percent| {
            let rank = (self.0.len() * percent).div_ceil(100).max(1);
            self.0.get(rank - 1).copied().unwrap_or_default()
        })
    }
}
