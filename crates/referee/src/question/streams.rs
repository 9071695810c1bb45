//! What happens to the streams that the client asked for.

use std::collections::BTreeMap;

use serde::Deserialize;
use wstape_tape::Micros;

use super::{Ask, Look, Reference};
use crate::facts::{Attempt, seconds};
use crate::verdict::{Finding, Verdict};

/// A connection that lasts less than this many times what the first one took to ask for everything
/// did not have the time to ask.
const TIME_TO_ASK: f64 = 3.0;
/// The shortest time allowed for asking.
const MIN_TIME_TO_ASK_S: f64 = 0.5;
/// The longest name of a stream in a sentence, in characters.
const MAX_NAMED_CHARS: usize = 80;

/// How often each stream was asked for on a connection.
type Streams = BTreeMap<String, usize>;

/// What was asked for on an attempt.
fn streams(look: &Look<'_>, attempt: &Attempt) -> Streams {
    look.alike
        .count(attempt.subscribed.iter().map(|(_, asked)| asked.as_str()))
}

/// The attempts that became connections.
fn connections<'a>(look: &Look<'a>) -> impl Iterator<Item = &'a Attempt> {
    let attempts = look.facts.attempts().iter();
    attempts.filter(|it| it.upgraded().is_some())
}

/// What the first connection asked for, and how long that took, in seconds; a reason if there is
/// nothing to compare with.
fn first(look: &Look<'_>) -> Result<(Streams, f64), Finding> {
    let none = |what: String| Err(Finding::new(Verdict::NotApplicable, what));
    let Some(first) = connections(look).next() else {
        return none("was never connected".to_owned());
    };
    let (Some(upgraded), Some((last, _))) = (first.upgraded(), first.subscribed.last()) else {
        // Without its query, in which clients put secrets. The wrong path is the likeliest reason.
        let path = first.target.split('?').next().unwrap_or_default();
        return none(format!(
            "asked for no stream that the healthy tape knows, at {path}"
        ));
    };
    let took = seconds(last.0.saturating_sub(upgraded.0));
    Ok((streams(look, first), took))
}

/// The first of these names, and how many more there are.
fn named(names: &[&String]) -> String {
    let first = names.first().map_or("", |it| it.as_str());
    let cut = first.char_indices().nth(MAX_NAMED_CHARS);
    let shown = cut.map_or(first.to_owned(), |(at, _)| format!("{}…", &first[..at]));
    match names.len() {
        0 | 1 => shown,
        n => format!("{shown} and {} more", n - 1),
    }
}

/// Whether later connections ask again for what was asked for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resubscribes {
    /// On how many connections after the first it has to ask.
    connections: usize,
    /// How long it has for that on the last of them, from its 101.
    within_s: f64,
}

impl Resubscribes {
    /// The finding for what is missing on the `nth` connection.
    fn missing(nth: usize, asked: &Streams, wanted: &Streams) -> Option<Finding> {
        let missing: Vec<&String> = wanted
            .keys()
            .filter(|it| !asked.contains_key(*it))
            .collect();
        let (lacking, of) = (missing.len(), wanted.len());
        (lacking > 0).then(|| {
            let what = format!(
                "on connection {nth} did not ask again for {lacking} of {of} streams: {}",
                named(&missing)
            );
            Finding::new(Verdict::Fail, what)
        })
    }
}

impl Ask for Resubscribes {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let mut behind = connections(look).skip(1);
        let last = behind.nth(self.connections.checked_sub(1)?)?;
        let since = look.since(last.upgraded()?);
        let (wanted, _) = match first(look) {
            Ok(first) => first,
            Err(finding) => return Some(finding),
        };
        let all = Self::missing(0, &streams(look, last), &wanted).is_none();
        (all || since > self.within_s || last.over().is_some()).then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        let (wanted, took) = match first(look) {
            Ok(first) => first,
            Err(finding) => return finding,
        };
        let needs_s = (TIME_TO_ASK * took).max(MIN_TIME_TO_ASK_S);
        let mut asked_on = 0;
        for (n, attempt) in connections(look).enumerate().skip(1) {
            let asked = streams(look, attempt);
            let ends = attempt.over().unwrap_or(look.now);
            let lived = attempt
                .upgraded()
                .map_or(0.0, |up| seconds(ends.0.saturating_sub(up.0)));
            match Self::missing(n + 1, &asked, &wanted) {
                // The client may have been about to ask.
                Some(_) if lived < needs_s => {}
                Some(finding) => return finding,
                None => asked_on += 1,
            }
        }
        if asked_on == 0 {
            let what = "no later connection lived long enough to ask again";
            return Finding::new(Verdict::NotApplicable, what);
        }
        let what = match wanted.len() {
            1 => "asked for its stream again".to_owned(),
            n => format!("asked for its {n} streams again"),
        };
        let what = match asked_on {
            1 => what,
            n => format!("{what}, on {n} connections"),
        };
        Finding::new(Verdict::Pass, what).figure("streams", wanted.len() as u64)
    }
}

