//! A fast reader for ordinary JSON.
//!
//! Nearly all that an engine sends is plain: strings without escapes, ordinary numbers, few levels.
//! Such JSON is read here in one pass over its bytes, through serde like any other. At anything
//! else the reader gives up without saying what is wrong, and the caller reads the text again with
//! `serde_json`, which alone decides. So a reader here may give up at any time, but if it answers,
//! it answers as `serde_json` would.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `cursor` | a place in the text: punctuation, strings, keys, what is skipped |
//! | `number` | numbers, read exactly |
//! | `deserializer` | a serde deserializer over a cursor |

mod cursor;
mod deserializer;
mod number;

pub(crate) use cursor::Cursor;
