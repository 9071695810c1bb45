//! Random draws for one part of a case.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use wstape_tape::Micros;

use crate::fnv::Fnv;

/// The source of draws for one part of a case: a separate stream, so that what another part draws,
/// or whether it exists, changes nothing here. Integers only, so that every machine draws the same.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of the part with that name.
    pub(super) fn of(seed: u64, part: &str) -> Self {
        let mut stream = Fnv::new();
        stream.take(part.as_bytes());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream.value());
        Self(rng)
    }

    /// Any number.
    pub(super) fn any(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `n`; 0 if `n` is 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        // Scales 64 bits to `n`: for numbers of this size practically uniform.
        let wide = u128::from(self.any()) * u128::from(n);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `from` to `to`, both included.
    pub(super) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from).saturating_add(1))
    }

    /// True in `n` out of `of` cases.
    pub(super) fn chance(&mut self, n: u64, of: u64) -> bool {
        self.below(of) < n
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }

    /// An index below `len`.
    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// A number from `from` to `to`, its magnitude drawn before its digits: as often between 1 and
    /// 2 as between 1,000 and 2,000. `from` is at least 1.
    pub(super) fn log(&mut self, from: u64, to: u64) -> u64 {
        let (low, high) = (from.max(1).ilog2(), to.max(1).ilog2());
        let octave = self.between(u64::from(low), u64::from(high));
        let base = 1_u64 << octave;
        self.between(base, base.saturating_mul(2) - 1)
            .clamp(from, to)
    }

    /// A time, its magnitude drawn first.
    pub(super) fn log_time(&mut self, from: Micros, to: Micros) -> Micros {
        Micros(self.log(from.0, to.0))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Dice;

    #[test]
    fn a_part_draws_the_same_whatever_other_parts_draw_and_no_two_draw_alike() {
        let draw = |dice: &mut Dice| [dice.any(), dice.any()];
        let alone = draw(&mut Dice::of(7, "reset"));
        let _ = draw(&mut Dice::of(7, "fin"));
        assert_eq!(draw(&mut Dice::of(7, "reset")), alone);
        let parts = ["reset", "fin", "settings", "events"];
        let drawn: BTreeSet<_> = (0..50)
            .flat_map(|seed| parts.map(|part| draw(&mut Dice::of(seed, part))))
            .collect();
        assert_eq!(drawn.len(), 200);
    }

    #[test]
    fn what_is_drawn_stays_within_its_bounds_and_reaches_them() {
        let dice = &mut Dice::of(1, "bounds");
        let between: BTreeSet<_> = (0..500).map(|_| dice.between(3, 6)).collect();
        assert_eq!(between, BTreeSet::from([3, 4, 5, 6]));
        assert_eq!(dice.below(0), 0);
        let sizes: BTreeSet<_> = (0..2_000)
            .map(|_| dice.log(5, 4_000))
            .inspect(|n| assert!((5..=4_000).contains(n)))
            .map(u64::ilog2)
            .collect();
        assert_eq!(
            sizes,
            (2..=11).collect(),
            "every size is as near as another"
        );
    }
}
