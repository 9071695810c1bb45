//! The rules, and what a violation is.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wstape_tape::Micros;

use super::own_name::OwnName;

/// A rule, by its id. Serialises as the id (`"R1"`); a subject's own rule as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// At most one connection at a time; nothing of an old one changes state once a new one
    /// exists.
    R1,
    /// Each end but shutdown's leads to exactly one reconnect.
    R2,
    /// Without jitter, each gap is exactly what SPEC's rules 1, 3 and 6 give; with full jitter it
    /// is within [r, r + cap], where r is what `Retry-After` asked for, or 0.
    R3,
    /// The backoff counter resets exactly when SPEC's rule 2 says.
    R4,
    /// `shutdown` at any moment ends within its bound and leaves nothing.
    R5,
    /// A silent peer is declared lost within the bound and never earlier; Pings go out when they
    /// should.
    R6,
    /// Every Ping is answered with its payload or a later Ping's, and a Close with a Close.
    R7,
    /// What a receiver heard is what the link delivered, except for what it was told it missed.
    R8,
    /// The mirror equals the model's fold, at every step.
    R9,
    /// The record of the connection agrees with what happened, at every step.
    R10,
    /// Once faults stop, the subscriber is connected and equal to the model within a bound.
    R11,
    /// Every undecodable message is counted, no more, no fewer.
    R12,
    /// Memory stays under a bound; no panic; no task leaked.
    R13,
    /// No secret in any log line, and the token goes to no other host.
    R14,
    /// A crowd that was dropped together with full jitter comes back spread out.
    R15,
    /// The same case gives the same trace.
    R16,
    /// A subject's own rule.
    Own(OwnName),
}

impl Rule {
    /// The built-in rules.
    pub const ALL: [Self; 16] = [
        Self::R1,
        Self::R2,
        Self::R3,
        Self::R4,
        Self::R5,
        Self::R6,
        Self::R7,
        Self::R8,
        Self::R9,
        Self::R10,
        Self::R11,
        Self::R12,
        Self::R13,
        Self::R14,
        Self::R15,
        Self::R16,
    ];

    /// Its position in [`ALL`](Self::ALL); `None` for a subject's own rule.
    #[must_use]
    pub fn index(self) -> Option<usize> {
        let place = match self {
            Self::R1 => 0,
            Self::R2 => 1,
            Self::R3 => 2,
            Self::R4 => 3,
            Self::R5 => 4,
            Self::R6 => 5,
            Self::R7 => 6,
            Self::R8 => 7,
            Self::R9 => 8,
            Self::R10 => 9,
            Self::R11 => 10,
            Self::R12 => 11,
            Self::R13 => 12,
            Self::R14 => 13,
            Self::R15 => 14,
            Self::R16 => 15,
            Self::Own(_) => return None,
        };
        Some(place)
    }

    /// What it demands, in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::R1 => "one connection at a time",
            Self::R2 => "one reconnect for each end",
            Self::R3 => "each gap as the backoff gives it",
            Self::R4 => "the counter resets at the first frame",
            Self::R5 => "shutdown ends in time and leaves nothing",
            Self::R6 => "a silent peer is lost on time, not earlier",
            Self::R7 => "Pings and Closes are answered",
            Self::R8 => "receivers hear what was delivered",
            Self::R9 => "the mirror equals the model",
            Self::R10 => "the connection's record is true",
            Self::R11 => "recovery once faults stop",
            Self::R12 => "undecodable messages are counted",
            Self::R13 => "bounded memory, no panic, no leak",
            Self::R14 => "no secret in any log",
            Self::R15 => "a crowd comes back spread out",
            Self::R16 => "the same case, the same trace",
            Self::Own(name) => name.asks(),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(name) => f.write_str(name.as_str()),
            rule => fmt::Debug::fmt(rule, f),
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        match id.parse() {
            Ok(rule) => Ok(rule),
            // Whoever reads a violation of a subject's rule need not have that rule.
            Err(_) => OwnName::read(&id)
                .map(Self::Own)
                .map_err(serde::de::Error::custom),
        }
    }
}

/// A violation: which rule, where and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// When, in microseconds of the world's time.
    pub at_us: u64,
    /// On which dial, from 1, if on one.
    pub dial: Option<u64>,
    /// What was expected and what was found.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.rule, Micros(self.at_us))?;
        if let Some(dial) = self.dial {
            write!(f, " on dial {dial}")?;
        }
        write!(f, ": {}", self.what)
    }
}
