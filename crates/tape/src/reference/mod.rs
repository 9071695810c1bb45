//! References: what stands for something that is known only when a step is played.
//!
//! `${/id}` in a string of a step is replaced by a member of the message that set the step off,
//! `${now}` by the time. `kind` knows what can be referred to, `template` takes strings and JSON
//! apart, `check` finds what is wrong with those of a line.

mod check;
mod kind;
mod template;

pub(crate) use check::check;
pub use kind::{BadReference, Reference};
pub use template::{Part, Template};
