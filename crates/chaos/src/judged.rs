//! Which rules a run judges, and which it leaves out and why, for every report.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use wstape_harness::{Offer, Offers, Subject, Terms};
use wstape_oracle::{Rule, RuleSet};

use crate::generate::NEVER_OVER_RECORDINGS;

/// Which rules a run judges, and which it leaves out and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The rules that are judged, in the order of their ids.
    pub rules: Vec<Rule>,
    /// The rules that are not judged.
    pub left_out: Vec<LeftOut>,
    /// The judged rules that no drawn case can exercise, because none has what they need. Written
    /// cases may exercise them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_exercised: Vec<Rule>,
    /// Whether cases are played in real time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_real: bool,
}

/// A rule that is not judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The rule.
    pub rule: Rule,
    /// Why, in a few words.
    pub why: String,
}

/// Why a rule that the caller did not ask for is left out.
const BY_CALLER: &str = "left out on the command line";
/// Why a rule is left out by the subject's choice.
const BY_SUBJECT: &str = "the subject leaves it out";
/// Why a rule is left out in real time.
const BY_REAL_TIME: &str = "in real time no two runs are alike, and no crowd is drawn";
/// Rules that can only be judged in virtual time.
const VIRTUAL_ALONE: [Rule; 2] = [Rule::R15, Rule::R16];
/// Why no case over recordings exercises a rule.
const NEVER_DRAWN: &str = "no case over a recording has one";
/// Width of a line of the list, in columns.
const LINE: usize = 100;

impl Judged {
    /// All built-in rules, none left out.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            rules: Rule::ALL.into(),
            left_out: Vec::new(),
            not_exercised: Vec::new(),
            is_real: false,
        }
    }

    /// What is judged for `subject`, which offers `offers`, if the caller asks for `chosen`.
    #[must_use]
    pub fn of(subject: &dyn Subject, offers: &Offers, chosen: &RuleSet) -> Self {
        let (terms, own) = (subject.terms(), subject.rules());
        let has_model = subject.model().is_some();
        let brought = subject.own_rules();
        let brought = brought.iter().map(|rule| Rule::Own(rule.name()));
        let mut judged = Self::default();
        for rule in Rule::ALL.into_iter().chain(brought) {
            let why = if !own.contains(rule) {
                Some(BY_SUBJECT)
            } else if !chosen.contains(rule) {
                Some(BY_CALLER)
            } else {
                missing(rule, &terms, offers, has_model)
            };
            match why {
                None => judged.rules.push(rule),
                Some(why) => judged.left_out.push(LeftOut {
                    rule,
                    why: why.to_owned(),
                }),
            }
        }
        judged
    }

    /// Returns the same for a run in real time: leaves out the rules that can only be judged in
    /// virtual time.
    #[must_use]
    pub fn in_real_time(mut self) -> Self {
        let (unjudged, rules): (Vec<_>, Vec<_>) = std::mem::take(&mut self.rules)
            .into_iter()
            .partition(|rule| VIRTUAL_ALONE.contains(rule));
        self.rules = rules;
        self.left_out
            .extend(unjudged.into_iter().map(|rule| LeftOut {
                rule,
                why: BY_REAL_TIME.to_owned(),
            }));
        self.left_out.sort_by_key(|left_out| left_out.rule);
        self.is_real = true;
        self
    }

    /// Returns the same for a run whose cases are all drawn over recordings: the rules that need
    /// what such cases never have are not exercised.
    #[must_use]
    pub fn over_recordings(mut self) -> Self {
        let never = |rule: &Rule| {
            let need = rule.needs();
            need.is_some_and(|need| NEVER_OVER_RECORDINGS.contains(&need))
        };
        self.not_exercised = self.rules.iter().copied().filter(never).collect();
        self
    }

    /// The judged rules that a drawn case can exercise.
    pub fn exercised(&self) -> impl Iterator<Item = Rule> {
        let rules = self.rules.iter().copied();
        rules.filter(|rule| !self.not_exercised.contains(rule))
    }

    /// Why no drawn case can exercise the rule; `None` if one can.
    #[must_use]
    pub fn why_not_exercised(&self, rule: Rule) -> Option<String> {
        let need = rule
            .needs()
            .filter(|_| self.not_exercised.contains(&rule))?;
        Some(format!("it needs {}, and {NEVER_DRAWN}", need.name()))
    }

    /// Whether the rule is judged.
    #[must_use]
    pub fn contains(&self, rule: Rule) -> bool {
        self.rules.contains(&rule)
    }

    /// Why the rule is not judged; `None` if it is.
    #[must_use]
    pub fn why_not(&self, rule: Rule) -> Option<&str> {
        let mut left_out = self.left_out.iter();
        let found = left_out.find(|left_out| left_out.rule == rule)?;
        Some(&found.why)
    }

    /// The judged rules on one line, then a line for each reason to leave others out, and one for
    /// those that no drawn case can exercise.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = wrapped("judged: ", &self.rules);
        let mut reasons: Vec<(&str, Vec<Rule>)> = Vec::new();
        for LeftOut { rule, why } in &self.left_out {
            match reasons.iter_mut().find(|(known, _)| known == why) {
                Some((_, rules)) => rules.push(*rule),
                None => reasons.push((why, vec![*rule])),
            }
        }
        for (why, rules) in reasons {
            let rules = rules.iter().copied().collect::<RuleSet>();
            // Writing into a string does not fail.
            let _ = writeln!(text, "left out: {rules}: {why}");
        }
        if !self.not_exercised.is_empty() {
            let needs = self.not_exercised.iter().filter_map(|rule| {
                let need = rule.needs()?;
                Some(format!("{rule} (needs {})", need.name()))
            });
            let needs: Vec<String> = needs.collect();
            let _ = writeln!(text, "not exercised: {}: {NEVER_DRAWN}", needs.join(", "));
        }
        text
    }
}

