//! What a report draws of a run.

use serde::{Deserialize, Serialize};
use wstape_tape::Micros;

use crate::facts::{Attempt, Facts, seconds};

/// What a report draws of a run: a lane for each attempt, on one scale of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Lanes {
    /// Seconds from the first accept to the run's end.
    pub length_s: f64,
    /// The attempts, as far as they are drawn.
    pub lanes: Vec<Lane>,
    /// Attempts that are not drawn.
    pub more: u64,
}

/// One attempt, in seconds from the first accept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Lane {
    /// Its accept.
    pub from_s: f64,
    /// Its 101.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgraded_s: Option<f64>,
    /// Its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_s: Option<f64>,
    /// How it ended, or was answered.
    pub how: String,
}

/// The most attempts that are drawn.
const MAX_LANES: usize = 48;

impl Lanes {
    pub(crate) fn of(facts: &Facts, until: Micros) -> Self {
        let attempts = facts.attempts();
        let Some(first) = attempts.first() else {
            return Self::default();
        };
        let since = |at: Micros| seconds(at.0.saturating_sub(first.accepted.0));
        let lane = |attempt: &Attempt| Lane {
            from_s: since(attempt.accepted),
            upgraded_s: attempt.upgraded().map(since),
            to_s: attempt.over().map(since),
            how: attempt.how(),
        };
        let drawn = attempts.len().min(MAX_LANES);
        Self {
            length_s: since(until),
            lanes: attempts[..drawn].iter().map(lane).collect(),
            more: (attempts.len() - drawn) as u64 + facts.more_attempts,
        }
    }
}
