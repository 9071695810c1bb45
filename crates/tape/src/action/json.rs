//! `json`: any JSON as a Text message.

use bytes::Bytes;

use super::emit::write_sent;
use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::feature::DIALOGUE;
use crate::json::{self, Field, Pen};

pub(crate) struct Json;

impl Spec for Json {
    type Value = Bytes;
    const KEY: &'static str = "json";
    const CLASS: Class = Class::Sent;

    fn read(field: &Field<'_>, line: &Bytes) -> Result<Bytes, Flaw> {
        Ok(line.slice_ref(field.value.text.as_bytes()))
    }

    /// Writes the JSON as it is if a line can hold it, else as an action that sends the same bytes.
    fn write(bytes: &Bytes, pen: &mut Pen) {
        write_sent(Self::KEY, bytes, stands, pen);
    }

    fn feature(_bytes: &Bytes) -> Option<&'static str> {
        Some(DIALOGUE)
    }

    fn payload_bytes(bytes: &Bytes) -> usize {
        bytes.len()
    }
}

/// Whether this text, written as a value in a line, is read back unchanged.
fn stands(text: &str) -> bool {
    let whole = text.trim() == text && !text.contains(['\n', '\r']);
    whole && json::parse(text).is_ok()
}