/// A word followed by rules, in lines that fit a terminal.
fn wrapped(word: &str, rules: &[Rule]) -> String {
    let mut text = word.to_owned();
    let mut column = text.len();
    for (n, rule) in rules.iter().enumerate() {
        let rule = rule.to_string();
        if n > 0 {
            text.push(',');
            if column + rule.len() + 2 > LINE {
                text.push_str("\n ");
                column = 1;
            }
            text.push(' ');
        }
        text.push_str(&rule);
        column += rule.len() + 2;
    }
    text.push('\n');
    text
}

/// What the rule needs but the subject does not offer or declare.
fn missing(rule: Rule, terms: &Terms, offers: &Offers, has_model: bool) -> Option<&'static str> {
    let needs_model = match terms {
        Terms::Settings => false,
        Terms::Bounds(bounds) => {
            if let Err(why) = bounds.asks(rule) {
                return Some(why);
            }
            true
        }
    };
    match rule {
        Rule::R5 if !offers.contains(&Offer::Handle) => Some("it has no handle to shut it down"),
        Rule::R8 if !offers.contains(&Offer::Receiver) => {
            Some("it offers no receiver of its events")
        }
        Rule::R9 if !offers.contains(&Offer::Mirror) => Some("it shows no mirror"),
        Rule::R10 | Rule::R12 if !offers.contains(&Offer::Record) => {
            Some("it shows no record of its connection")
        }
        Rule::R9 | Rule::R12 if needs_model && !has_model => {
            Some("it brings no model of what its mirror must show")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wstape_harness::subject;
    use wstape_oracle::Backoff;

    use super::*;

    #[test]
    fn what_is_left_out_is_named_with_why_and_all_the_rest_is_judged() {
        let handle = Offers::from([Offer::Handle]);
        let all = RuleSet::all(&[]);
        let bare = subject(|_| std::future::pending()).without([Rule::R7]);
        let judged = Judged::of(
            &bare,
            &handle,
            &all.without(&RuleSet::from_iter([Rule::R1])),
        );
        assert_eq!(
            judged.text(),
            "\
judged: R2, R3, R5, R11, R13, R14, R16
left out: R1: left out on the command line
left out: R4: no backoff is declared that grows and resets
left out: R6: no liveness bound is declared
left out: R7: the subject leaves it out
left out: R8: what it tells its receivers is up to it
left out: R9: it shows no mirror
left out: R10, R12: it shows no record of its connection
left out: R15: no backoff with jitter is declared
"
        );
        let real = Judged::of(&bare, &handle, &all).in_real_time().text();
        let why = "\nleft out: R16: in real time no two runs are alike, and no crowd is drawn\n";
        assert!(real.contains(why), "{real}");
        assert!(
            real.starts_with("judged: R1, R2, R3, R5, R11, R13, R14\n"),
            "{real}"
        );
        let second = Duration::from_secs(1);
        let declaring = bare
            .backoff(Backoff::new(second, second * 9).jitter(0.5, 1.0))
            .lost_within(second)
            .model(serde_json::json!({}), |_, _| true);
        let offers = Offers::from([Offer::Mirror, Offer::Record, Offer::Handle]);
        let judged = Judged::of(&declaring, &offers, &all);
        assert_eq!(judged.left_out.len(), 2, "{}", judged.text());
        assert!(judged.contains(Rule::R15) && judged.why_not(Rule::R8).is_some());
    }
}
