//! HTTP headers in a tape: `{name: value}`, with a list of values for a header that is sent more
//! than once.

use super::field::Field;
use super::node::{Type, shortened};
use super::object::Object;
use super::pen::Pen;
use crate::error::{Flaw, TapeErrorKind};

/// The `headers` of an object, in the order of the line; none if the key is missing.
pub(crate) fn read_headers(object: &Object<'_>) -> Result<Vec<(String, String)>, Flaw> {
    let Some(field) = object.get("headers") else {
        return Ok(Vec::new());
    };
    if !field.is(Type::Object) {
        return Err(field.wrong("an object of header names and values"));
    }
    let mut headers = Vec::new();
    for header in Object::read(field.value)?.fields() {
        if !is_header_name(&header.name) {
            let message = format!("{:?} is not the name of a header", shortened(&header.name));
            return Err(header.key_flaw(TapeErrorKind::Value, message));
        }
        let values: Vec<Field<'_>> = match header.value.kind() {
            Type::Array => header.value.elements().map(|v| header.element(v)).collect(),
            _ => vec![header.element(header.value)],
        };
        for value in values {
            let text = value.owned_string()?;
            if text.chars().any(|c| c.is_control() && c != '\t') {
                return Err(value.wrong("a header's value, without control characters"));
            }
            headers.push((header.name.clone().into_owned(), text));
        }
    }
    Ok(headers)
}

/// Whether a name is a token (RFC 9110, 5.6.2).
fn is_header_name(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(token)
}

impl Pen {
    /// Writes the `headers` of an object in order, nothing if there are none. Values of one name go
    /// together, at the place of the first.
    pub(crate) fn headers(&mut self, headers: &[(String, String)]) {
        if headers.is_empty() {
            return;
        }
        self.object("headers");
        for (at, (name, value)) in headers.iter().enumerate() {
            if headers[..at].iter().any(|(before, _)| before == name) {
                continue;
            }
            let same = headers.iter().filter(|(other, _)| other == name);
            let values: Vec<&str> = same.map(|(_, value)| value.as_str()).collect();
            match &values[..] {
                [_] => self.string(name, value),
                _ => self.strings(name, &values),
            }
        }
        self.close();
    }
}
