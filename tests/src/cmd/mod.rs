//! The verbs of the command line, a file each.

pub(crate) mod chaos;
mod fixtures;
pub(crate) mod replay;
mod say;
