//! What the client's processes use.

use serde::Deserialize;
use wstape_tape::Micros;

use super::{Ask, Look, Reference};
use crate::facts::{gaps, micros, seconds};
use crate::process::Vitals;
use crate::verdict::{Finding, Verdict};

const BYTES_PER_MIB: f64 = 1_048_576.0;

fn mib(bytes: u64) -> f64 {
    // A process has far less memory than the 53 bits that a float holds.
    #[expect(clippy::cast_precision_loss)]
    let bytes = bytes as f64;
    bytes / BYTES_PER_MIB
}

fn untold() -> Finding {
    Finding::new(
        Verdict::NotApplicable,
        "this system does not tell what processes use",
    )
}

/// Whether memory stays within a bound.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Memory {
    /// How much more memory than before is allowed.
    max_mib: f64,
    /// When it was at its normal level. Default: the first accept.
    since: Option<Reference>,
    /// The moment from which to watch it. Default: the first accept.
    after: Option<Reference>,
    /// How long to watch it.
    for_s: f64,
    /// Whether a client that has dialled again need not be watched any longer.
    #[serde(default)]
    until_back: bool,
}

impl Memory {
    fn grown(&self, look: &Look<'_>) -> Option<f64> {
        let since = match &self.since {
            Some(since) => since.find(look)?,
            None => look.facts.attempts().first()?.accepted,
        };
        let before = look.vitals.iter().rev().find(|(at, _)| *at <= since);
        let before = before.or(look.vitals.first())?.1.memory_bytes;
        let most = look.vitals.iter().map(|(_, it)| it.memory_bytes).max()?;
        Some(mib(most.saturating_sub(before)))
    }

    fn verdict(&self, grown: f64) -> Finding {
        let (verdict, what) = if grown > self.max_mib {
            (Verdict::Fail, format!("memory grew by {grown:.0} MiB"))
        } else {
            (
                Verdict::Pass,
                format!("memory grew by {grown:.0} MiB at most"),
            )
        };
        Finding::new(verdict, what).figure("grown_mib", grown)
    }
}

impl Ask for Memory {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let grown = self.grown(look)?;
        if grown > self.max_mib {
            return Some(self.verdict(grown));
        }
        let attempts = look.facts.attempts();
        let back = self.until_back && attempts.len() > 1;
        let from = match &self.after {
            Some(after) => after.find(look),
            None => Some(attempts.first()?.accepted),
        };
        let long_enough = from.is_some_and(|from| look.since(from) > self.for_s);
        (back || long_enough).then(|| self.verdict(grown))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        self.grown(look)
            .map_or_else(untold, |grown| self.verdict(grown))
    }
}

/// Whether waiting costs processor time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Processor {
    /// The largest allowed share of one core.
    max_percent: f64,
    /// The moment from which the time counts.
    after: Reference,
    /// Beginning this much later, …
    from_s: f64,
    /// … for this long.
    for_s: f64,
}

impl Processor {
    fn percent(&self, look: &Look<'_>) -> Option<f64> {
        let from = self.after.find(look)?.0 + micros(self.from_s).0;
        let mut watched = look.vitals.iter().filter(|(at, _)| at.0 >= from);
        let (first, last) = (watched.next()?, watched.next_back()?);
        let spent = last.1.processor_s - first.1.processor_s;
        Some(100.0 * spent / seconds(last.0.0 - first.0.0).max(0.001))
    }
}

impl Ask for Processor {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let waited = look.since(self.after.find(look)?);
        (waited > self.from_s + self.for_s).then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        let Some(percent) = self.percent(look) else {
            return untold();
        };
        let (verdict, what) = if percent > self.max_percent {
            (
                Verdict::Fail,
                format!("took {percent:.1} % of a core while it had nothing to do"),
            )
        } else {
            (
                Verdict::Pass,
                format!("took {percent:.1} % of a core while it waited"),
            )
        };
        Finding::new(verdict, what).figure("processor_percent", percent)
    }
}

/// Memory is measured at least this often before anything is said about its growth.
const MIN_MEASURED: usize = 30;

/// Whether reconnecting leaks memory or sockets.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Leak {
    /// This many attempts, …
    attempts: usize,
    /// … or this long, are enough.
    for_s: f64,
    /// With fewer attempts than this nothing can be said.
    min_attempts: usize,
    /// This much more memory in the last third than in the second gives a warning.
    warn_mib: f64,
    /// This much more fails.
    fail_mib: f64,
    /// How far apart the two measurements of sockets are; one socket may be open in both.
    settle_s: f64,
}

