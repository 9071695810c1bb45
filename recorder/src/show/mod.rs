//! A tape looked into: what it holds, and what its time looks like.
//!
//! `survey` counts, `link` knows which connections are open, `timeline` draws.

mod link;
mod survey;
mod timeline;

pub use survey::{Count, Survey};
pub use timeline::Timeline;
