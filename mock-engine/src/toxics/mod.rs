//! Toxics: what Toxiproxy's clients lay over a connection, besides the tapes' faults.
//!
//! `set` says what each does to a link's conditions and to a stream; `poisoned` is a stream whose
//! bytes they stop or count, or that they end.

mod poisoned;
mod set;

pub(crate) use self::poisoned::{Poisoned, Tap};
pub(crate) use self::set::{Poison, Poisons, Stream, Toxic, add_conditions, poisons};
