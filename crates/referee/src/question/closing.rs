//! What the client does about a Close.

use serde::Deserialize;
use wstape_tape::Micros;

use super::{Ask, Look, Reference};
use crate::facts::seconds;
use crate::verdict::{Finding, Verdict};

/// Whether the engine's first Close is answered with one.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseAnswered {
    /// The code that was sent; `None` for a Close without one.
    sent: Option<u16>,
}

impl CloseAnswered {
    fn answer(self, at: Micros, sent: Micros, code: Option<u16>) -> Finding {
        let took = seconds(at.0.saturating_sub(sent.0));
        let what = match (code, self.sent) {
            (code, sent) if code == sent => "answered with the same code".to_owned(),
            (Some(code), _) => format!("answered with {code}"),
            (None, _) => "answered without a code".to_owned(),
        };
        Finding::new(Verdict::Pass, what).figure("answered_after_s", took)
    }
}

impl Ask for CloseAnswered {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let first = look.facts.attempts().first()?;
        let sent = first.close_sent?;
        if let Some((at, code)) = first.close() {
            return Some(self.answer(at, sent, code));
        }
        first.over().map(|_| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        match look.facts.attempts().first() {
            Some(first) if first.close_sent.is_some() => {
                Finding::new(Verdict::Fail, "did not answer the Close with one")
            }
            _ => Finding::new(Verdict::NotApplicable, "no Close was sent"),
        }
    }
}

/// Whether the client sends a Close with a code that it never received.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoCloseWith {
    /// The code that was in the bytes, but never sent as one.
    code: u16,
}

impl Ask for NoCloseWith {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let first = look.facts.attempts().first()?;
        if first
            .close()
            .is_some_and(|(_, code)| code == Some(self.code))
        {
            let what = format!("took bytes within a frame for a Close {}", self.code);
            return Some(Finding::new(Verdict::Fail, what));
        }
        first.over().map(|_| self.at_the_end(look))
    }

    fn at_the_end(&self, _: &Look<'_>) -> Finding {
        Finding::new(
            Verdict::Pass,
            "did not take bytes within a frame for a Close",
        )
    }
}

/// Whether the client comes back only once after an end that it could take for two.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComesBackOnce {
    /// How long to watch for a second return after the first.
    for_s: f64,
}

impl Ask for ComesBackOnce {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let second = look.facts.attempts().get(1)?;
        (look.since(second.accepted) > self.for_s).then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        let attempts = look.facts.attempts();
        if attempts.len() < 2 {
            return Finding::new(Verdict::NotApplicable, "it did not come back");
        }
        match attempts.iter().filter(|it| it.over().is_none()).count() {
            0 | 1 => Finding::new(Verdict::Pass, "came back once"),
            open => Finding::new(Verdict::Fail, format!("came back {open} times for one end")),
        }
    }
}

/// Whether the client ends the transport itself if the server, after its Close, does not.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndsTransport {
    /// The moment from which the time counts: the Close.
    after: Reference,
    /// How long the client may take.
    within_s: f64,
}

impl Ask for EndsTransport {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let from = self.after.find(look)?;
        let first = look.facts.attempts().first()?;
        if let Some(at) = first.left {
            let took = seconds(at.0.saturating_sub(from.0));
            let verdict = if took <= self.within_s {
                Verdict::Pass
            } else {
                Verdict::Fail
            };
            let what = format!("ended the transport after {took:.1} s");
            return Some(Finding::new(verdict, what).figure("ended_after_s", took));
        }
        (look.since(from) > self.within_s).then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        match self.after.find(look) {
            Some(from) => {
                let waited = look.since(from);
                let what = format!("left the transport open for {waited:.0} s behind the Close");
                Finding::new(Verdict::Fail, what)
            }
            None => Finding::new(Verdict::NotApplicable, self.after.missing()),
        }
    }
}
