//! A subject that is judged by some of its rules.

use std::fmt;
use std::sync::Arc;

use wstape_oracle::{Fold, OwnRule, RuleSet, Settings};

use crate::subject::{Running, Stage, Subject, Terms, Time};

/// A subject that is judged by some of its rules only: what a caller chose of them.
pub struct Narrowed {
    subject: Arc<dyn Subject>,
    rules: RuleSet,
    is_measured: bool,
}

impl Narrowed {
    /// `subject`, judged by those of its rules that are in `rules`.
    #[must_use]
    pub fn new(subject: Arc<dyn Subject>, rules: &RuleSet) -> Self {
        let rules = subject.rules().and(rules);
        Self {
            subject,
            rules,
            is_measured: true,
        }
    }

    /// Leaves its memory unbounded: where several are played at a time, whose it is can't be told.
    #[must_use]
    pub fn unmeasured(mut self) -> Self {
        self.is_measured = false;
        self
    }
}

impl fmt::Debug for Narrowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Narrowed")
            .field("subject", &self.subject.name())
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl Subject for Narrowed {
    fn name(&self) -> String {
        self.subject.name()
    }

    fn describe(&self, settings: &Settings) -> String {
        self.subject.describe(settings)
    }

    fn time(&self) -> Time {
        self.subject.time()
    }

    fn terms(&self) -> Terms {
        self.subject.terms()
    }

    fn rules(&self) -> RuleSet {
        self.rules.clone()
    }

    fn own_rules(&self) -> Vec<Box<dyn OwnRule>> {
        let mut own = self.subject.own_rules();
        own.retain(|rule| self.rules.contains(wstape_oracle::Rule::Own(rule.name())));
        own
    }

    fn model(&self) -> Option<Fold> {
        self.subject.model()
    }

    fn crates(&self) -> Vec<String> {
        self.subject.crates()
    }

    fn memory(&self) -> Option<fn() -> usize> {
        self.subject.memory().filter(|_| self.is_measured)
    }

    fn start(&self, stage: Stage) -> Result<Running, String> {
        self.subject.start(stage)
    }
}
