//! `http`: how requests for a path are answered.

use std::borrow::Cow;

use bytes::Bytes;

use super::body::{read_body, write_body};
use super::spec::{Class, Spec};
use crate::error::{Flaw, TapeErrorKind};
use crate::json::{Field, Pen, read_headers};

/// Longest method that a tape may give, in bytes.
const MAX_METHOD_BYTES: usize = 32;

/// Status of an answer that doesn't give one.
const OK: u16 = 200;

/// How requests for a path are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Absolute path, without a query.
    pub path: String,
    /// The method it answers; `None` for GET, and so for HEAD.
    pub method: Option<String>,
    /// HTTP status; default 200.
    pub status: u16,
    /// Headers besides the server's own.
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
        let object = field.object(&["path", "method", "status", "headers", "body", "body_b64"])?;
        let path = object.demand("path", r#"{"path":"/status","body":{}}"#)?;
        let text = path.owned_string()?;
        let illegal = |c: char| matches!(c, '?' | '#' | ' ') || c.is_control();
        if !text.starts_with('/') || text.contains(illegal) {
            return Err(path.wrong("a path that starts with \"/\", without a query or spaces"));
        }
        let Some(body) = read_body(&object)? else {
            let message = "the key \"body\" is missing; use \"\" for an empty body";
            return Err(object.flaw(TapeErrorKind::MissingKey, message).key("body"));
        };
        let method = object.get("method").map(read_method).transpose()?;
        Ok(Self {
            path: text,
            method,
            status: object.get("status").map_or(Ok(OK), Field::final_status)?,
            headers: read_headers(&object)?,
            body,
        })
    }

    fn write(answer: &Self, pen: &mut Pen) {
        pen.object(Self::KEY);
        pen.string("path", &answer.path);
        if let Some(method) = &answer.method {
            pen.string("method", method);
        }
        if answer.status != OK {
            pen.json("status", answer.status);
        }
        pen.headers(&answer.headers);
        write_body(&answer.body, pen);
        pen.close();
    }

    fn words(answer: &Self) -> Cow<'static, str> {
        match &answer.method {
            None => format!("http {} {}", answer.path, answer.status).into(),
            Some(method) => format!("http {method} {} {}", answer.path, answer.status).into(),
        }
    }
}

/// Reads a method: a token in capitals, like all registered ones.
fn read_method(field: &Field<'_>) -> Result<String, Flaw> {
    let method = field.owned_string()?;
    let legal = |b: u8| b.is_ascii_uppercase() || b == b'-';
    if method.is_empty() || method.len() > MAX_METHOD_BYTES || !method.bytes().all(legal) {
        return Err(field.wrong("a method in capitals, such as \"POST\""));
    }
    Ok(method)
}
