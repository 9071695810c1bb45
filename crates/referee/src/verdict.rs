//! The verdict on a client in a case.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a case says of a client, from the mildest to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It could not be asked; the finding says why.
    #[serde(rename = "n/a")]
    NotApplicable,
    /// A figure, and no judgement.
    Info,
    /// As it should be.
    Pass,
    /// Allowed, but those who run many of them will regret it.
    Warn,
    /// A MUST is broken: a storm, blindness, silence, a leak.
    Fail,
}

impl Verdict {
    /// All verdicts, from the mildest to the worst.
    pub const ALL: [Self; 5] = [
        Self::NotApplicable,
        Self::Info,
        Self::Pass,
        Self::Warn,
        Self::Fail,
    ];

    /// The word that reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "n/a",
            Self::Info => "info",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One thing that was found: the answer to one question of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// How it is judged.
    pub verdict: Verdict,
    /// What was seen, in a sentence.
    pub what: String,
    /// What was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
}

impl Finding {
    /// A finding without figures.
    pub fn new(verdict: Verdict, what: impl Into<String>) -> Self {
        Self {
            verdict,
            what: what.into(),
            figures: Vec::new(),
        }
    }

    /// Returns the finding with one more figure.
    #[must_use]
    pub fn figure(mut self, name: &str, value: impl Into<Amount>) -> Self {
        self.figures.push(Figure {
            name: name.to_owned(),
            value: value.into(),
        });
        self
    }
}

/// One measured figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Figure {
    /// What was measured, with its unit: `gaps_s`, `memory_mib`.
    pub name: String,
    /// How much it was.
    pub value: Amount,
}

/// How much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Amount {
    /// How many.
    Count(u64),
    /// A measure.
    Measure(f64),
    /// Several, in their order.
    Series(Vec<f64>),
}

impl From<u64> for Amount {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Amount {
    fn from(measure: f64) -> Self {
        Self::Measure(measure)
    }
}

impl From<Vec<f64>> for Amount {
    fn from(series: Vec<f64>) -> Self {
        Self::Series(series)
    }
}

/// The most items of a series that a line shows.
const MAX_SHOWN: usize = 12;

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Measure(measure) => write!(f, "{measure:.3}"),
            Self::Series(series) => {
                for (i, measure) in series.iter().take(MAX_SHOWN).enumerate() {
                    write!(f, "{}{measure:.3}", if i == 0 { "" } else { ", " })?;
                }
                match series.len().checked_sub(MAX_SHOWN) {
                    None | Some(0) => Ok(()),
                    Some(more) => write!(f, " and {more} more"),
                }
            }
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.value)
    }
}
