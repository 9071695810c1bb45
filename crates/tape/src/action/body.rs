//! The body of an HTTP answer: JSON as it stands in the line, a string's content, or any bytes.

use std::str;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::error::Flaw;
use crate::json::{Object, Pen, Type};

/// Reads the body of an object; `None` if it has none.
pub(super) fn read_body(object: &Object<'_>) -> Result<Option<Bytes>, Flaw> {
    Ok(match (object.get("body"), object.get("body_b64")) {
        (Some(_), Some(second)) => return Err(second.either("body", "body_b64")),
        (Some(body), None) if body.is(Type::String) => Some(body.text_bytes()?),
        (Some(body), None) => Some(Bytes::copy_from_slice(body.value.text.as_bytes())),
        (None, Some(b64)) => Some(b64.base64()?),
        (None, None) => None,
    })
}

/// Writes a body.
pub(super) fn write_body(body: &[u8], pen: &mut Pen) {
    match str::from_utf8(body) {
        Ok(text) if stands(text) => pen.verbatim("body", text),
        _ => pen.text_or("body", "body_b64", body),
    }
}

/// Whether a body can be written in a line as JSON and read back byte for byte. A string can't: it
/// would come back as its content.
fn stands(body: &str) -> bool {
    let trimmed = !body.starts_with('"') && body.trim() == body && !body.contains('\n');
    trimmed && serde_json::from_str::<&RawValue>(body).is_ok()
}
