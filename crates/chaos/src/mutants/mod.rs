//! Mutants: a small subscriber with one flaw at a time, to show whether chaos finds each.
//!
//! Without a flaw it keeps every rule. With one it is wrong in just that way, in the very place
//! where such a bug lives in real subscribers.
//!
//! ```text
//! mutant ─► reconnect ─► connection ─► socket
//! (handle,  (dial, wait,  (reading,     (frames on
//!  view)     again)        liveness)     a stream)
//!                └──────► mirror ─► state
//! ```
//!
//! | module | what is in it |
//! | --- | --- |
//! | `flaw` | the flaws, each modelled on a real bug |
//! | `subscriber` | a mutant: starting it, its handle |
//! | `reconnect` | its task: dial, handshake, wait, again |
//! | `backoff`, `address`, `wish` | how long it waits, where it dials, what its handle asks for |
//! | `handshake` | the opening handshake |
//! | `connection` | an established connection |
//! | `socket` | frames on a stream |
//! | `mirror`, `state` | folding what came, and what is kept and shown of it |
//! | `run` | the search for one mutant, seed after seed |
//! | `report` | the results of the search for all of them |

mod address;
mod backoff;
mod connection;
mod flaw;
mod handshake;
mod mirror;
mod reconnect;
mod report;
mod run;
mod socket;
mod state;
mod subscriber;
mod wish;

pub use flaw::Flaw;
pub use report::{MEDIAN_WITHIN, MutantResult, MutationReport, P95_WITHIN};
pub use run::{CANARIES, CONTROL_SEEDS, MUTANT_BUDGET, MutantRun, missed_canary};
pub use subscriber::Mutant;
