//! What a question looks at, and the interface of every question.

use wstape_tape::Micros;

use super::chance::Sample;
use crate::facts::{Alike, Facts, seconds};
use crate::process::{Process, Vitals};
use crate::verdict::Finding;

/// What a question looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) facts: &'a Facts,
    /// Tells when two subscriptions are the same.
    pub(crate) alike: &'a Alike,
    /// The measurements so far, each with its time.
    pub(crate) vitals: &'a [(Micros, Vitals)],
    /// Requests to the other port, each with whether it contained the token.
    pub(crate) strangers: &'a [(Micros, bool)],
    /// When the client was told to end.
    pub(crate) told_to_end: Option<Micros>,
    /// When its process ended.
    pub(crate) gone: Option<Micros>,
    /// What it left behind when it ended, if that is still there.
    pub(crate) left_behind: &'a [Process],
    /// The engine's clock.
    pub(crate) now: Micros,
    /// How many clients there are.
    pub(crate) copies: usize,
}

impl Look<'_> {
    /// Returns the seconds since this moment.
    pub(crate) fn since(&self, then: Micros) -> f64 {
        seconds(self.now.0.saturating_sub(then.0))
    }
}

/// The interface of every question.
pub(super) trait Ask {
    /// Returns the answer, once it is certain.
    fn look(&self, look: &Look<'_>) -> Option<Finding>;
    /// Returns the answer if time ran out before it was certain.
    fn at_the_end(&self, look: &Look<'_>) -> Finding;

    /// Returns one process's part of a question that several answer together.
    fn sample(&self, look: &Look<'_>) -> Option<Sample> {
        let _ = look;
        None
    }

    /// Returns the joint answer of several processes; `None` if each answers for itself.
    fn pooled(&self, samples: &[Sample]) -> Option<Finding> {
        let _ = samples;
        None
    }
}
