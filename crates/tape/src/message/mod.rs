//! What a client says, and what a step wants of it.
//!
//! `matching` is the match as a tape has it; `pattern` its regular expressions and JSON paths, each
//! within a bound.

mod matching;
mod pattern;

pub use matching::{Match, MessageKind, Subset};
pub(crate) use matching::{read_match, write_match};
pub use pattern::{
    BadPattern, MAX_COMPILED_PATTERN_BYTES, MAX_PATH_DEPTH, MAX_PATTERN_BYTES, MessagePath,
    MessageRegex,
};
