//! How likely it is that chance alone made later gaps longer than earlier ones.

/// One process's gaps: those that came early, and those that came late.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Sample {
    pub(super) early: Vec<f64>,
    pub(super) late: Vec<f64>,
    /// The gaps just before the late ones, if that matters.
    pub(super) before: Vec<f64>,
}

impl Sample {
    /// One process's gaps, those before the late ones unknown.
    #[cfg(test)]
    pub(crate) fn of(early: &[f64], late: &[f64]) -> Self {
        Self {
            early: early.to_vec(),
            late: late.to_vec(),
            before: Vec::new(),
        }
    }

    /// Pairs of an early and a late gap in which the late one is longer.
    fn longer(&self) -> usize {
        let of = |late: &f64| self.early.iter().filter(|early| *early < late).count();
        self.late.iter().map(of).sum()
    }
}

/// The probability that at least this many late gaps are longer than early ones if chance alone
/// orders each process's gaps: the exact test of Mann and Whitney, one stratum per process. It
/// holds for any distribution of gaps, even a different one in each process. Equal gaps count as no
/// growth. Without samples it is 1.
pub(super) fn chance(samples: &[Sample]) -> f64 {
    let mut all = vec![1.0];
    for sample in samples {
        let one = distribution(sample.early.len(), sample.late.len());
        let mut both = vec![0.0; all.len() + one.len() - 1];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in one.iter().enumerate() {
                both[i + j] += a * b;
            }
        }
        all = both;
    }
    let seen: usize = samples.iter().map(Sample::longer).sum();
    all.iter().skip(seen).sum::<f64>().min(1.0)
}

/// The probability of each count of longer pairs, if every order of this many early and late gaps
/// is equally likely.
fn distribution(early: usize, late: usize) -> Vec<f64> {
    // The longest gap is either an early one, which no late gap exceeds, or a late one, which
    // exceeds all early gaps.
    let mut of_late = vec![vec![1.0]; late + 1];
    for e in 1..=early {
        let mut next = vec![vec![1.0]];
        for l in 1..=late {
            let (is_early, is_late): (&Vec<f64>, &Vec<f64>) = (&of_late[l], &next[l - 1]);
            let share = crate::facts::count(e) / crate::facts::count(e + l);
            let mut both = vec![0.0; e * l + 1];
            for (u, p) in is_early.iter().enumerate() {
                both[u] += share * p;
            }
            for (u, p) in is_late.iter().enumerate() {
                both[u + e] += (1.0 - share) * p;
            }
            next.push(both);
        }
        of_late = next;
    }
    of_late.swap_remove(late)
}

/// Numbers drawn from a seed, for tests that simulate all kinds of clients.
#[cfg(test)]
pub(super) mod draws {
    /// `SplitMix64`.
    pub(crate) struct Draws(pub(crate) u64);

    impl Draws {
        /// A number between 0 and this.
        pub(crate) fn below(&mut self, bound: f64) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut value = self.0;
            value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            value ^= value >> 31;
            bound * f64::from(u32::try_from(value >> 32).expect("32 bits")) / f64::from(u32::MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_sorted_as_can_be_is_as_unlikely_as_one_order_of_all() {
        let sorted = Sample::of(&[1.0, 2.0], &[3.0, 4.0, 5.0, 6.0]);
        assert!((chance(std::slice::from_ref(&sorted)) - 1.0 / 15.0).abs() < 1e-12);
        assert!((chance(&[sorted.clone(), sorted]) - 1.0 / 225.0).abs() < 1e-12);
        let other_way_round = Sample::of(&[5.0, 6.0], &[1.0, 2.0]);
        assert!((chance(&[other_way_round]) - 1.0).abs() < 1e-12);
        assert!((chance(&[]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn gaps_that_are_alike_are_no_growth() {
        let even = Sample::of(&[5.0; 3], &[5.0; 3]);
        assert!((chance(&vec![even; 12]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn every_order_of_two_and_two_is_counted() {
        // 1 2|3 4, 1 3|2 4, 1 4|2 3, 2 3|1 4, 2 4|1 3, 3 4|1 2: 4, 3, 2, 2, 1, 0 pairs.
        let sixth = 1.0 / 6.0;
        let wanted = [sixth, sixth, 2.0 * sixth, sixth, sixth];
        for (p, wanted) in distribution(2, 2).iter().zip(wanted) {
            assert!((p - wanted).abs() < 1e-12);
        }
    }
}
