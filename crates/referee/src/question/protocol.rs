//! What the client does about frames that break the protocol.

use serde::Deserialize;
use wstape_mock_engine::FrameKind;

use super::{Ask, Look, Reference};
use crate::facts::Ended;
use crate::verdict::{Finding, Verdict};

/// Whether the client fails the connection, as RFC 6455 says it must, and with which code.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailsConnection {
    /// When the frame was sent.
    after: Reference,
    /// The codes that say so; another, or none, gives a warning.
    codes: Vec<u16>,
    /// How long it may take.
    within_s: f64,
}

impl Ask for FailsConnection {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let from = self.after.find(look)?;
        let first = look.facts.attempts().first()?;
        if let Some((_, code)) = first.close() {
            let right = code.is_some_and(|code| self.codes.contains(&code));
            let verdict = if right { Verdict::Pass } else { Verdict::Warn };
            let what = match code {
                Some(code) => format!("failed the connection with {code}"),
                None => "failed the connection with a Close without a code".to_owned(),
            };
            return Some(Finding::new(verdict, what));
        }
        if let Some((_, Ended::ClientFin | Ended::ClientReset)) = first.ended {
            let what = "failed the connection without a Close";
            return Some(Finding::new(Verdict::Warn, what));
        }
        (look.since(from) > self.within_s).then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        let Some(from) = self.after.find(look) else {
            return Finding::new(Verdict::NotApplicable, self.after.missing());
        };
        let waited = look.since(from);
        let spoke = look.facts.attempts().first().is_some_and(|first| {
            first
                .frames
                .iter()
                .any(|(at, it)| *at > from && it.kind != FrameKind::Close)
        });
        let more = if spoke { ", and went on speaking" } else { "" };
        let what = format!("took an illegal frame: still up after {waited:.0} s{more}");
        Finding::new(Verdict::Fail, what)
    }
}
