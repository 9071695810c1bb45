//! Examines a tape: what it holds, and what its timeline looks like.
//!
//! `survey` counts, `link` tracks which connections are open, `timeline` draws.

mod link;
mod survey;
mod timeline;

pub use survey::{Count, Survey};
pub use timeline::Timeline;
