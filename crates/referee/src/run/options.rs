//! What is judged and how, what is told of it, and why nothing was.

use std::io;
use std::time::Duration;

use wstape_mock_engine::EngineError;

use crate::case::{BadCase, Healthy};
use crate::process::{ClientCommand, KeeperCommand, StartError};
use crate::verdict::Verdict;

/// What is judged, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The client.
    pub client: ClientCommand,
    /// What keeps its processes.
    pub keeper: KeeperCommand,
    /// How the engine treats it when all is well.
    pub healthy: Healthy,
    /// Most cases at a time; `None` for as many as memory allows.
    pub jobs: Option<usize>,
    /// What tokens are drawn from.
    pub seed: u64,
    /// Whether the client promises one connection and no more: what takes one that comes back is not
    /// asked, and ending by itself is what it may do.
    pub once: bool,
    /// How long the client may take, without any fault, until it is connected and has got a message.
    pub ready_wait: Duration,
}

impl Options {
    /// What [`ready_wait`](Self::ready_wait) is where nobody says otherwise: a browser takes a while.
    pub const READY_WAIT: Duration = Duration::from_mins(1);
}

/// What happens while cases are played: for whoever shows it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Progress {
    /// The client connected and was served as it should be: cases begin now.
    Begun {
        /// Runs that there are.
        runs: usize,
        /// Runs at a time.
        jobs: usize,
    },
    /// A run is over.
    Ran {
        /// Its case, and what it was of the things that a row lists.
        name: String,
        /// How it is judged.
        verdict: Verdict,
        /// Runs that are over.
        done: usize,
        /// Runs that there are.
        of: usize,
    },
}

/// Why nothing was judged.
#[derive(Debug, thiserror::Error)]
pub enum RefereeError {
    /// The client can't be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Its command names no program that runs.
    #[error(
        "the client could not be started: {program}: {why}; is it installed, and on the PATH? A script stands behind its interpreter: -- python3 client.py"
    )]
    NotStarted {
        /// The command's first word.
        program: String,
        /// What the system says.
        why: String,
    },
    /// Without any fault it did not do what has to be there to judge it.
    #[error("nothing was judged: {what}")]
    NotReady {
        /// What was missing.
        what: String,
        /// What it printed.
        printed: String,
    },
    /// A case that can't be read.
    #[error(transparent)]
    Case(#[from] BadCase),
    /// The engine could not be started.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system refused something.
    #[error("the system refused a thread or a port: {0}")]
    Io(#[from] io::Error),
}
