//! Which rules are judged: `--rules`, `--without`, `--explain`.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use wstape_chaos::{Judged, offers};
use wstape_harness::{Narrowed, Offers, Subject};
use wstape_oracle::{Rule, RuleSet};

use crate::cmd::bounded::bounded;
use crate::cmd::say::say;

/// How long checking what a subject offers may take.
const MAX_LOOK: Duration = Duration::from_secs(10);

/// The word for all rules.
const ALL: &str = "all";

#[derive(Debug, Default, Args)]
pub(super) struct Choice {
    /// Judge only these rules, such as R1,R5-R7, or a rule of the subject's own by its name.
    #[arg(long, value_name = "RULES", conflicts_with = "mutants")]
    rules: Option<String>,

    /// Judge all rules but these.
    #[arg(long, value_name = "RULES", conflicts_with = "mutants")]
    without: Option<String>,

    /// Explain what these rules ask, why, and whether they are judged here; play nothing. Default:
    /// all rules.
    #[arg(long, value_name = "RULES", num_args = 0..=1, default_missing_value = ALL, exclusive = true)]
    pub(super) explain: Option<String>,
}

/// The subject's own rules.
fn own(subject: &dyn Subject) -> Vec<Rule> {
    let own = subject.own_rules();
    own.iter().map(|rule| Rule::Own(rule.name())).collect()
}

fn parse(text: &str, subject: &dyn Subject) -> Result<RuleSet, String> {
    RuleSet::parse(text, &own(subject))
        .map_err(|error| format!("{error}; --explain describes each"))
}

impl Choice {
    /// Returns the subject as it is judged with these options, `jobs` cases at once and maybe in
    /// real time, and which rules that leaves out.
    ///
    /// # Errors
    /// A name that no rule has; a selection without rules.
    pub(super) fn of(
        &self,
        subject: &Arc<dyn Subject>,
        jobs: NonZeroUsize,
        is_real: bool,
    ) -> Result<(Arc<dyn Subject>, Judged), String> {
        let mut chosen = match &self.rules {
            Some(rules) => parse(rules, &**subject)?,
            None => subject.rules(),
        };
        if let Some(without) = &self.without {
            chosen = chosen.without(&parse(without, &**subject)?);
        }
        let judged_as =
            |subject: &Arc<dyn Subject>| Judged::of(&**subject, &offered(subject), &chosen);
        let (subject, judged) = if is_real {
            let bounded = Narrowed::new(Arc::clone(subject), &chosen).by_bounds();
            let bounded: Arc<dyn Subject> = Arc::new(bounded);
            let judged = judged_as(&bounded).in_real_time();
            (bounded, judged)
        } else {
            (Arc::clone(subject), judged_as(subject))
        };
        if judged.rules.is_empty() {
            return Err(format!("no rules left to judge:\n{}", judged.text()));
        }
        let rules = judged.rules.iter().copied().collect();
        let mut narrowed = Narrowed::new(subject, &rules);
        if jobs.get() > 1 {
            narrowed = narrowed.unmeasured();
        }
        Ok((Arc::new(narrowed), judged))
    }
}

/// Returns what the subject shows the judge; nothing if it does not start, which the run reports.
fn offered(subject: &Arc<dyn Subject>) -> Offers {
    let subject = Arc::clone(subject);
    bounded(MAX_LOOK, move || offers(&*subject).unwrap_or_default()).unwrap_or_default()
}

/// Explains what rules ask, why, and whether they are judged for this subject.
pub(super) fn explain(rules: &str, subject: &Arc<dyn Subject>) -> Result<(), String> {
    let asked = match rules {
        ALL => RuleSet::all(&own(&**subject)),
        rules => parse(rules, &**subject)?,
    };
    let judged = Judged::of(&**subject, &offered(subject), &subject.rules());
    for (n, rule) in asked.iter().enumerate() {
        let gap = if n == 0 { "" } else { "\n" };
        say(&format!("{gap}{}", explained(rule, &judged)))?;
    }
    Ok(())
}

/// What a rule asks, in lines.
fn explained(rule: Rule, judged: &Judged) -> String {
    let here = match judged.why_not(rule) {
        None => "judged".to_owned(),
        Some(why) => format!("left out: {why}"),
    };
    let Some(meaning) = rule.meaning() else {
        return format!("{rule}: {}\n  here        {here}\n", rule.title());
    };
    format!(
        "{rule}: {}\n  asks        {}\n  because     {}\n  of anyone   {}\n  look at     {}\n  here        {here}\n",
        rule.title(),
        meaning.asks,
        meaning.because,
        meaning.of_anyone,
        meaning.look_at
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wstape_harness::{Settings, Terms};
    use wstape_oracle::Bounds;

    use super::*;
    use crate::subject::OurSubscriber;

    fn chosen(is_real: bool) -> (Arc<dyn Subject>, Judged) {
        let ours: Arc<dyn Subject> = Arc::new(OurSubscriber);
        let choice = Choice::default();
        choice.of(&ours, NonZeroUsize::MIN, is_real).unwrap()
    }

    #[test]
    fn in_real_time_no_subscriber_is_held_to_its_settings_to_the_microsecond() {
        let (subject, judged) = chosen(false);
        assert_eq!(subject.terms(), Terms::Settings);
        assert!(judged.contains(Rule::R8));
        let (subject, judged) = chosen(true);
        let Terms::Bounds(bounds) = subject.terms() else {
            panic!("{:?}", subject.terms());
        };
        assert!(bounds.backoff.is_some() && bounds.max_silence.is_some());
        // A case may have its own settings.
        let slow = Settings {
            initial_backoff: Duration::from_secs(2),
            ..Settings::default()
        };
        assert_eq!(subject.terms_of(&slow), Terms::Bounds(Bounds::of(&slow)));
        assert!(judged.contains(Rule::R3) && judged.contains(Rule::R6));
        assert!(!judged.contains(Rule::R8), "{}", judged.text());
    }
}
