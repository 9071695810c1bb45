//! What a step leaves to chance, drawn from its seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wstape_tape::{Micros, Step};

/// Draws how much later than its time a step happens; `None` if it doesn't happen. `stream` tells
/// connections apart.
pub(crate) fn draw(step: &Step, stream: u64) -> Option<Micros> {
    if step.probability.is_none() && step.jitter.is_none() {
        return Some(Micros::ZERO);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(step.seed.unwrap_or_default());
    rng.set_stream(stream);
    // Always drawn first, so that the jitter is the same with a probability and without.
    let chance: f64 = rng.random();
    if step
        .probability
        .is_some_and(|probability| chance >= probability)
    {
        return None;
    }
    Some(step.jitter.map_or(Micros::ZERO, |jitter| {
        Micros(rng.random_range(0..=jitter.0))
    }))
}
