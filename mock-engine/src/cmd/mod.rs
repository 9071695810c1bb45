//! The command line's verbs, a file each.

pub(crate) mod serve;
