//! What a lane does to the bytes it carries.

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wstape_tape::{Corruption, Distribution, Latency, Micros};

use super::pieces::{Pieces, Variation};

/// The shape of the Pareto tail: mean and variance are finite, and the tail is visible.
const PARETO_SHAPE: f64 = 3.0;

/// What one direction of a link does to the bytes it carries, until changed.
///
/// The default is a perfect link: what is written can be read at once.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Whether it is partitioned: nothing is delivered.
    pub held: bool,
    /// Latencies, which add up.
    pub(crate) delays: Vec<Delay>,
    /// Bandwidth in bytes per second; never zero.
    pub rate: Option<u64>,
    /// The most bytes that a read returns; never zero.
    pub slice: Option<u32>,
    /// How far the length of such a read may deviate.
    pub(crate) variation: Option<Variation>,
    /// The room for bytes while nothing is delivered, if less than a lane has.
    pub room: Option<u32>,
    /// Damages to bytes, applied one after the other.
    pub(crate) damages: Vec<Damage>,
    /// The link forgets a connection that carries nothing for this long.
    pub(crate) forgets_after: Option<Micros>,
}

impl Conditions {
    /// Adds a latency to the present ones. Its jitter is drawn from `seed`.
    pub fn add_latency(&mut self, latency: Latency, seed: u64) {
        self.delays.push(Delay::new(0, latency, seed, 0));
    }

    /// Whether bytes pass as on a perfect link. A held lane may be clean too: it keeps bytes,
    /// without delay.
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

    /// How the next chunk is cut, if it is.
    pub(super) fn pieces(&mut self) -> Option<Pieces> {
        let slice = self.slice?.max(1);
        let drawn = self.variation.as_mut();
        Some(drawn.map_or(Pieces::even(slice), |variation| variation.next(slice)))
    }

    /// Applies every damage to bytes.
    pub(crate) fn damage(&mut self, bytes: Bytes) -> Bytes {
        let damages = self.damages.iter_mut();
        damages.fold(bytes, |bytes, damage| damage.apply(bytes))
    }

    /// Takes over `new`. Each latency that goes on keeps its position in its draws, and each damage
    /// the count of what it has let pass.
    pub(crate) fn change(&mut self, new: Self) {
        let old = std::mem::replace(self, new);
        for delay in &mut self.delays {
            if let Some(same) = old.delays.iter().find(|had| delay.continues(had)) {
                delay.draws.clone_from(&same.draws);
            }
        }
        if let (Some(variation), Some(had)) = (&mut self.variation, &old.variation) {
            variation.resume(had);
        }
        for damage in &mut self.damages {
            if let Some(same) = old.damages.iter().find(|had| damage.continues(had)) {
                damage.passed = same.passed;
            }
        }
    }
}

/// One latency of one layer, with its own random stream.
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
                // Inverse transform sampling, less the scale itself: the smallest draw is the base.
                let u: f64 = rng.random();
                let stretch = (1.0 - u).powf(-1.0 / PARETO_SHAPE) - 1.0;
                whole_micros(lossy(base) + stretch * lossy(jitter))
            }
        }
    }
}

/// One corruption of one layer, and its progress.
#[derive(Debug, Clone)]
pub(crate) struct Damage {
    /// Tells one setting of the state from the next.
    generation: u64,
    corruption: Corruption,
    /// The number of bytes that have passed since it was set.
    passed: u64,
}

impl Damage {
    pub(crate) fn new(generation: u64, corruption: Corruption) -> Self {
        Self {
            generation,
            corruption,
            passed: 0,
        }
    }

    fn continues(&self, other: &Self) -> bool {
        self.generation == other.generation && self.corruption == other.corruption
    }

    /// How many bytes pass before the next damaged one.
    fn next(&self) -> Option<u64> {
        let skip = self.corruption.skip_bytes;
        match (skip.checked_sub(self.passed), self.corruption.every_bytes) {
            (Some(ahead), _) => Some(ahead),
            (None, Some(every)) => Some((every - (self.passed - skip) % every) % every),
            (None, None) => None,
        }
    }

    fn apply(&mut self, bytes: Bytes) -> Bytes {
        let len = bytes.len() as u64;
        let first = self.next();
        self.passed = self.passed.saturating_add(len);
        let Some(mut at) = first.filter(|&first| first < len) else {
            return bytes;
        };
        let mut damaged = bytes.to_vec();
        while let Some(byte) = usize::try_from(at).ok().and_then(|at| damaged.get_mut(at)) {
            *byte ^= self.corruption.flip;
            match self.corruption.every_bytes {
                Some(every) => at = at.saturating_add(every),
                None => break,
            }
        }
        damaged.into()
    }
}

/// Microseconds as a float: exact below 285 years, which is enough for a draw.
fn lossy(span: Micros) -> f64 {
    span.duration().as_secs_f64() * 1e6
}

/// A drawn span, clamped to zero and to what a [`Duration`](std::time::Duration) holds.
fn whole_micros(us: f64) -> Micros {
    std::time::Duration::try_from_secs_f64((us / 1e6).max(0.0))
        .map_or(Micros(u64::MAX), Micros::from)
}
