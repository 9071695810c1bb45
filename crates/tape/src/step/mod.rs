//! A step: when, for whom, what.

mod conn;
mod fields;
mod make;
mod message;
mod path;
mod pattern;
mod read;
mod trigger;
mod whose;
mod write;

pub use conn::Conn;
pub use fields::{Step, StepFields};
pub use message::{Match, MessageKind, Subset};
pub(crate) use message::{read_match, write_match};
pub use path::path_matches;
pub use pattern::{
    BadPattern, MAX_COMPILED_PATTERN_BYTES, MAX_PATH_DEPTH, MAX_PATTERN_BYTES, MessagePath,
    MessageRegex,
};
pub(crate) use read::{acting, place, read_step};
pub use trigger::{After, MIN_EVERY, OnMessage, Scene, Trigger};
pub use whose::Whose;
