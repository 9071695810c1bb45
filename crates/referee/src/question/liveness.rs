//! Whether the client answers Pings, and whether it notices what does not come.

use serde::Deserialize;
use wstape_mock_engine::FrameKind;

use super::{Ask, Look, Reference};
use crate::facts::seconds;
use crate::verdict::{Finding, Verdict};

/// Whether a Ping with this payload is answered.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PingAnswered {
    /// The moment from which the answer is awaited.
    after: Reference,
    /// The Ping's payload.
    payload: String,
    /// How long an answer may take.
    pub(super) within_s: f64,
}

impl Ask for PingAnswered {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let from = self.after.find(look)?;
        let pongs = look
            .facts
            .attempts()
            .iter()
            .flat_map(|it| it.frames_of(FrameKind::Pong));
        let mut pongs = pongs.filter(|(at, _)| *at >= from);
        if let Some((at, _)) = pongs.find(|(_, it)| it.payload == self.payload.as_bytes()) {
            let took = seconds(at.0 - from.0);
            let verdict = if took <= self.within_s {
                Verdict::Pass
            } else {
                Verdict::Fail
            };
            let what = format!("answered a Ping of {} bytes", self.payload.len());
            return Some(Finding::new(verdict, what).figure("answered_after_s", took));
        }
        (look.since(from) > self.within_s).then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        let bytes = self.payload.len();
        match self.after.find(look) {
            Some(from) => {
                let waited = look.since(from);
                let what = format!(
                    "did not answer a Ping of {bytes} bytes with its payload in {waited:.1} s"
                );
                Finding::new(Verdict::Fail, what)
            }
            None => Finding::new(Verdict::NotApplicable, self.after.missing()),
        }
    }
}

/// Whether a connection whose only fault is silence is kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaysUp {
    /// How long it has to stay up, from its 101.
    pub(super) for_s: f64,
}

/// What is said about a silent connection that the client dropped after this many Pings of its own.
fn dropped(up_s: f64, pings: usize) -> String {
    match pings {
        0 => format!(
            "dropped a silent connection after {up_s:.1} s, and had not asked with a Ping whether it was alive"
        ),
        _ => {
            format!("dropped a silent connection after {up_s:.1} s, though its Pings were answered")
        }
    }
}

impl Ask for StaysUp {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let first = look.facts.attempts().first()?;
        let from = first.upgraded()?;
        if let Some(over) = first.over() {
            let up = seconds(over.0 - from.0);
            let verdict = if up < self.for_s {
                Verdict::Warn
            } else {
                Verdict::Pass
            };
            let pings = first.frames_of(FrameKind::Ping).count();
            return Some(Finding::new(verdict, dropped(up, pings)).figure("up_s", up));
        }
        let up = look.since(from);
        (up >= self.for_s).then(|| Finding::new(Verdict::Pass, "kept the connection"))
    }

    fn at_the_end(&self, _: &Look<'_>) -> Finding {
        Finding::new(Verdict::NotApplicable, "was never connected")
    }
}

/// Whether the client reacts to what it could notice; nothing requires it to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notices {
    /// The moment from which the time counts.
    after: Reference,
    /// How long the client may take.
    pub(super) within_s: f64,
}

impl Ask for Notices {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let from = self.after.find(look)?;
        let over = look
            .facts
            .attempts()
            .iter()
            .filter_map(crate::facts::Attempt::over)
            .find(|at| *at > from);
        if let Some(at) = over {
            let took = seconds(at.0 - from.0);
            let what = format!("noticed after {took:.1} s");
            return Some(Finding::new(Verdict::Info, what).figure("noticed_after_s", took));
        }
        (look.since(from) >= self.within_s).then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        match self.after.find(look) {
            Some(from) => Finding::new(
                Verdict::Info,
                format!("not noticed in {:.0} s", look.since(from)),
            ),
            None => Finding::new(Verdict::NotApplicable, self.after.missing()),
        }
    }
}

/// Whether the first connection outlives something; neither is required.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lives {
    /// The moment from which the time counts.
    after: Reference,
    /// How long the connection has to live.
    for_s: f64,
}

impl Ask for Lives {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let over = look.facts.attempts().first()?.over().is_some();
        let from = self.after.find(look)?;
        (over || look.since(from) > self.for_s).then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        let first = look.facts.attempts().first();
        let Some((first, up)) = first.and_then(|it| Some((it, it.upgraded()?))) else {
            return Finding::new(Verdict::NotApplicable, "was never connected");
        };
        let Some(over) = first.over() else {
            return Finding::new(Verdict::Info, "the connection lived");
        };
        let how = match (first.close(), first.left) {
            (Some((_, Some(code))), _) => format!("with a Close {code}"),
            (Some((_, None)), _) => "with a Close without a code".to_owned(),
            (None, Some(_)) => "without a Close".to_owned(),
            (None, None) => "by the engine: it was too far behind".to_owned(),
        };
        let lived = seconds(over.0.saturating_sub(up.0));
        let what = format!("the connection ended {how}, {lived:.1} s behind its 101");
        Finding::new(Verdict::Info, what).figure("lived_s", lived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_drops_a_silent_connection_is_told_whether_it_had_asked() {
        assert!(dropped(40.1, 0).ends_with("had not asked with a Ping whether it was alive"));
        assert!(dropped(20.0, 2).ends_with("after 20.0 s, though its Pings were answered"));
    }
}
