//! The verbs of the command line, one file each, and what several of them share: `again`,
//! `announce`, `bounded`, `duration`, `exit`, `fixtures`, `interrupted`, `live`, `output`,
//! `read_once`, `redaction`, `remedy`, `reread`, `same_file`, `say`, `signals`, `small_file`,
//! `token`, `until`.

mod again;
#[cfg(feature = "cli")]
mod announce;
pub(crate) mod bounded;
pub(crate) mod chaos;
#[cfg(feature = "cli")]
pub(crate) mod check;
#[cfg(feature = "cli")]
pub(crate) mod completions;
#[cfg(feature = "cli")]
pub(crate) mod diff;
#[cfg(feature = "cli")]
pub(crate) mod draw;
mod duration;
#[cfg(feature = "cli")]
pub(crate) mod exit;
pub(crate) mod fixtures;
#[cfg(feature = "cli")]
pub(crate) mod import;
mod interrupted;
#[cfg(feature = "cli")]
pub(crate) mod journal;
#[cfg(feature = "cli")]
pub(crate) mod learn;
#[cfg(feature = "cli")]
pub(crate) mod live;
#[cfg(feature = "cli")]
pub(crate) mod man;
#[cfg(feature = "cli")]
pub(crate) mod output;
#[cfg(feature = "cli")]
pub(crate) mod overlays;
#[cfg(feature = "cli")]
pub(crate) mod poll;
#[cfg(feature = "cli")]
pub(crate) mod proxy;
#[cfg(feature = "cli")]
mod read_once;
#[cfg(feature = "cli")]
pub(crate) mod redact;
#[cfg(feature = "cli")]
pub(crate) mod redaction;
#[cfg(all(feature = "cli", unix))]
pub(crate) mod referee;
mod remedy;
pub(crate) mod replay;
#[cfg(feature = "cli")]
mod reread;
#[cfg(feature = "cli")]
mod same_file;
mod say;
#[cfg(feature = "cli")]
pub(crate) mod serve;
#[cfg(feature = "cli")]
pub(crate) mod show;
mod signals;
mod small_file;
#[cfg(feature = "cli")]
pub(crate) mod tap;
#[cfg(feature = "cli")]
pub(crate) mod token;
#[cfg(feature = "cli")]
pub(crate) mod trim;
#[cfg(feature = "cli")]
pub(crate) mod until;
