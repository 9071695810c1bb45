//! Toxics: what Toxiproxy's clients lay over the connections of a port.
//!
//! Latency, bandwidth and slices are conditions of the link, like a tape's. The others stop, count
//! or end a direction where its bytes are read: see `poisoned`.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wstape_tape::{Distribution, Latency, Micros};

use crate::ids::ConnId;
use crate::link::{Conditions, Delay, Variation};

/// The bytes that a toxic affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Those for the real engine.
    Upstream,
    /// Those for the client.
    Downstream,
}

/// What a toxic does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Poison {
    /// Delays bytes.
    Latency {
        /// The delay without its jitter.
        base: Micros,
        /// The most by which a delay may be shorter or longer.
        jitter: Micros,
    },
    /// Lets this many bytes a second through; `None` sets no limit.
    Bandwidth(Option<u64>),
    /// Cuts bytes into pieces.
    Slicer {
        /// The average length of a piece.
        bytes: u32,
        /// The most by which a piece may be shorter or longer.
        variation: u32,
        /// The time between pieces.
        gap: Micros,
    },
    /// Loses all bytes, and closes the connection after this long; `None` never closes it.
    Timeout(Option<Micros>),
    /// Resets the connection after this long.
    ResetPeer(Micros),
    /// Closes the connection once this many bytes have passed.
    LimitData(u64),
    /// Passes the end of the stream on this much later.
    SlowClose(Micros),
}

/// A toxic of a port.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Toxic {
    /// Tells it from all other toxics ever laid; a changed one gets a new number.
    pub(crate) number: u64,
    pub(crate) stream: Stream,
    /// How likely a connection is to have it, from 0 to 1.
    pub(crate) toxicity: f64,
    pub(crate) poison: Poison,
    /// When it was laid.
    pub(crate) since: Micros,
}

/// What a connection's toxics do to one direction where its bytes are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Way {
    /// Whether bytes are lost.
    pub(crate) stopped: bool,
    /// How many bytes may pass, and the number of the toxic that limits them.
    pub(crate) limit: Option<(u64, u64)>,
    /// How much later the stream's end is passed on.
    pub(crate) slow_close: Micros,
}

/// What the toxics of a connection do besides changing its link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Poisons {
    pub(crate) upstream: Way,
    pub(crate) downstream: Way,
    /// When the connection is closed.
    pub(crate) close_at: Option<Micros>,
    /// When the connection is reset.
    pub(crate) reset_at: Option<Micros>,
}

impl Toxic {
    /// Whether a connection has it: drawn only from the toxic's number and the connection's.
    fn is_on(&self, id: ConnId) -> bool {
        if self.toxicity >= 1.0 {
            return true;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.number);
        rng.set_stream(id.get());
        let drawn: f64 = rng.random();
        drawn < self.toxicity
    }

    fn add_to(&self, conditions: &mut Conditions, id: ConnId) {
        let least = |had: Option<u64>, new: u64| Some(had.map_or(new, |had| had.min(new)));
        match self.poison {
            Poison::Latency { base, jitter } => {
                let latency = Latency {
                    base,
                    jitter,
                    distribution: Distribution::Uniform,
                };
                let delay = Delay::new(self.number, latency, self.number, id.get());
                conditions.delays.push(delay);
            }
            Poison::Bandwidth(Some(rate)) => conditions.rate = least(conditions.rate, rate),
            Poison::Slicer {
                bytes,
                variation,
                gap,
            } => {
                if conditions.slice.is_none_or(|had| bytes <= had) {
                    conditions.slice = Some(bytes.max(1));
                    let drawn = || Variation::new(self.number, variation, self.number, id.get());
                    conditions.variation = (variation > 0).then(drawn);
                }
                if gap > Micros::ZERO {
                    // One piece per gap makes this many bytes per second.
                    let rate = u64::from(bytes).saturating_mul(1_000_000) / gap.0;
                    conditions.rate = least(conditions.rate, rate.max(1));
                }
            }
            _ => {}
        }
    }
}