impl Leak {
    /// Returns an earlier measurement and the latest one, so far apart that a socket that is open
    /// in both stays open.
    fn settled<'v>(&self, look: &Look<'v>) -> Option<[&'v (Micros, Vitals); 2]> {
        let last = look.vitals.last()?;
        let settled = Micros(last.0.0.saturating_sub(micros(self.settle_s).0));
        let before = look.vitals.iter().rev().find(|(at, _)| *at <= settled)?;
        Some([before, last])
    }

    /// Whether the earlier of those measurements is later than this moment: a socket that was
    /// opened then is in both if it stays open.
    fn has_settled(&self, look: &Look<'_>, accepted: Micros) -> bool {
        self.settled(look)
            .is_some_and(|[(before, _), _]| *before > accepted)
    }

    /// Counts the sockets to the engine that were open when the attempts were over, and still are.
    fn kept_sockets(&self, look: &Look<'_>) -> usize {
        self.settled(look).map_or(0, |[(_, before), (_, last)]| {
            before.sockets.intersection(&last.sockets).count()
        })
    }

    /// The highest memory of the second third and of the last one, in MiB.
    fn thirds(vitals: &[(Micros, Vitals)]) -> Option<(f64, f64)> {
        let third = vitals.len() / 3;
        let most = |part: &[(Micros, Vitals)]| part.iter().map(|(_, it)| it.memory_bytes).max();
        let second = most(vitals.get(third..2 * third)?)?;
        let last = most(vitals.get(2 * third..)?)?;
        Some((mib(second), mib(last)))
    }
}

impl Ask for Leak {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let attempts = look.facts.attempts();
        let since = look.since(attempts.first()?.accepted);
        // The attempts that nobody ends show what the others left behind. A client that dials twice
        // for each loss has several, and the newest must have had its time too.
        let unended = attempts.get(self.attempts..).unwrap_or_default();
        let settled = unended
            .last()
            .is_some_and(|newest| self.has_settled(look, newest.accepted));
        let enough = settled && look.vitals.len() >= MIN_MEASURED;
        (enough || since > self.for_s).then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        let attempts = look.facts.attempts();
        let reconnects = gaps(attempts).len();
        if reconnects < self.min_attempts {
            let what = format!("only {reconnects} reconnects: too few to tell");
            return Finding::new(Verdict::NotApplicable, what);
        }
        let Some((second, last)) = Self::thirds(look.vitals) else {
            return untold();
        };
        let grown = last - second;
        let verdict = match grown {
            it if it > self.fail_mib => Verdict::Fail,
            it if it > self.warn_mib => Verdict::Warn,
            _ => Verdict::Pass,
        };
        let sockets = self.kept_sockets(look);
        let (verdict, left) = if sockets > 1 {
            (Verdict::Fail, format!("; {sockets} sockets stayed open"))
        } else {
            (verdict, String::new())
        };
        let what = format!(
            "memory went from {second:.1} to {last:.1} MiB over {reconnects} reconnects{left}"
        );
        Finding::new(verdict, what)
            .figure("grown_mib", grown)
            .figure("sockets", sockets as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;

    const LEAK: Leak = Leak {
        attempts: 1,
        for_s: 120.0,
        min_attempts: 0,
        warn_mib: 16.0,
        fail_mib: 64.0,
        settle_s: 10.0,
    };

    /// What is said at `now`, in seconds, about a client with accepts at these times, all but the
    /// first of which stay open.
    fn said(accepts_s: &[f64], now_s: f64) -> Option<Verdict> {
        let mut facts = Facts::new("token".to_owned());
        for at in accepts_s {
            facts.accept(micros(*at));
        }
        // Measured every half second, which is often enough for a verdict.
        let vitals: Vec<(Micros, Vitals)> = (0..1_000)
            .map(|n| f64::from(n) / 2.0)
            .take_while(|at| *at <= now_s)
            .map(|at| {
                let open = (1..)
                    .zip(accepts_s)
                    .skip(1)
                    .filter(|(_, since)| **since <= at);
                let vitals = Vitals {
                    processor_s: 0.0,
                    memory_bytes: 1 << 20,
                    sockets: open.map(|(socket, _)| socket).collect(),
                };
                (micros(at), vitals)
            })
            .collect();
        let look = Look {
            facts: &facts,
            alike: &crate::facts::Alike::default(),
            vitals: &vitals,
            strangers: &[],
            told_to_end: None,
            gone: None,
            left_behind: &[],
            now: micros(now_s),
            copies: 1,
        };
        LEAK.look(&look).map(|finding| finding.verdict)
    }

    #[test]
    fn a_second_connection_has_its_time_too_however_late_it_comes() {
        assert_eq!(said(&[0.0, 10.0], 20.5), Some(Verdict::Pass));
        assert_eq!(said(&[0.0, 10.0, 15.0], 20.5), None);
        assert_eq!(said(&[0.0, 10.0, 15.0], 25.5), Some(Verdict::Fail));
    }

    #[test]
    fn sockets_that_came_after_they_were_measured_are_waited_for() {
        // At 10 s these sockets don't exist yet, so the answer waits until ten seconds after the
        // measurement at 10.5 s.
        assert_eq!(said(&[0.0, 10.2, 10.3], 20.4), None);
        assert_eq!(said(&[0.0, 10.2, 10.3], 20.5), Some(Verdict::Fail));
    }
}
