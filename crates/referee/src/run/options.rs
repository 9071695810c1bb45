//! What is judged and how, what is reported, and why nothing was judged.

use std::io;
use std::time::Duration;

use wstape_mock_engine::EngineError;

use super::stop::Stop;
use crate::case::{BadCase, Healthy};
use crate::process::{ClientCommand, KeeperCommand, StartError};
use crate::verdict::Verdict;

/// What is judged, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The client.
    pub client: ClientCommand,
    /// The keeper of its processes.
    pub keeper: KeeperCommand,
    /// How the engine behaves when all is well.
    pub healthy: Healthy,
    /// The most cases at once; `None` for as many as memory allows.
    pub jobs: Option<usize>,
    /// What tokens are drawn from.
    pub seed: u64,
    /// Whether the client promises only a single connection: then it may end by itself, and is not
    /// asked questions that need a client that comes back.
    pub once: bool,
    /// How long the client may take, without any fault, to connect and get a message.
    pub ready_wait: Duration,
    /// Ends the run early, with what was judged by then.
    pub stop: Stop,
}

impl Options {
    /// The default of [`ready_wait`](Self::ready_wait): a browser takes a while.
    pub const READY_WAIT: Duration = Duration::from_mins(1);
}

/// Progress while cases are played, for display.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Progress {
    /// The client connected and was served normally: cases begin now.
    Begun {
        /// Total runs.
        runs: usize,
        /// Runs at once.
        jobs: usize,
    },
    /// A run is over.
    Ran {
        /// Its case, and its variant.
        name: String,
        /// Its verdict.
        verdict: Verdict,
        /// Finished runs.
        done: usize,
        /// Total runs.
        of: usize,
    },
}

/// Why nothing was judged.
#[derive(Debug, thiserror::Error)]
pub enum RefereeError {
    /// The client can't be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The client's command does not name a runnable program.
    #[error(
        "the client could not be started: {program}: {why}; is it installed and on the PATH? \
         Start a script with its interpreter: -- python3 client.py"
    )]
    NotStarted {
        /// The command's first word.
        program: String,
        /// What the system says.
        why: String,
    },
    /// Without any fault, the client did not meet the preconditions for judging it.
    #[error("nothing was judged: {what}")]
    NotReady {
        /// What was missing.
        what: String,
        /// What it printed.
        printed: String,
    },
    /// The referee was told to end before the first case.
    #[error("nothing was judged: it was interrupted before the first case")]
    Interrupted,
    /// A case can't be read.
    #[error(transparent)]
    Case(#[from] BadCase),
    /// The engine could not be started.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system refused something.
    #[error("the system refused a thread or a port: {0}")]
    Io(#[from] io::Error),
}
