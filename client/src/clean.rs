//! The clean message, read by hand.
//!
//! Nearly all that an engine sends is plain: strings without escapes, ordinary numbers, each key once. Such
//! a message is read here in one pass over its bytes, into storage that an
//! earlier reading of its kind has left behind. At anything else the reader gives up, and the general
//! decoder, which alone defines what a message means, reads it from the start. So a reader here may say
//! `None` whenever it likes, but where it answers, it answers the same.
//!
//! | file | what is in it |
//! | --- | --- |
//! | cursor | a place in the text: punctuation, strings, keys, what is skipped |
//! | number | numbers, read exactly |
//! | habits | the order of keys, guessed |
//! | refill | values read into places that held another |
//! | extras | the keys that no field is named after |
//! | message | the envelope around a payload |
//! | spares | storage to read into |

#[cfg(test)]
mod agreement;
mod cursor;
mod extras;
mod habits;
mod message;
mod number;
mod refill;
mod spares;

pub(crate) use cursor::Cursor;
pub(crate) use extras::Extras;
pub(crate) use habits::{Habit, Type};
pub(crate) use message::{Clean, read, read_aside};
pub(crate) use refill::Refill;
pub(crate) use spares::Spares;
