//! A step: when, for whom, what.

mod conn;
mod fields;
mod read;
mod trigger;
mod write;

pub use conn::Conn;
pub use fields::{Step, StepFields};
pub(crate) use read::{place, read_step};
pub use trigger::{After, Trigger};
