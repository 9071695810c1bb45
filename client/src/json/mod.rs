//! JSON of the ordinary kind, read fast.
//!
//! Nearly all that an engine sends is plain: strings without escapes, ordinary numbers, few levels.
//! Such JSON is read here by one pass over its bytes, through serde like any other. At anything else
//! the reader gives up, and says nothing of what is wrong: whoever calls reads the text again with
//! `serde_json`, which alone decides. So a reader here may give up whenever it likes, but where it
//! answers, it answers the same.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `cursor` | a place in the text: punctuation, strings, keys, what is skipped |
//! | `number` | numbers, read exactly |
//! | `deserializer` | a cursor as serde's source of data |

mod cursor;
mod deserializer;
mod number;

pub(crate) use cursor::Cursor;
