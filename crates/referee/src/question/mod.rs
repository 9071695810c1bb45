//! What a case asks, and when the answer is certain.
//!
//! A case file names its questions and gives their bounds:
//! `"asks":[{"storm":{"dials":20,"within_s":1,"warn_median_s":0.02}}]`. Each looks at the facts
//! whenever something has happened, and answers as soon as nothing that may still come can change
//! its answer.

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
use self::gaps::LATE_PART;
pub(crate) use self::reference::Reference;

use crate::verdict::Finding;

/// Whether timers were so late that machine load may have changed one of these findings, each the
/// answer to the question at its index.
pub(crate) fn load_may_decide(asks: &[Question], findings: &[Finding], late_s: f64) -> bool {
    let bounds = asks.iter().enumerate();
    let mut bounds = bounds.filter_map(|(nth, ask)| ask.bound_s(findings.get(nth)));
    bounds.any(|bound| late_s > LATE_PART * bound)
}

/// A question of a case. Its fields are those in the case's file.
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

    /// Whether its answer depends on gaps, so that a `fail` is played again.
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

    /// Whether it needs a client that comes back: it is not asked of one that promises a single
    /// connection.
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

    /// The bound, in seconds: a timer that is late by a fifth of it could change the answer.
    pub(crate) fn bound_s(&self, finding: Option<&Finding>) -> Option<f64> {
        match self {
            Self::Storm(it) => Some(it.bound_s(finding)),
            Self::BacksOff(it) => Some(it.bound_s(finding)),
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

    /// How long the question waits for something that need not come, in seconds. With many clients
    /// a run takes this long, whatever its time limit.
    pub(crate) fn patience_s(&self) -> f64 {
        match self {
            Self::Notices(it) => it.within_s,
            Self::Reacts(it) => it.within_s,
            Self::StaysUp(it) => it.for_s,
            _ => 0.0,
        }
    }

    /// What has to be measured for the question.
    pub(crate) fn wants(&self) -> Option<Wanted> {
        match self {
            Self::Memory(_) => Some(Wanted::Memory),
            Self::Leak(_) => Some(Wanted::Sockets),
            Self::Processor(_) => Some(Wanted::Processor),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::cases;
    use crate::verdict::Verdict;

    /// Whether a timer this late may have changed this verdict on the case's only question, given
    /// these gaps.
    fn is_doubted(id: &str, verdict: Verdict, gaps_s: &[f64], late_s: f64) -> bool {
        let cases = cases().expect("cases");
        let case = cases.iter().find(|it| it.id.to_string() == id);
        let run = case.and_then(|case| case.runs().next()).expect("a run");
        let asks = run.asks().expect("questions");
        let finding = Finding::new(verdict, "").figure("gaps_s", gaps_s.to_vec());
        load_may_decide(&asks[..1], &[finding], late_s)
    }

    #[test]
    fn a_pass_that_a_busy_machine_may_have_made_is_doubted_sooner_than_others() {
        let late_s = 0.08;
        for (id, near, far) in [("C1", 0.01, 0.2), ("R4", 0.005, 0.2), ("R5", 0.005, 0.2)] {
            // Twenty gaps from 0.1 s on, this far apart.
            let gaps = |by: f64| -> Vec<f64> { (0..20).map(|n| 0.1 + by * f64::from(n)).collect() };
            assert!(is_doubted(id, Verdict::Pass, &gaps(near), late_s), "{id}");
            assert!(!is_doubted(id, Verdict::Pass, &gaps(far), late_s), "{id}");
            // Load doesn't explain what counts against a client.
            assert!(!is_doubted(id, Verdict::Warn, &gaps(near), late_s), "{id}");
            assert!(is_doubted(id, Verdict::Warn, &gaps(far), 1.0), "{id}");
        }
        assert!(!is_doubted("R2", Verdict::Pass, &[1.0; 7], 0.39));
        assert!(is_doubted("R2", Verdict::Pass, &[1.0; 7], 0.41));
        // A timer late by a fraction of a wait doesn't explain a longer one.
        assert!(!is_doubted("R2", Verdict::Pass, &[8.0; 7], 1.59));
        assert!(is_doubted("R2", Verdict::Pass, &[8.0; 7], 1.61));
    }
}