/// Adds what a connection's toxics do to its link: towards the client, and from it.
pub(crate) fn add_conditions(
    toxics: &[Toxic],
    id: ConnId,
    to_client: &mut Conditions,
    from_client: &mut Conditions,
) {
    for toxic in toxics.iter().filter(|toxic| toxic.is_on(id)) {
        match toxic.stream {
            Stream::Downstream => toxic.add_to(to_client, id),
            Stream::Upstream => toxic.add_to(from_client, id),
        }
    }
}

/// What a connection's toxics do besides changing its link; it was accepted at `accepted`.
pub(crate) fn poisons(toxics: &[Toxic], id: ConnId, accepted: Micros) -> Poisons {
    let mut all = Poisons::default();
    let least = |had: Option<Micros>, new: Micros| Some(had.map_or(new, |had| had.min(new)));
    for toxic in toxics.iter().filter(|toxic| toxic.is_on(id)) {
        let way = match toxic.stream {
            Stream::Upstream => &mut all.upstream,
            Stream::Downstream => &mut all.downstream,
        };
        let since = toxic.since.max(accepted);
        let after = |span: Micros| Micros(since.0.saturating_add(span.0));
        match toxic.poison {
            Poison::Timeout(closes) => {
                way.stopped = true;
                if let Some(span) = closes {
                    all.close_at = least(all.close_at, after(span));
                }
            }
            Poison::ResetPeer(span) => all.reset_at = least(all.reset_at, after(span)),
            Poison::LimitData(bytes) if way.limit.is_none_or(|(least, _)| bytes < least) => {
                way.limit = Some((bytes, toxic.number));
            }
            Poison::SlowClose(span) => way.slow_close = way.slow_close.max(span),
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toxic(poison: Poison, toxicity: f64) -> Toxic {
        Toxic {
            number: 7,
            stream: Stream::Downstream,
            toxicity,
            poison,
            since: Micros(1_000),
        }
    }

    #[test]
    fn a_toxic_is_on_as_many_connections_as_its_toxicity_says_and_on_the_same_each_time() {
        let on = |toxicity| {
            let toxic = toxic(Poison::SlowClose(Micros(1)), toxicity);
            let ids = (1..=1_000).map(ConnId::new);
            ids.filter(|&id| toxic.is_on(id)).collect::<Vec<_>>()
        };
        assert_eq!((on(0.0).len(), on(1.0).len()), (0, 1_000));
        assert!((400..600).contains(&on(0.5).len()), "{}", on(0.5).len());
        assert_eq!(on(0.5), on(0.5));
    }

    #[test]
    fn times_count_from_the_toxic_or_the_connection_whichever_came_later() {
        let toxics = [
            toxic(Poison::Timeout(Some(Micros(50))), 1.0),
            toxic(Poison::ResetPeer(Micros(70)), 1.0),
            toxic(Poison::LimitData(9), 1.0),
        ];
        let of = |accepted| {
            let poisons = poisons(&toxics, ConnId::new(1), Micros(accepted));
            (poisons.close_at, poisons.reset_at)
        };
        assert_eq!(of(10), (Some(Micros(1_050)), Some(Micros(1_070))));
        assert_eq!(of(2_000), (Some(Micros(2_050)), Some(Micros(2_070))));
        let poisons = poisons(&toxics, ConnId::new(1), Micros(0));
        assert_eq!(poisons.upstream, Way::default());
        assert_eq!(
            (poisons.downstream.stopped, poisons.downstream.limit),
            (true, Some((9, 7)))
        );
    }

    #[test]
    fn pieces_that_are_apart_come_at_the_rate_that_this_is() {
        let (mut to, mut from) = (Conditions::default(), Conditions::default());
        let slicer = Poison::Slicer {
            bytes: 100,
            variation: 0,
            gap: Micros(10_000),
        };
        let slow = Poison::Bandwidth(Some(50_000));
        let toxics = [toxic(slicer, 1.0), toxic(slow, 1.0)];
        add_conditions(&toxics, ConnId::new(1), &mut to, &mut from);
        assert_eq!((to.slice, to.rate), (Some(100), Some(10_000)));
        assert!(from.clean());
    }
}
