//! A client as processes: starting, keeping, watching and ending it.

mod client;
mod command;
mod keeper;
mod output;
mod tree;
mod uncaught;
mod vitals;

pub(crate) use self::client::{Client, Leftovers, Seen};
pub use self::client::{KeeperCommand, StartError};
pub use self::command::ClientCommand;
pub(crate) use self::command::Told;
pub use self::keeper::{Exit, keep};
pub(crate) use self::output::Output;
pub(crate) use self::tree::Process;
pub use self::uncaught::{Language, Uncaught};
pub(crate) use self::uncaught::{last_words, uncaught};
pub(crate) use self::vitals::{Vitals, Wanted};
