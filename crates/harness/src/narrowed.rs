//! A subject that is judged by some of its rules, or by terms other than its own.

use std::fmt;
use std::sync::Arc;

use wstape_oracle::{Bounds, Fold, OwnRule, RuleSet, Settings};

use crate::subject::{Running, Stage, Subject, Terms, Time};

/// A subject that is judged only by those of its rules that a caller chose.
pub struct Narrowed {
    subject: Arc<dyn Subject>,
    rules: RuleSet,
    is_by_bounds: bool,
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
            is_by_bounds: false,
            is_measured: true,
        }
    }

    /// Has it judged by bounds, which are derived from its settings if it is otherwise judged by
    /// those: in real time its timers are the machine's.
    #[must_use]
    pub fn by_bounds(mut self) -> Self {
        self.is_by_bounds = true;
        self
    }

    /// Leaves its memory unbounded: when several are played at a time, memory can't be attributed.
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
        self.terms_of(&Settings::default())
    }

    fn terms_of(&self, settings: &Settings) -> Terms {
        match self.subject.terms_of(settings) {
            Terms::Settings if self.is_by_bounds => Terms::Bounds(Bounds::of(settings)),
            terms => terms,
        }
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
