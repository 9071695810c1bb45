//! What a lane does to the bytes it carries.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wstape_tape::{Distribution, Latency, Micros};

/// The Pareto tail's shape: a finite mean and variance, and a tail that shows.
const PARETO_SHAPE: f64 = 3.0;

/// What one direction of a link does to the bytes it carries, until changed.
///
/// The default is a perfect link: what is written can be read at once.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Partitioned: nothing is delivered.
    pub held: bool,
    /// Latencies, which add up.
    pub(crate) delays: Vec<Delay>,
    /// Bandwidth in bytes per second; never zero.
    pub rate: Option<u64>,
    /// A read returns at most this many bytes; never zero.
    pub slice: Option<u32>,
}

impl Conditions {
    /// Adds a latency to those that hold already. `seed` is what its jitter is drawn from.
    pub fn add_latency(&mut self, latency: Latency, seed: u64) {
        self.delays.push(Delay::new(0, latency, seed, 0));
    }

    /// Whether bytes pass as on a perfect link (a held lane keeps them, but on time).
    pub(crate) fn clean(&self) -> bool {
        self.delays.is_empty() && self.rate.is_none() && self.slice.is_none()
    }

    /// The delay of the next chunk: every latency's base and its next draw.
    pub(crate) fn draw_delay(&mut self) -> Micros {
        let total = self
            .delays
            .iter_mut()
            .fold(0_u64, |sum, delay| sum.saturating_add(delay.draw().0));
        Micros(total)
    }

    /// Takes over `new`, keeping the position in the draws of each latency that goes on.
    pub(crate) fn change(&mut self, new: Self) {
        let old = std::mem::replace(self, new);
        for delay in &mut self.delays {
            if let Some(same) = old.delays.iter().find(|had| delay.continues(had)) {
                delay.draws.clone_from(&same.draws);
            }
        }
    }
}

/// One latency of one layer, with its own stream of draws.
#[derive(Debug, Clone)]
pub(crate) struct Delay {
    /// Tells one setting of the state from the next.
    generation: u64,
    latency: Latency,
    draws: Option<Box<ChaCha8Rng>>,
}

impl Delay {
    /// `stream` keeps two lanes with the same seed from drawing the same jitter.
    pub(crate) fn new(generation: u64, latency: Latency, seed: u64, stream: u64) -> Self {
        let draws = (latency.jitter > Micros::ZERO).then(|| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(stream);
            Box::new(rng)
        });
        Self {
            generation,
            latency,
            draws,
        }
    }

    fn continues(&self, other: &Self) -> bool {
        self.generation == other.generation && self.latency == other.latency
    }

    fn draw(&mut self) -> Micros {
        let Latency {
            base,
            jitter,
            distribution,
        } = self.latency;
        let Some(rng) = &mut self.draws else {
            return base;
        };
        match distribution {
            Distribution::Uniform => {
                let low = base.0.saturating_sub(jitter.0);
                Micros(rng.random_range(low..=base.0.saturating_add(jitter.0)))
            }
            Distribution::Normal => {
                let z: f64 = rand_distr::Distribution::sample(&rand_distr::StandardNormal, rng);
                whole_micros(lossy(base) + z * lossy(jitter))
            }
            Distribution::Pareto => {
                // Inverse transform, less the scale itself: the least draw is the base.
                let u: f64 = rng.random();
                let stretch = (1.0 - u).powf(-1.0 / PARETO_SHAPE) - 1.0;
                whole_micros(lossy(base) + stretch * lossy(jitter))
            }
        }
    }
}

/// Microseconds as a float: exact below 285 years, and a draw needs no more.
fn lossy(span: Micros) -> f64 {
    span.duration().as_secs_f64() * 1e6
}

/// A drawn span, cut at zero and at what a [`Duration`](std::time::Duration) holds.
fn whole_micros(us: f64) -> Micros {
    std::time::Duration::try_from_secs_f64((us / 1e6).max(0.0))
        .map_or(Micros(u64::MAX), Micros::from)
}
