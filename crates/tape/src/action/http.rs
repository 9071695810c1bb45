//! `http`: what a GET of a path answers.

use std::borrow::Cow;
use std::str;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::spec::{Class, Spec};
use crate::error::{Flaw, TapeErrorKind};
use crate::json::{Field, Pen, Type, read_headers};

/// Status of an answer that names none.
const OK: u16 = 200;

/// What a GET of a path answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Absolute path, without a query.
    pub path: String,
    /// HTTP status; default 200.
    pub status: u16,
    /// Headers beside the server's own.
    pub headers: Vec<(String, String)>,
    /// Body: JSON as it stands in the line, or a string's content (`body`), or any bytes
    /// (`body_b64`).
    pub body: Bytes,
}

impl Spec for HttpAnswer {
    type Value = Self;
    const KEY: &'static str = "http";
    const CLASS: Class = Class::State;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        let object = field.object(&["path", "status", "headers", "body", "body_b64"])?;
        let path = object.demand("path", r#"{"path":"/status","body":{}}"#)?;
        let text = path.owned_string()?;
        let illegal = |c: char| matches!(c, '?' | '#' | ' ') || c.is_control();
        if !text.starts_with('/') || text.contains(illegal) {
            return Err(path.wrong("a path that starts with \"/\", without a query or spaces"));
        }
        let body = match (object.get("body"), object.get("body_b64")) {
            (Some(_), Some(second)) => return Err(second.either("body", "body_b64")),
            (Some(body), None) if body.is(Type::String) => body.text_bytes()?,
            (Some(body), None) => Bytes::copy_from_slice(body.value.text.as_bytes()),
            (None, Some(b64)) => b64.base64()?,
            (None, None) => {
                let message = "the key \"body\" is missing; \"\" is an empty one";
                return Err(object.flaw(TapeErrorKind::MissingKey, message).key("body"));
            }
        };
        Ok(Self {
            path: text,
            status: object.get("status").map_or(Ok(OK), Field::final_status)?,
            headers: read_headers(&object)?,
            body,
        })
    }

    fn write(answer: &Self, pen: &mut Pen) {
        pen.object(Self::KEY);
        pen.string("path", &answer.path);
        if answer.status != OK {
            pen.json("status", answer.status);
        }
        pen.headers(&answer.headers);
        match str::from_utf8(&answer.body) {
            Ok(text) if stands(text) => pen.verbatim("body", text),
            _ => pen.text_or("body", "body_b64", &answer.body),
        }
        pen.close();
    }

    fn words(answer: &Self) -> Cow<'static, str> {
        format!("http {} {}", answer.path, answer.status).into()
    }
}

/// Whether a body can stand in a line as JSON and come back byte for byte. A string can't: it
/// would come back as its content.
fn stands(body: &str) -> bool {
    let trimmed = !body.starts_with('"') && body.trim() == body && !body.contains('\n');
    trimmed && serde_json::from_str::<&RawValue>(body).is_ok()
}
