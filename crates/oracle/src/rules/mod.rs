//! The rules, each on its own part of what happened, and the judge that reports it to them.
//!
//! ```text
//! judge ─► course ─► attempt ─► liveness, answers
//!   │        └─────► backoff, stop
//!   ├─────► showing ─► mirror, record
//!   └─────► receivers                     all ─► findings
//! ```

mod answers;
mod attempt;
mod backoff;
mod bounded;
mod bounds;
mod called;
mod course;
mod exact;
mod findings;
mod judge;
mod liveness;
mod mirror;
mod own;
mod receivers;
mod record;
mod showing;
mod spread;
mod step;
mod stop;

pub use bounds::Bounds;
pub use findings::{Findings, Found, MAX_VIOLATIONS};
pub use judge::Judge;
pub use spread::spread;
