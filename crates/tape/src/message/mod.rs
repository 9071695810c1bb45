//! What a client says, and what a step looks for in it.
//!
//! `matching` is the match as a tape writes it; `pattern` has its regular expressions and JSON
//! paths, each bounded in size.

mod matching;
mod pattern;

pub use matching::{Match, MessageKind, Subset};
pub(crate) use matching::{read_match, write_match};
pub use pattern::{
    BadPattern, MAX_COMPILED_PATTERN_BYTES, MAX_PATH_DEPTH, MAX_PATTERN_BYTES, MessagePath,
    MessageRegex,
};
