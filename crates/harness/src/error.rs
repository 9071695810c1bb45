//! Why a scenario can't be run.

use std::io;
use std::time::Duration;

use wstape_mock_engine::EngineError;
use wstape_tape::{Micros, TapeError};

use crate::dialer::MAX_DIALS_AT_ONCE;
use crate::shutdown::MAX_SHUTDOWN;

/// Why a scenario can't be run. A subscriber's mistakes are not such errors: they show in the
/// outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// A tape that can't be read or played.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// Invalid settings in a header.
    #[error("{path}:1: {why}")]
    Settings {
        /// The path of the tape.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A run that would last longer than allowed.
    #[error(
        "{path}:{line}: the run would last {}, but the limit is {}; trim the tape, or allow more",
        days(*lasts), days(*may)
    )]
    TooLong {
        /// The tape that makes it this long.
        path: String,
        /// The line of its last step.
        line: u64,
        /// How long the run would last.
        lasts: Duration,
        /// How long it may last.
        may: Duration,
    },
    /// The engine could not start or play.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The subscriber could not start.
    #[error("the subscriber does not start: {0}")]
    Subject(String),
    /// The subscriber redials without any time passing: it would go on for ever.
    #[error(
        "the subscriber spins: more than {MAX_DIALS_AT_ONCE} dials at {at} s of virtual time; it \
         must wait before it dials again"
    )]
    Spins {
        /// When, in the scenario's time.
        at: Micros,
    },
    /// The subscriber never dialled.
    #[error(
        "the subscriber never dialled through the dialer it was given: use wstape_dial or the \
         stage's dialer, or play it over TCP with --real"
    )]
    NeverDialled,
    /// The subscriber was told to shut down but went on.
    #[error("the subscriber does not stop: its shutdown took longer than {} s", MAX_SHUTDOWN.as_secs())]
    NeverStops,
    /// The runtime could not start.
    #[error("no runtime: {0}")]
    Runtime(#[from] io::Error),
}

/// Writes a duration as a person would.
fn days(time: Duration) -> String {
    let hours = time.as_secs() / 3_600;
    match hours {
        0..48 => format!("{} s", time.as_secs_f64()),
        _ => format!("{} days", hours / 24),
    }
}
