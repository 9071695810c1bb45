//! What a case asks, and when the answer is certain.
//!
//! A case file names its questions and gives their bounds:
//! `"asks":[{"storm":{"dials":20,"within_s":1,"warn_median_s":0.02}}]`. Each looks at what has
//! happened whenever something has, and answers as soon as nothing that may still come can turn its
//! answer.

mod ask;
mod chance;
mod closing;
mod exit;
mod gaps;
mod growth;
mod handshake;
mod liveness;
mod protocol;
mod reference;
mod resources;
mod returns;
mod spread;
mod streams;

use serde::Deserialize;

use crate::process::Wanted;

use self::ask::Ask;
pub(crate) use self::ask::Look;
pub(crate) use self::chance::Sample;
pub(crate) use self::exit::ended;
pub(crate) use self::gaps::LATE_PART;
pub(crate) use self::reference::Reference;

use crate::verdict::Finding;

/// A question of a case. Its fields are what stands in the case's file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    Returns(returns::Returns),
    BacksOff(growth::BacksOff),
    Storm(gaps::Storm),
    ResetsBackoff(growth::ResetsBackoff),
    KeepsOn(growth::KeepsOn),
    Honours(gaps::Honours),
    NotOpen(handshake::NotOpen),
    Upgrades(handshake::Upgrades),
    NotFollowed(handshake::NotFollowed),
    PingAnswered(liveness::PingAnswered),
    StaysUp(liveness::StaysUp),
    Notices(liveness::Notices),
    CloseAnswered(closing::CloseAnswered),
    NoCloseWith(closing::NoCloseWith),
    ComesBackOnce(closing::ComesBackOnce),
    FailsConnection(protocol::FailsConnection),
    Memory(resources::Memory),
    Processor(resources::Processor),
    Leak(resources::Leak),
    Gone(exit::Gone),
    Spread(spread::Spread),
    EndsTransport(closing::EndsTransport),
    Resubscribes(streams::Resubscribes),
    SubscribesOnce(streams::SubscribesOnce),
    Reacts(streams::Reacts),
    Lives(liveness::Lives),
}

impl Question {
    fn ask(&self) -> &dyn Ask {
        match self {
            Self::Returns(it) => it,
            Self::BacksOff(it) => it,
            Self::Storm(it) => it,
            Self::ResetsBackoff(it) => it,
            Self::KeepsOn(it) => it,
            Self::Honours(it) => it,
            Self::NotOpen(it) => it,
            Self::Upgrades(it) => it,
            Self::NotFollowed(it) => it,
            Self::PingAnswered(it) => it,
            Self::StaysUp(it) => it,
            Self::Notices(it) => it,
            Self::CloseAnswered(it) => it,
            Self::NoCloseWith(it) => it,
            Self::ComesBackOnce(it) => it,
            Self::FailsConnection(it) => it,
            Self::Memory(it) => it,
            Self::Processor(it) => it,
            Self::Leak(it) => it,
            Self::Gone(it) => it,
            Self::Spread(it) => it,
            Self::EndsTransport(it) => it,
            Self::Resubscribes(it) => it,
            Self::SubscribesOnce(it) => it,
            Self::Reacts(it) => it,
            Self::Lives(it) => it,
        }
    }

    pub(crate) fn look(&self, look: &Look<'_>) -> Option<Finding> {
        self.ask().look(look)
    }

    pub(crate) fn at_the_end(&self, look: &Look<'_>) -> Finding {
        self.ask().at_the_end(look)
    }

    pub(crate) fn sample(&self, look: &Look<'_>) -> Option<Sample> {
        self.ask().sample(look)
    }

    pub(crate) fn pooled(&self, samples: &[Sample]) -> Option<Finding> {
        self.ask().pooled(samples)
    }

    /// Whether its answer rests on gaps, so that a `fail` is played again.
    pub(crate) fn rests_on_gaps(&self) -> bool {
        matches!(
            self,
            Self::BacksOff(_)
                | Self::Storm(_)
                | Self::ResetsBackoff(_)
                | Self::KeepsOn(_)
                | Self::Honours(_)
                | Self::Spread(_)
        )
    }

    /// Whether it takes a client that comes back: one that promises a single connection is not asked.
    pub(crate) fn takes_coming_back(&self) -> bool {
        self.rests_on_gaps()
            || matches!(
                self,
                Self::Returns(_)
                    | Self::Upgrades(_)
                    | Self::ComesBackOnce(_)
                    | Self::Leak(_)
                    | Self::Resubscribes(_)
                    | Self::SubscribesOnce(_)
            )
    }

    /// The bound that a late timer would have to reach a fifth of to turn the answer, in seconds.
    pub(crate) fn bound_s(&self, finding: Option<&Finding>) -> Option<f64> {
        match self {
            Self::Storm(it) => Some(it.bound_s(finding)),
            Self::BacksOff(it) => Some(it.within_s),
            Self::Honours(it) => Some(it.after_s),
            Self::PingAnswered(it) => Some(it.within_s),
            Self::Gone(it) => Some(it.within_s),
            Self::Spread(_) if finding.is_some_and(spread::is_doubtful) => {
                Some(spread::MIN_DOUBTFUL_SPREAD_S)
            }
            Self::Spread(_) => Some(spread::MIN_SPREAD_S),
            _ => None,
        }
    }

    /// How long it waits for what need not come, in seconds: a run takes as long at many clients,
    /// whatever time it has at most.
    pub(crate) fn patience_s(&self) -> f64 {
        match self {
            Self::Notices(it) => it.within_s,
            Self::Reacts(it) => it.within_s,
            Self::StaysUp(it) => it.for_s,
            _ => 0.0,
        }
    }

    /// What has to be measured for it.
    pub(crate) fn wants(&self) -> Option<Wanted> {
        match self {
            Self::Memory(_) => Some(Wanted::Memory),
            Self::Leak(_) => Some(Wanted::Sockets),
            Self::Processor(_) => Some(Wanted::Processor),
            _ => None,
        }
    }
}
