//! What a step leaves to chance, drawn from its seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wstape_tape::{Micros, Step};

/// How much later than told a step happens; `None` for not at all. `stream` tells connections
/// apart.
pub(crate) fn draw(step: &Step, stream: u64) -> Option<Micros> {
    if step.probability.is_none() && step.jitter.is_none() {
        return Some(Micros::ZERO);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(step.seed.unwrap_or_default());
    rng.set_stream(stream);
    // Always drawn first, so that the jitter does not depend on whether there is a probability.
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
