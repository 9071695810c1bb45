//! What a run consists of, and what its workers share.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wstape_oracle::{Rule, Violation};

use crate::case::Case;
use crate::origin::Origin;
use crate::pulse::Pulse;
use crate::tally::Tally;
use crate::verdict::Verdict;

/// Wall time that a case may take; the longest drawn ones take a few milliseconds.
pub const HANG_AFTER: Duration = Duration::from_secs(20);
/// Wall time that a case may wait for another thread, while its own time stands still.
pub const BLOCKING_AFTER: Duration = Duration::from_secs(5);

/// The name of workers' threads.
pub const WORKER_NAME: &str = "chaos";

/// Turns a seed into a case.
pub type Draw = Arc<dyn Fn(u64) -> Case + Send + Sync>;

/// Turns a case into its verdict.
pub type Play = Arc<dyn Fn(&Case) -> Verdict + Send + Sync>;

/// A worker's job.
#[derive(Debug, Clone)]
pub enum Job {
    /// A case to be drawn from this seed.
    Seed(u64),
    /// An existing case, with its name.
    Tape(String, Box<Case>),
}

/// How a run is done.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Workers, each on a thread of its own.
    pub workers: NonZeroUsize,
    /// Whether each case is played twice and the traces compared.
    pub check_determinism: bool,
    /// What is known about the subscriber's determinism: a sample of the cases is played twice
    /// regardless.
    pub determinism: Determinism,
    /// Whether a case that does not end in time is a finding; in virtual time it is.
    pub finds_hanging: bool,
    /// Whether to go on after a rule broke, to find others.
    pub keep_going: bool,
}

/// What is known about a subscriber's determinism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Determinism {
    /// The same case gives the same trace.
    Declared,
    /// Nothing declared: only the engine's own schedule must be the same.
    Undeclared,
    /// Determinism is not judged.
    NotJudged,
}

/// What to compare between two plays of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// All that happened.
    Trace,
    /// What the engine did by the tape alone, whatever the subscriber did.
    EngineSide,
}

/// A broken rule.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Where the case came from: the first of several that broke the rule.
    pub origin: Origin,
    /// The case; `None` if it could not be drawn.
    pub case: Option<Case>,
    /// How it broke.
    pub violation: Violation,
    /// Cases that broke the rule.
    pub times: u64,
    /// Whether the case hangs, so that playing it again would too.
    pub hangs: bool,
}

/// What the workers of a run share.
pub(super) struct Shared {
    pub(super) play: Play,
    pub(super) draw: Draw,
    pub(super) options: Options,
    pub(super) jobs: Mutex<Box<dyn Iterator<Item = Job> + Send>>,
    pub(super) tally: Mutex<Tally>,
    pub(super) broken: Mutex<BTreeMap<Rule, Broken>>,
    pub(super) cases: AtomicU64,
    pub(super) stopped: AtomicBool,
}

/// What a worker shows about itself.
#[derive(Default)]
pub(super) struct State {
    /// How many cases it has begun.
    pub(super) begun: AtomicU64,
    /// The job being done now.
    pub(super) job: Mutex<Option<Job>>,
    pub(super) done: AtomicBool,
    pub(super) pulse: Arc<Pulse>,
}
