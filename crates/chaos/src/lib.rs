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
//! | `case` | a case: a base tape, a faults tape, settings; as one tape too |
//! | `draw` | from a seed to a case |
//! | `subject` | the trait of a subscriber that chaos can judge |
//! | `world` | plays one case at one subscriber in virtual time |
//! | `crowd` | many subscribers of one engine, dropped together |
//! | `logs` | what is logged, searched for secrets |
//! | `network` | the subscriber's dials and streams, and who watches them |
//! | `trace` | all that happened in a world, in order, and its hash |
//! | `rules` | what must hold, each rule with an id |
//! | [`model`] | what a mirror must show, by SPEC alone |
//! | [`wire`] | what the bytes say, by RFC 6455 alone |
//! | [`planted`] | a subscriber with a flaw planted in it, that must be found |
//! | `coverage` | what was seen often enough to have been tested |
//! | `tally` | the results of many cases, that can be merged |
//! | `fired` | which faults fired, by the engine's journal |
//! | `seeds` | which seeds a run draws from, and which are this shard's |
//! | `shrink` | from a case that breaks a rule to a small one that breaks the same |
//! | `report` | what a run came to: for a person, for CI, for the next run |
//! | `regression` | cases that broke a rule once, judged again |
//! | `run` | workers, budget, determinism |

mod case;
mod coverage;
mod crowd;
mod draw;
mod fired;
mod logs;
pub mod model;
mod network;
mod ours;
pub mod planted;
mod regression;
mod report;
mod rules;
mod run;
mod seeds;
mod shrink;
mod subject;
mod tally;
mod trace;
mod verdict;
pub mod wire;
mod world;

pub use case::{About, CALL_KEY, CHAOS_KEY, Call, Case, CaseError, DIAL_KEY, FAULT_KEY};
pub use coverage::{Coverage, Edge};
pub use draw::{Family, FaultKind, draw, draw_over};
pub use ours::Mirror;
pub use regression::{RegressionError, broken_rules, is_case};
pub use report::{
    Ending, Exhibit, Failure, MAX_ANNOTATIONS, MergeError, Origin, Part, Results, Smaller,
    write_whole,
};
pub use rules::{Rule, Violation};
pub use run::{Broken, Draw, HANG_AFTER, Job, Options, Play, Ran, Run, WORKER_NAME, judge};
pub use seeds::{Seeds, SeedsError, Shard};
pub use shrink::{Shrunk, shrink};
pub use subject::{Field, Handle, Heard, Judged, Opening, Receiver, Started, Stopping, View};
pub use tally::Tally;
pub use trace::{Happening, Payload, Trace, TraceEntry};
pub use verdict::Verdict;
pub use world::{Played, play};
