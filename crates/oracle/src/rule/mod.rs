//! What must hold, whatever the network and the engine do.

mod meaning;
mod need;
mod own_name;
mod rules;
mod set;

pub use meaning::Meaning;
pub use need::Need;
pub use own_name::{MAX_OWN_NAMES, OwnName};
pub use rules::{Rule, Violation};
pub use set::{RuleSet, UnknownRule};
