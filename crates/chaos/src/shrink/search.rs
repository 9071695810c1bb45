//! The search: the best case so far, and the test for the next.

use crate::case::Case;

/// The most cases tried in one shrink, however much time there is.
pub(super) const MAX_TRIES: u64 = 100_000;

/// The best case so far, and two questions to ask: does this case still break the rule, and is
/// there time for another?
pub(super) struct Search<'a> {
    best: Case,
    breaks: &'a mut dyn FnMut(&Case) -> bool,
    has_time: &'a mut dyn FnMut() -> bool,
    tries: u64,
    improvements: u64,
    over: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        best: Case,
        breaks: &'a mut dyn FnMut(&Case) -> bool,
        has_time: &'a mut dyn FnMut() -> bool,
    ) -> Self {
        Self {
            best,
            breaks,
            has_time,
            tries: 0,
            improvements: 0,
            over: false,
        }
    }

    /// The simplest case so far that breaks the rule.
    pub(super) fn best(&self) -> &Case {
        &self.best
    }

    pub(super) fn into_best(self) -> Case {
        self.best
    }

    /// Whether time or tries ran out: nothing more is accepted.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn tries(&self) -> u64 {
        self.tries
    }

    /// How often the best case was replaced.
    pub(super) fn improvements(&self) -> u64 {
        self.improvements
    }

    /// Tries a simpler case, which becomes the best one if it still breaks the rule.
    pub(super) fn offer(&mut self, case: Case) -> bool {
        if self.over || case == self.best {
            return false;
        }
        if self.tries == MAX_TRIES || !(self.has_time)() {
            self.over = true;
            return false;
        }
        self.tries += 1;
        let breaks = (self.breaks)(&case);
        if breaks {
            self.best = case;
            self.improvements += 1;
        }
        breaks
    }
}
