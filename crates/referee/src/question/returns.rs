//! Whether the client dials again, and how late.

use serde::Deserialize;

use super::{Ask, Look, Reference};
use crate::facts::seconds;
use crate::verdict::{Finding, Verdict};

/// The longest wait that a client may choose, in seconds, if no longer one was seen.
pub(super) const CAP_S: f64 = 60.0;

/// Whether the client dials within a bound after some moment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Returns {
    /// The moment from which the time counts.
    after: Reference,
    /// The client passes if it dials within this time. Default: the cap, 60 s or twice the longest
    /// gap seen.
    pass_s: Option<f64>,
    /// The client fails if it dials after this time, and is warned between the two. Default: as
    /// `pass_s`.
    fail_s: Option<f64>,
    /// Whether the result is only information, because nothing requires it.
    #[serde(default)]
    info: bool,
}

impl Returns {
    fn bounds(&self, look: &Look<'_>) -> (f64, f64) {
        let pass = self.pass_s.unwrap_or_else(|| cap(look));
        (pass, self.fail_s.unwrap_or(pass).max(pass))
    }

    fn judged(&self, verdict: Verdict) -> Verdict {
        if self.info { Verdict::Info } else { verdict }
    }

    fn never(&self, waited: f64) -> Finding {
        let what = format!("did not dial again in {waited:.1} s");
        Finding::new(self.judged(Verdict::Fail), what).figure("waited_s", waited)
    }
}

/// How much later than twice the longest gap a dial may come, in seconds, given both clocks: a
/// backoff that doubles is not a client that stays away.
const CAP_SLACK_S: f64 = 1.0;

/// How long a client may stay away: 60 s, or twice its longest gap so far.
pub(super) fn cap(look: &Look<'_>) -> f64 {
    let longest = look.facts.gaps().into_iter().fold(0.0, f64::max);
    CAP_S.max(2.0 * longest + CAP_SLACK_S)
}

impl Ask for Returns {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let from = self.after.find(look)?;
        let next = self.after.attempt().unwrap_or(usize::MAX);
        let mut attempts = look.facts.attempts().iter().enumerate();
        let back = attempts.find(|(n, it)| it.accepted > from || *n >= next);
        let (pass, fail) = self.bounds(look);
        let Some((_, back)) = back else {
            let waited = look.since(from);
            return (waited > fail).then(|| self.never(waited));
        };
        let after = seconds(back.accepted.0.saturating_sub(from.0));
        let verdict = match after {
            it if it <= pass => Verdict::Pass,
            it if it <= fail => Verdict::Warn,
            _ => Verdict::Fail,
        };
        let what = format!("dialled again after {after:.3} s");
        Some(Finding::new(self.judged(verdict), what).figure("back_after_s", after))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        match self.after.find(look) {
            Some(from) => self.never(look.since(from)),
            None => Finding::new(Verdict::NotApplicable, self.after.missing()),
        }
    }
}
