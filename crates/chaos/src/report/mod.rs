//! A run's results, for a person, for CI, and for the next run.
//!
//! | module | who it is for |
//! | --- | --- |
//! | `results`, `failure`, `merge` | data: the results as JSON, merged over shards |
//! | `summary` | a person at a terminal: tables, with failures last |
//! | `junit` | nextest, Jenkins, GitLab: a test case for each rule and family of faults |
//! | `github` | a workflow on GitHub: annotations and a step summary |
//! | `files` | whoever fixes it: the tape, the trace, the mirror beside the model |

mod error;
mod failure;
mod files;
mod github;
mod junit;
mod merge;
mod results;
mod summary;
#[cfg(test)]
mod tests;

pub use error::MergeError;
pub use failure::{Failure, Smaller};
pub use files::{Exhibit, write_whole};
pub use github::MAX_ANNOTATIONS;
pub use results::{CANARY_SEEDS, Ending, Part, Results};
