//! Where a case came from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a case came from; tapes before seeds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// An existing tape.
    Tape(String),
    /// Drawn from a seed.
    Seed(u64),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed(seed) => write!(f, "seed {seed}"),
            Self::Tape(tape) => write!(f, "tape {tape}"),
        }
    }
}
