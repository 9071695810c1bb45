//! A broken rule, and what it takes to see it again.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wstape_oracle::Violation;
use wstape_tape::Micros;

use crate::fault::Family;
use crate::origin::Origin;

/// A broken rule, with what it takes to see it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The case that broke it.
    pub case: Origin,
    /// What was expected and found in the shrunk case.
    pub violation: Violation,
    /// What the rule asks of this subscriber, in a sentence.
    #[serde(default)]
    pub asks: String,
    /// The trace around the violation, which is marked.
    #[serde(default)]
    pub excerpt: Vec<String>,
    /// The family of the first remaining fault; `None` if none remains.
    pub family: Option<Family>,
    /// Cases that broke the same rule, including this one.
    pub times: u64,
    /// Whether the case broke the rule again when replayed. One that didn't was not shrunk: the
    /// subscriber draws at random, or reads a clock of its own.
    #[serde(default = "is_repeated")]
    pub repeats: bool,
    /// How the case was shrunk; `None` if it was not.
    pub shrunk: Option<Smaller>,
    /// The files written, the tape first.
    pub files: Vec<String>,
    /// The command that shows it again.
    pub again: String,
}

/// The value for results written before this was recorded.
fn is_repeated() -> bool {
    true
}

/// How a case was shrunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smaller {
    /// Faults and calls before.
    pub from: usize,
    /// Faults and calls that remain.
    pub to: usize,
    /// Cases that were tried.
    pub tries: u64,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
    /// Whether nothing was left to try; otherwise time ran out.
    pub complete: bool,
}

impl fmt::Display for Smaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from, to, tries, ..
        } = self;
        let took = Duration::from_millis(self.took_ms).as_secs_f64();
        write!(
            f,
            "shrunk from {from} faults and calls to {to} in {took:.1} s, {tries} tries"
        )?;
        if !self.complete {
            write!(f, "; time ran out, a smaller one may exist")?;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { rule, what, .. } = &self.violation;
        write!(
            f,
            "{rule} ({}) broke, {}, at {} s",
            rule.title(),
            self.case,
            Micros(self.violation.at_us)
        )?;
        if let Some(dial) = self.violation.dial {
            write!(f, " on dial {dial}")?;
        }
        write!(f, ": {what}")
    }
}
