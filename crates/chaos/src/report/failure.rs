//! A rule that broke, and what it takes to see that again.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wstape_oracle::Violation;
use wstape_tape::Micros;

use crate::fault::Family;
use crate::origin::Origin;

/// A rule that did not hold, with what it takes to see that again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The case that broke it.
    pub case: Origin,
    /// What was expected and found in the case that is left of it.
    pub violation: Violation,
    /// What the rule asks of this subscriber, in a sentence.
    #[serde(default)]
    pub asks: String,
    /// The trace around the moment at which it broke, which is marked.
    #[serde(default)]
    pub excerpt: Vec<String>,
    /// The family of the first fault that is left; `None` where none is.
    pub family: Option<Family>,
    /// Cases that broke the same rule, this one included.
    pub times: u64,
    /// Whether the case broke the rule again when it was played again. One that did not was not
    /// made smaller: the subscriber draws by chance, or reads a clock of its own.
    #[serde(default = "is_repeated")]
    pub repeats: bool,
    /// How the case was made smaller; `None` where it was not.
    pub shrunk: Option<Smaller>,
    /// The files written: the tape first.
    pub files: Vec<String>,
    /// The command that shows it again.
    pub again: String,
}

/// What is said of results that were written before it was asked.
fn is_repeated() -> bool {
    true
}

/// How a case was made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smaller {
    /// Faults and calls before.
    pub from: usize,
    /// Faults and calls that are left.
    pub to: usize,
    /// Cases that were tried.
    pub tries: u64,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
    /// Whether nothing was left to try; else time ran out.
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
