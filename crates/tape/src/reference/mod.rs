//! References: what stands for something that is known only when a step is played.
//!
//! `${/id}` in a string of a step is replaced by a member of the message that set the step off,
//! `${now}` by the time. `kind` knows what can be referred to, `template` takes strings and JSON
//! apart. What is wrong with those of a line a step's reader says, who knows where they stand.

mod kind;
mod template;

pub use kind::{BadReference, Reference};
pub(crate) use template::value_strings;
pub use template::{Part, Template};
