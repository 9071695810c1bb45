//! Cases that once broke a rule, judged again.

use std::path::Path;

use wstape_tape::{Tape, TapeError, TapeReader};

use crate::case::{Case, CaseError, about};
use crate::world::play;
use wstape_harness::Subject;
use wstape_oracle::Violation;

/// Why a tape can't be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegressionError {
    /// It is not a tape.
    #[error("{}", .0.report())]
    Tape(#[from] TapeError),
    /// It is not a case.
    #[error("{path}: {error}")]
    Case {
        /// The tape's path.
        path: String,
        /// What is wrong.
        error: CaseError,
    },
}

/// Whether the tape at `path` describes its case, as chaos writes it (`x-chaos`).
///
/// # Errors
/// If the tape can't be read, or its header makes no sense.
pub fn is_case(path: &Path) -> Result<bool, RegressionError> {
    let about = about(TapeReader::open(path)?.header()).map_err(in_tape(path))?;
    Ok(about.is_some())
}

/// Returns the rules that a subscriber breaks in the case on the tape at `path`. Any tape is a
/// case: if chaos did not write it, everything but calls is the engine's doing.
///
/// # Errors
/// If the tape can't be read, or makes no sense as a case.
///
/// # Panics
/// Inside a tokio runtime.
pub fn broken_rules(path: &Path, subject: &dyn Subject) -> Result<Vec<Violation>, RegressionError> {
    let case = Case::from_tape(Tape::load(path)?).map_err(in_tape(path))?;
    Ok(play(&case, subject).verdict.violations)
}

fn in_tape(path: &Path) -> impl Fn(CaseError) -> RegressionError {
    let path = path.display().to_string();
    move |error| RegressionError::Case {
        path: path.clone(),
        error,
    }
}