/// Whether the client asks for each stream again, but no more often than the first time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscribesOnce {
    /// How long to watch the second connection, from its 101.
    for_s: f64,
}

impl Ask for SubscribesOnce {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let second = connections(look).nth(1)?;
        let since = look.since(second.upgraded()?);
        (since > self.for_s || second.over().is_some()).then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        let (wanted, _) = match first(look) {
            Ok(first) => first,
            Err(finding) => return finding,
        };
        let Some(second) = connections(look).nth(1) else {
            return Finding::new(Verdict::NotApplicable, "it did not come back");
        };
        let asked = streams(look, second);
        let more: Vec<&String> = asked
            .iter()
            .filter(|(name, times)| wanted.get(*name).is_some_and(|first| *times > first))
            .map(|(name, _)| name)
            .collect();
        if let Some(name) = more.first() {
            let (times, first) = (asked[*name], wanted[*name]);
            let what = format!(
                "asked {times} times where it had asked {first} times: {}",
                named(&more)
            );
            return Finding::new(Verdict::Fail, what).figure("times", times as u64);
        }
        if asked.is_empty() {
            return Finding::new(Verdict::NotApplicable, "it did not ask again");
        }
        Finding::new(
            Verdict::Pass,
            "asked as often as the first time, and no more",
        )
    }
}

/// Whether the client reacts when one of several streams is wrong; nothing requires it to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reacts {
    /// The moment from which the time counts.
    after: Reference,
    /// How long the client may take.
    pub(super) within_s: f64,
    /// How many streams the client must have asked for, for a reaction to be visible.
    streams: usize,
}

impl Reacts {
    /// Returns what the client did first from then on.
    fn did(look: &Look<'_>, from: Micros) -> Option<(Micros, &'static str)> {
        let attempts = look.facts.attempts().iter();
        let deeds = attempts.flat_map(|attempt| {
            let asked = attempt
                .subscribed
                .iter()
                .map(|(at, _)| (*at, "asked for it again"));
            let ended = attempt.left.map(|at| (at, "gave the connection up"));
            let came = (attempt.accepted, "came with another request");
            asked.chain(ended).chain([came])
        });
        deeds.filter(|(at, _)| *at > from).min()
    }
}

impl Ask for Reacts {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let from = self.after.find(look)?;
        let done = Self::did(look, from).is_some() || look.since(from) >= self.within_s;
        done.then(|| self.at_the_end(look))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        let wanted = match first(look) {
            Ok((wanted, _)) => wanted.len(),
            Err(finding) => return finding,
        };
        if wanted < self.streams {
            let what = format!(
                "asked for {wanted} of the {} streams that this takes",
                self.streams
            );
            return Finding::new(Verdict::NotApplicable, what);
        }
        let Some(from) = self.after.find(look) else {
            return Finding::new(Verdict::NotApplicable, self.after.missing());
        };
        if let Some((at, what)) = Self::did(look, from) {
            let took = seconds(at.0 - from.0);
            let what = format!("noticed: {what} after {took:.1} s");
            return Finding::new(Verdict::Info, what).figure("noticed_after_s", took);
        }
        let since = look.since(from);
        Finding::new(Verdict::Info, format!("not noticed in {since:.0} s"))
    }
}

#[cfg(test)]
mod tests {
    use wstape_mock_engine::{Entry, JournalKind, RequestHead};

    use super::*;
    use crate::facts::Facts;

    #[test]
    fn a_client_that_asked_for_nothing_known_is_told_its_path_without_the_query() {
        let mut facts = Facts::new("token".to_owned());
        let mut head = RequestHead::default();
        head.target = "/stream/0?listenKey=hunter2".to_owned();
        let kinds = [
            JournalKind::Accepted,
            JournalKind::Requested(Box::new(head)),
            JournalKind::Upgraded,
        ];
        for kind in kinds {
            facts.observe(&Entry::new(Micros::ZERO, Some(1), kind));
        }
        let look = Look {
            facts: &facts,
            alike: &crate::facts::Alike::default(),
            vitals: &[],
            strangers: &[],
            told_to_end: None,
            gone: None,
            left_behind: &[],
            now: Micros::ZERO,
            copies: 1,
        };
        let finding = first(&look).unwrap_err();
        assert_eq!(
            finding.what,
            "asked for no stream that the healthy tape knows, at /stream/0"
        );
    }
}
