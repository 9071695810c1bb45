//! The verbs of the command line, a file each, and what several of them share: `exit`, `output`,
//! `until`.

pub(crate) mod exit;
pub(crate) mod output;
pub(crate) mod tap;
pub(crate) mod until;
