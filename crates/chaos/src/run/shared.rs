//! What a run is made of, and what its workers share.

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

/// Wall time that a case may take; the longest of the drawn ones takes a few milliseconds.
pub const HANG_AFTER: Duration = Duration::from_secs(20);
/// Wall time that a case may wait for another thread, while its own time stands still.
pub const BLOCKING_AFTER: Duration = Duration::from_secs(5);

/// How workers' threads are called.
pub const WORKER_NAME: &str = "chaos";

/// From a seed to a case.
pub type Draw = Arc<dyn Fn(u64) -> Case + Send + Sync>;

/// From a case to what came of it.
pub type Play = Arc<dyn Fn(&Case) -> Verdict + Send + Sync>;

/// What a worker takes.
#[derive(Debug, Clone)]
pub enum Job {
    /// A case to be drawn from this seed.
    Seed(u64),
    /// A case that was there before, with its name.
    Tape(String, Box<Case>),
}

/// How a run is made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Workers, each on a thread of its own.
    pub workers: NonZeroUsize,
    /// Whether each case is played twice, and the traces compared.
    pub check_determinism: bool,
    /// What is known of the subscriber's determinism: a sample of the cases is played twice in any
    /// case.
    pub determinism: Determinism,
    /// Whether a case that does not end in time is a finding: in virtual time it is.
    pub finds_hanging: bool,
    /// Whether the run goes on after a rule broke, for those that break others.
    pub keep_going: bool,
}

/// What is known of a subscriber's determinism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Determinism {
    /// The same case gives the same trace.
    Declared,
    /// Nothing: only the engine's own schedule must be the same.
    Undeclared,
    /// Nobody asks.
    NotJudged,
}

/// What of two plays of one case is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// All that happened.
    Trace,
    /// What the engine did by the tape alone, whatever the subscriber did.
    EngineSide,
}

/// A rule that broke.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Where the case came from: of several that broke the rule the first.
    pub origin: Origin,
    /// The case; `None` where it could not be drawn.
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

/// What a worker shows of itself.
#[derive(Default)]
pub(super) struct State {
    /// How many cases it has begun.
    pub(super) begun: AtomicU64,
    /// The one that it is at.
    pub(super) job: Mutex<Option<Job>>,
    pub(super) done: AtomicBool,
    pub(super) pulse: Arc<Pulse>,
}
