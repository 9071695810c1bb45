//! Chaos: drawn cases played in virtual worlds, judged by rules.
//!
//! ```text
//! seed ─► draw ─► case ─► world ─► trace ─► rules ─► verdict ─► tally
//!         (data,  (two    (engine,  (all     (R1 to   (broken    (of all
//!          no      tapes)  subject,  that     R16)     rules,     seeds)
//!          chance)         network)  was)              coverage)
//! ```
//!
//! | module | what is in it |
//! | --- | --- |
//! | `case`, `call`, `extension` | a case: a base tape, a faults tape, settings; also as one tape |
//! | `fault` | the kinds of faults |
//! | `generate` | from a seed to a case |
//! | `world` | plays one case against one subscriber in virtual time |
//! | `coverage`, `verdict`, `tally` | what a case tested, its result, and the sum of many |
//! | `seeds`, `origin`, `fnv` | a run's seeds, where a case came from, a stable hash |
//! | `judged` | which rules a run judges, and which it leaves out and why |
//! | `pulse` | what a case that does not end is doing |
//! | `run` | workers, budget, determinism |
//! | `shrink` | from a case that breaks a rule to a small one that breaks the same |
//! | `report` | a run's results: for a person, for CI, for the next run |
//! | `regression` | cases that once broke a rule, judged again |
//! | [`mutants`] | subscribers with a flaw that must be found |
//!
//! The rules, and the readers through which they see the bytes, are in `wstape-oracle`.

mod call;
mod case;
mod coverage;
mod extension;
mod fault;
mod fnv;
mod generate;
mod judged;
pub mod mutants;
mod origin;
mod pulse;
mod regression;
mod report;
mod run;
mod seeds;
mod shrink;
mod tally;
mod verdict;
mod world;

pub use call::{CALL_KEY, Call, UnknownCall};
pub use case::{About, CHAOS_KEY, Case, CaseError, DIAL_KEY, FAULT_KEY};
pub use coverage::Coverage;
pub use fault::{Family, FaultKind};
pub use generate::{NEVER_OVER_RECORDINGS, Vocabulary, draw, draw_in, draw_over};
pub use judged::{Judged, LeftOut};
pub use origin::Origin;
pub use regression::{RegressionError, broken_rules, is_case};
pub use report::{
    CANARY_SEEDS, Ending, Exhibit, Failure, MAX_ANNOTATIONS, MergeError, Part, Results, Smaller,
    write_whole,
};
pub use run::{
    BLOCKING_AFTER, Broken, Compare, Determinism, Draw, HANG_AFTER, Job, Options, Play, Ran, Run,
    WORKER_NAME, judge,
};
pub use seeds::{Seeds, SeedsError, Shard};
pub use shrink::{Shrunk, shrink};
pub use tally::Tally;
pub use verdict::Verdict;
pub use world::{Happening, Moment, Payload, Played, Trace, TraceEntry, offers, play, play_real};
