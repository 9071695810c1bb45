//! `accept`: how upgrades are answered.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen, read_headers};

/// The status of an upgrade that goes through.
const SWITCHING_PROTOCOLS: u16 = 101;

/// How an upgrade is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accept {
    /// Status instead of 101 (a 200, a redirect).
    pub status: Option<u16>,
    /// Headers set on the answer; an empty value removes the header.
    pub headers: Vec<(String, String)>,
    /// Bearer token demanded of the client; without it the answer is 401.
    pub token: Option<String>,
}

impl Spec for Accept {
    type Value = Option<Self>;
    const KEY: &'static str = "accept";
    const CLASS: Class = Class::UsedUp;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<Self>, Flaw> {
        field.unless_null(|field| {
            let object = field.object(&["status", "headers", "token"])?;
            Ok(Self {
                status: object.get("status").map(status).transpose()?,
                headers: read_headers(&object)?,
                token: object.get("token").map(Field::owned_string).transpose()?,
            })
        })
    }

    fn write(accept: &Option<Self>, pen: &mut Pen) {
        let Some(accept) = accept else {
            return pen.json(Self::KEY, "null");
        };
        pen.object(Self::KEY);
        if let Some(status) = accept.status {
            pen.json("status", status);
        }
        pen.headers(&accept.headers);
        if let Some(token) = &accept.token {
            pen.string("token", token);
        }
        pen.close();
    }

    fn words(accept: &Option<Self>) -> Cow<'static, str> {
        match accept {
            None => "accept as usual".into(),
            Some(Self {
                status: Some(status),
                ..
            }) => format!("accept {status}").into(),
            Some(_) => "accept changed".into(),
        }
    }

    fn clears(accept: &Option<Self>) -> bool {
        accept.is_none()
    }

    fn simpler(accept: &Option<Self>) -> Vec<Option<Self>> {
        let Some(accept) = accept else {
            return Vec::new();
        };
        let without = |left_out| {
            let mut accept = accept.clone();
            accept.headers.remove(left_out);
            Some(accept)
        };
        (0..accept.headers.len()).map(without).collect()
    }
}

/// The status of an upgrade: 101, or one that ends the exchange.
fn status(field: &Field<'_>) -> Result<u16, Flaw> {
    if field.value.text == "101" {
        return Ok(SWITCHING_PROTOCOLS);
    }
    field
        .final_status()
        .map_err(|_| field.wrong("101 or a whole number from 200 to 599"))
}
