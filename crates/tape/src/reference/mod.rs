//! References: placeholders for what is known only when a step is played.
//!
//! `${/id}` in a string of a step is replaced by a member of the message that set the step off,
//! `${now}` by the time. `kind` knows what can be referred to, `template` takes strings and JSON
//! apart. The step's reader reports what is wrong with a line's references, as it knows their
//! places.

mod kind;
mod template;

pub use kind::{BadReference, Reference};
pub(crate) use template::value_strings;
pub use template::{Part, Template};
