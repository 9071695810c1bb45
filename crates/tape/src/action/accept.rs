//! `accept`: how upgrades are answered.

use std::borrow::Cow;

use bytes::Bytes;

use super::body::{read_body, write_body};
use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen, Type, read_headers};

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
    /// Body of an answer other than 101.
    pub body: Bytes,
    /// Whether messages are compressed if the client offers it.
    pub deflate: Option<Deflate>,
}

/// How permessage-deflate (RFC 7692) is agreed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deflate {
    /// Whether the engine compresses each message without the context of earlier ones.
    pub server_no_context_takeover: bool,
    /// Whether the client is told to do the same.
    pub client_no_context_takeover: bool,
}

impl Spec for Accept {
    type Value = Option<Self>;
    const KEY: &'static str = "accept";
    const CLASS: Class = Class::UsedUp;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<Self>, Flaw> {
        field.unless_null(|field| {
            let object =
                field.object(&["status", "headers", "token", "body", "body_b64", "deflate"])?;
            Ok(Self {
                status: object.get("status").map(status).transpose()?,
                headers: read_headers(&object)?,
                token: object.get("token").map(Field::owned_string).transpose()?,
                body: read_body(&object)?.unwrap_or_default(),
                deflate: object
                    .get("deflate")
                    .map(read_deflate)
                    .transpose()?
                    .flatten(),
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
        if !accept.body.is_empty() {
            write_body(&accept.body, pen);
        }
        if let Some(deflate) = accept.deflate {
            write_deflate(deflate, pen);
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

/// Reads `true`, `false`, or an object of parameters.
fn read_deflate(field: &Field<'_>) -> Result<Option<Deflate>, Flaw> {
    if !field.is(Type::Object) {
        return match field.bool() {
            Ok(on) => Ok(on.then(Deflate::default)),
            Err(_) => Err(field.wrong("true, false or an object of parameters")),
        };
    }
    let keys = ["server_no_context_takeover", "client_no_context_takeover"];
    let object = field.object(&keys)?;
    let [server, client] = keys.map(|key| object.get(key).map_or(Ok(false), Field::bool));
    Ok(Some(Deflate {
        server_no_context_takeover: server?,
        client_no_context_takeover: client?,
    }))
}

fn write_deflate(deflate: Deflate, pen: &mut Pen) {
    if deflate == Deflate::default() {
        return pen.json("deflate", true);
    }
    pen.object("deflate");
    if deflate.server_no_context_takeover {
        pen.json("server_no_context_takeover", true);
    }
    if deflate.client_no_context_takeover {
        pen.json("client_no_context_takeover", true);
    }
    pen.close();
}

/// Reads the status of an upgrade: 101, or one that ends the exchange.
fn status(field: &Field<'_>) -> Result<u16, Flaw> {
    if field.value.text == "101" {
        return Ok(SWITCHING_PROTOCOLS);
    }
    field
        .final_status()
        .map_err(|_| field.wrong("101 or a whole number from 200 to 599"))
}
