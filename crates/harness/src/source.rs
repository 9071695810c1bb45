//! Where a tape of a scenario comes from.

use std::path::PathBuf;
use std::sync::Arc;

use wstape_mock_engine::Layer;
use wstape_tape::{Header, Step, Tape, TapeError, TapeReader};

/// Where a tape of a scenario comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Streamed from a file, anew for each run.
    File(PathBuf),
    /// A tape in memory.
    Tape(Arc<Tape>),
    /// A field overlay that does not exist.
    Unknown(TapeError),
}

impl Source {
    pub(crate) fn header(&self) -> Result<Header, TapeError> {
        match self {
            Self::File(path) => Ok(TapeReader::open(path)?.header().clone()),
            Self::Tape(tape) => Ok(tape.header.clone()),
            Self::Unknown(error) => Err(error.clone()),
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Unknown(error) => error.file().to_owned(),
            Self::Tape(_) => "a tape in memory".to_owned(),
        }
    }

    /// Passes all steps, in order, to `look`.
    pub(crate) fn each_step(&self, mut look: impl FnMut(&Step)) -> Result<(), TapeError> {
        match self {
            Self::Unknown(error) => return Err(error.clone()),
            Self::Tape(tape) => tape.steps.iter().for_each(look),
            Self::File(path) => {
                for step in TapeReader::open(path)? {
                    look(&step?);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn layer(&self) -> Result<Layer, TapeError> {
        match self {
            Self::File(path) => Layer::from_path(path),
            Self::Tape(tape) => Ok(Layer::from(Tape::clone(tape))),
            Self::Unknown(error) => Err(error.clone()),
        }
    }
}
