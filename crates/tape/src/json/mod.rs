//! JSON as the format uses it: read with the place of every flaw, and written without spaces.
//!
//! Knows nothing of steps and actions. `node` (text that is known to be JSON), `field` and `object`
//! (members, and what their values must be), `headers`, `line` (the one object of a line), `word`
//! (values that are one of a few words), `pen` (writing), `nearest` (what a misspelt key was meant
//! to be), `syntax` (whether a text is JSON at all), `special` (which bytes of a string can't be
//! written as they are).

mod field;
mod headers;
mod line;
mod nearest;
mod node;
mod object;
mod pen;
mod special;
mod syntax;
mod word;

pub use field::FINAL_STATUSES;
pub(crate) use field::Field;
pub(crate) use headers::read_headers;
pub(crate) use line::root;
pub(crate) use nearest::nearest;
pub(crate) use node::{Node, Type, parse, shortened};
pub(crate) use object::{Object, is_extension, same_extensions};
pub(crate) use pen::Pen;
pub(crate) use syntax::is_object;
pub(crate) use word::{Word, words};
