//! A step: when, for whom, what.

mod conn;
mod fields;
mod make;
mod path;
mod plain;
mod read;
mod references;
mod trigger;
mod whose;
mod write;

pub use conn::Conn;
pub use fields::{Step, StepFields};
pub use path::path_matches;
pub(crate) use plain::is_plain_if_it_looks_so;
pub(crate) use read::{acting, place, read_sound_event, read_step};
pub(crate) use references::check_references;
pub use trigger::{After, MIN_EVERY, OnMessage, Scene, Trigger};
pub use whose::Whose;
