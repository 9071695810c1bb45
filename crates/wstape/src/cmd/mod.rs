//! The verbs of the command line, a file each, and what several of them share: `again`, `exit`, `fixtures`,
//! `live`, `output`, `redaction`, `say`, `token`, `until`.

mod again;
pub(crate) mod chaos;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod diff;
pub(crate) mod exit;
mod fixtures;
pub(crate) mod import;
pub(crate) mod live;
pub(crate) mod man;
pub(crate) mod output;
pub(crate) mod poll;
pub(crate) mod proxy;
pub(crate) mod redact;
pub(crate) mod redaction;
pub(crate) mod replay;
mod say;
pub(crate) mod serve;
pub(crate) mod show;
mod signals;
pub(crate) mod tap;
pub(crate) mod token;
pub(crate) mod trim;
pub(crate) mod until;
