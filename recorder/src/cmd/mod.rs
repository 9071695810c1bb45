//! The verbs of the command line, a file each.

pub(crate) mod import;
pub(crate) mod tap;
