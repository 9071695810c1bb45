//! What the client does after an answer that is not an upgrade.

use serde::Deserialize;
use wstape_mock_engine::FrameKind;

use super::{Ask, Look};
use crate::facts::Ended;
use crate::verdict::{Finding, Verdict};

/// Whether the answer to the first attempt is taken as an open connection.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotOpen {
    /// A connection that is still up after this long was taken as open.
    within_s: f64,
}

impl Ask for NotOpen {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let first = look.facts.attempts().first()?;
        let (answered, _) = first.answer?;
        let spoke = first
            .frames
            .iter()
            .find(|(_, it)| it.kind != FrameKind::Close);
        if let Some((_, frame)) = spoke {
            let what = format!("took it for open: it sent a {}", frame.kind.word());
            return Some(Finding::new(Verdict::Fail, what));
        }
        if let Some((_, Ended::ClientFin | Ended::ClientReset)) = first.ended {
            return Some(Finding::new(Verdict::Pass, "ended the connection"));
        }
        if look.facts.attempts().len() > 1 {
            return Some(Finding::new(
                Verdict::Pass,
                "did not take it for open, and dialled again",
            ));
        }
        let up = look.since(answered);
        (up > self.within_s && first.ended.is_none()).then(|| {
            Finding::new(
                Verdict::Fail,
                format!("took it for open: still up after {up:.0} s"),
            )
        })
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        match look.facts.attempts().first() {
            Some(first) if first.answer.is_some() => {
                Finding::new(Verdict::Pass, "did not take it for open")
            }
            _ => Finding::new(Verdict::NotApplicable, "nothing was answered"),
        }
    }
}

/// Whether the client is connected once it is served again.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upgrades {
    /// The attempt that is served.
    attempt: usize,
    /// How long its upgrade may take.
    within_s: f64,
}

impl Ask for Upgrades {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let attempt = look.facts.attempts().get(self.attempt.checked_sub(1)?)?;
        if attempt.upgraded().is_some() {
            return Some(Finding::new(
                Verdict::Pass,
                "connected once it was served again",
            ));
        }
        let waited = look.since(attempt.accepted);
        (waited > self.within_s).then(|| {
            Finding::new(
                Verdict::Fail,
                "was not connected though it was served again",
            )
        })
    }

    fn at_the_end(&self, _: &Look<'_>) -> Finding {
        let what = format!("there was no attempt {}", self.attempt);
        Finding::new(Verdict::NotApplicable, what)
    }
}

/// Whether a redirect to another port is followed, and if so with the token.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotFollowed {
    /// This many attempts at the right port without one at the other settle it.
    enough: usize,
}

impl Ask for NotFollowed {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        if look.strangers.iter().any(|(_, token)| *token) {
            let what = "followed the redirect to another port, and took the token there";
            return Some(Finding::new(Verdict::Fail, what));
        }
        if !look.strangers.is_empty() {
            let what = "followed the redirect to another port, without credentials";
            return Some(Finding::new(Verdict::Warn, what));
        }
        (look.facts.attempts().len() >= self.enough).then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        if look.facts.attempts().is_empty() {
            return Finding::new(Verdict::NotApplicable, "it never dialled");
        }
        Finding::new(Verdict::Pass, "did not follow the redirect")
    }
}
