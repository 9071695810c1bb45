//! The results of a run: what is shown, written and merged.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::MergeError;
use super::failure::Failure;
use crate::judged::Judged;
use crate::seeds::{Seeds, Shard};
use crate::tally::Tally;
use wstape_oracle::Rule;

/// Seeds within which every canary is found, if chaos works.
pub const CANARY_SEEDS: u64 = 64;

/// Version of the results' own format.
const RESULTS_VERSION: u64 = 1;

/// The results of a run, or of several merged runs. As JSON they are what `--result` writes and
/// `merge` reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    /// Version of this format.
    chaos: u64,
    /// Version of the program.
    pub version: String,
    /// The subscriber that was judged.
    pub subject: String,
    /// What was run: one part, or one for each merged run.
    pub parts: Vec<Part>,
    /// Shards missing from a merge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Part>,
    /// Which rules were judged, and which were left out and why.
    #[serde(default = "Judged::everything")]
    pub judged: Judged,
    /// The sum of all cases.
    pub tally: Tally,
    /// Each broken rule once: the first failure found.
    pub failures: Vec<Failure>,
    /// Wall time, in milliseconds; the longest of merged runs.
    pub elapsed_ms: u64,
    /// Whether the run was interrupted before its end.
    pub interrupted: bool,
    /// Cases in progress when the run ended, which are not judged: in real time each takes a minute
    /// or more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unjudged: u64,
    /// A mutant that the run's seeds should have found, but didn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_canary: Option<String>,
}

// Serde hands over a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's own signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Cases left in progress, in words.
pub(super) fn under_way(cases: u64) -> String {
    match cases {
        1 => "1 case was still running and is not judged".to_owned(),
        n => format!("{n} cases were still running and are not judged"),
    }
}

/// Part of what was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The seeds; `None` for a run of tapes alone.
    pub seeds: Option<Seeds>,
    /// Which shard of the seeds.
    pub shard: Shard,
}

/// A run's conclusion about the subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Every rule held, and everything enabled was seen.
    Held,
    /// A rule broke.
    Broken,
    /// No rule broke, but chaos itself is broken: it missed a mutant.
    Blind,
    /// No rule broke, but too little was seen to say that they hold.
    Inconclusive,
    /// No other rule broke, but a case did not give the same trace twice.
    NotDeterministic,
}

impl Results {
    /// Results of a run that has not begun: `part`, at `subject`, which is `judged` this way, by
    /// this version of the program.
    #[must_use]
    pub fn new(subject: impl Into<String>, judged: Judged, part: Part, tally: Tally) -> Self {
        Self {
            chaos: RESULTS_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            subject: subject.into(),
            parts: vec![part],
            missing: Vec::new(),
            judged,
            tally,
            failures: Vec::new(),
            elapsed_ms: 0,
            interrupted: false,
            unjudged: 0,
            missed_canary: None,
        }
    }

    /// Reads what [`to_json`](Self::to_json) wrote; errors call it `file`.
    ///
    /// # Errors
    /// [`MergeError::NotResults`].
    pub fn from_json(file: &str, text: &str) -> Result<Self, MergeError> {
        let not_results = |why: String| MergeError::NotResults {
            file: file.to_owned(),
            why,
        };
        let json: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| not_results(error.to_string()))?;
        match json.get("chaos").and_then(Value::as_u64) {
            Some(RESULTS_VERSION) => {}
            Some(other) => {
                return Err(not_results(format!(
                    "its format is version {other}, this program reads {RESULTS_VERSION}"
                )));
            }
            None => return Err(not_results("it has no number \"chaos\"".to_owned())),
        }
        serde_json::from_value(json.into()).map_err(|error| not_results(error.to_string()))
    }

    /// The results as JSON, for a machine and for `merge`.
    ///
    /// # Panics
    /// Never: results serialise into memory.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("results serialise into memory") + "\n"
    }

    /// Adds a failure. For each rule the failure with the fewest steps is kept.
    pub fn broke(&mut self, failure: Failure) {
        let same = |other: &&mut Failure| other.violation.rule == failure.violation.rule;
        let Some(known) = self.failures.iter_mut().find(same) else {
            self.failures.push(failure);
            return;
        };
        let times = known.times + failure.times;
        let steps = |failure: &Failure| failure.shrunk.map_or(usize::MAX, |shrunk| shrunk.to);
        if steps(&failure) < steps(known) {
            *known = failure;
        }
        known.times = times;
    }

    /// The run's conclusion about the subscriber.
    #[must_use]
    pub fn ending(&self) -> Ending {
        let broken = self.failures.iter().map(|failure| failure.violation.rule);
        let mut broken = broken.peekable();
        if broken.peek().is_some() {
            if broken.any(|rule| rule != Rule::R16) {
                Ending::Broken
            } else {
                Ending::NotDeterministic
            }
        } else if self.missed_canary.is_some() {
            Ending::Blind
        } else if self.doubts().is_empty() {
            Ending::Held
        } else {
            Ending::Inconclusive
        }
    }

    /// Why a run in which no rule broke still doesn't show that the rules hold, in words; empty if
    /// it does.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts: Vec<String> = self.blindness().into_iter().collect();
        if self.interrupted {
            doubts.push("the run was interrupted".to_owned());
        }
        let missing = self.missing.iter();
        doubts.extend(missing.map(|part| format!("the results of {part} are missing")));
        if self.tally.cases == 0 {
            doubts.push(match self.unjudged {
                0 => "no case was run".to_owned(),
                n => format!("no case finished; {}", under_way(n)),
            });
        } else {
            let unseen = self.tally.unseen();
            doubts.extend(unseen.iter().map(|what| format!("never seen: {what}")));
        }
        doubts
    }

    /// What is wrong with chaos itself, in a sentence; `None` if nothing is.
    #[must_use]
    pub fn blindness(&self) -> Option<String> {
        let canary = self.missed_canary.as_ref()?;
        Some(format!(
            "chaos is broken: it did not find {canary}, a mutant that {CANARY_SEEDS} seeds are \
             sure to show; rules that hold in this run may not hold"
        ))
    }

    /// Wall time.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms)
    }

    /// What was run, in words.
    #[must_use]
    pub fn parts_text(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(Part::to_string).collect();
        parts.join(", ")
    }
}

impl Part {
    /// The sort key of a part.
    pub(super) fn place(&self) -> (bool, String, u64) {
        let seeds = self.seeds.map(|seeds| seeds.to_string());
        (
            seeds.is_some(),
            seeds.unwrap_or_default(),
            self.shard.index(),
        )
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seeds {
            None => write!(f, "tapes"),
            Some(seeds) if self.shard == Shard::WHOLE => write!(f, "seeds {seeds}"),
            Some(seeds) => write!(f, "shard {} of seeds {seeds}", self.shard),
        }
    }
}
