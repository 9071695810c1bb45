//! The verbs of the command line, a file each.

pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod exit;
pub(crate) mod show;
pub(crate) mod tap;
pub(crate) mod trim;
