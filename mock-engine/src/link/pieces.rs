//! Pieces of random length.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How far pieces deviate from their length, and the draws for that.
#[derive(Debug, Clone)]
pub(crate) struct Variation {
    /// Tells one setting of the state from the next.
    generation: u64,
    bytes: u32,
    draws: Box<ChaCha8Rng>,
}

/// The lengths of one chunk's pieces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pieces {
    average: u32,
    variation: u32,
    /// Tells this chunk's lengths from another's.
    seed: u64,
}

impl Variation {
    /// A variation that makes pieces up to `bytes` shorter or longer. `stream` keeps two lanes with
    /// the same seed from drawing the same lengths.
    pub(crate) fn new(generation: u64, bytes: u32, seed: u64, stream: u64) -> Self {
        let mut draws = Box::new(ChaCha8Rng::seed_from_u64(seed));
        draws.set_stream(stream);
        Self {
            generation,
            bytes,
            draws,
        }
    }

    /// Continues the draws of the one before, if it is the same setting.
    pub(super) fn resume(&mut self, before: &Self) {
        if self.generation == before.generation && self.bytes == before.bytes {
            self.draws.clone_from(&before.draws);
        }
    }

    /// The next chunk's pieces, of this length on average.
    pub(super) fn next(&mut self, average: u32) -> Pieces {
        Pieces {
            average,
            variation: self.bytes,
            seed: self.draws.random(),
        }
    }
}

impl Pieces {
    /// Pieces of one length.
    pub(super) fn even(length: u32) -> Self {
        Self {
            average: length,
            variation: 0,
            seed: 0,
        }
    }

    /// The length of the piece that begins at this byte of the chunk; never zero.
    pub(super) fn length_at(&self, at: u64) -> usize {
        let length = if self.variation == 0 {
            self.average
        } else {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream(at);
            let least = self.average.saturating_sub(self.variation);
            rng.random_range(least..=self.average.saturating_add(self.variation))
        };
        length.max(1) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_lengths_keep_within_the_variation_and_are_the_same_from_the_same_seed() {
        let lengths = |stream| {
            let pieces = Variation::new(1, 30, 7, stream).next(100);
            (0..1_000)
                .map(|at| pieces.length_at(at))
                .collect::<Vec<_>>()
        };
        let drawn = lengths(1);
        assert!(drawn.iter().all(|length| (70..=130).contains(length)));
        assert!(
            drawn.iter().any(|length| *length < 75) && drawn.iter().any(|length| *length > 125)
        );
        assert_eq!(drawn, lengths(1));
        assert_ne!(drawn, lengths(2));
    }

    #[test]
    fn a_variation_of_more_than_the_length_never_makes_a_piece_of_nothing() {
        let pieces = Variation::new(1, 9, 7, 1).next(2);
        let mut lengths = (0..1_000).map(|at| pieces.length_at(at));
        assert!(lengths.all(|length| (1..=11).contains(&length)));
    }
}
