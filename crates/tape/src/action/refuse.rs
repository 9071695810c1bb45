//! `refuse`: handshakes are answered with a status other than 101.

use std::borrow::Cow;

use bytes::Bytes;

use super::body::{read_body, write_body};
use super::drop::End;
use super::garbage::Garbage;
use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen, read_headers};

/// The simplest status of a refusal: it says 'not now' and nothing more.
const SERVICE_UNAVAILABLE: u16 = 503;

/// A refused handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Headers besides the server's own.
    pub headers: Vec<(String, String)>,
    /// Body of the answer.
    pub body: Bytes,
}

impl Refusal {
    /// Creates a refusal with this status, no headers and no body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Returns the answer's bytes on the wire, followed by `then`.
    pub(super) fn into_garbage(self, then: Option<End>) -> Garbage {
        let mut head = format!("HTTP/1.1 {} \r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&[name, ": ", value, "\r\n"].concat());
        }
        head.push_str("\r\n");
        Garbage {
            bytes: [head.as_bytes(), &self.body].concat().into(),
            repeat: 1,
            then,
        }
    }
}

impl Spec for Refusal {
    type Value = Option<Self>;
    const KEY: &'static str = "refuse";
    const CLASS: Class = Class::UsedUp;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<Self>, Flaw> {
        field.unless_null(|field| {
            let object = field.object(&["status", "headers", "body", "body_b64"])?;
            Ok(Self {
                status: object
                    .demand("status", r#"{"status":503}"#)?
                    .final_status()?,
                headers: read_headers(&object)?,
                body: read_body(&object)?.unwrap_or_default(),
            })
        })
    }

    fn write(refusal: &Option<Self>, pen: &mut Pen) {
        let Some(refusal) = refusal else {
            return pen.json(Self::KEY, "null");
        };
        pen.object(Self::KEY);
        pen.json("status", refusal.status);
        pen.headers(&refusal.headers);
        if !refusal.body.is_empty() {
            write_body(&refusal.body, pen);
        }
        pen.close();
    }

    fn words(refusal: &Option<Self>) -> Cow<'static, str> {
        match refusal {
            None => "refuse none".into(),
            Some(refusal) => format!("refuse {}", refusal.status).into(),
        }
    }

    fn clears(refusal: &Option<Self>) -> bool {
        refusal.is_none()
    }

    fn simpler(refusal: &Option<Self>) -> Vec<Option<Self>> {
        let Some(refusal) = refusal else {
            return Vec::new();
        };
        let without = |left_out| {
            let mut refusal = refusal.clone();
            refusal.headers.remove(left_out);
            Some(refusal)
        };
        let mut simpler: Vec<Option<Self>> = (0..refusal.headers.len()).map(without).collect();
        if refusal.status != SERVICE_UNAVAILABLE {
            simpler.push(Some(Self {
                status: SERVICE_UNAVAILABLE,
                ..refusal.clone()
            }));
        }
        if !refusal.body.is_empty() {
            simpler.push(Some(Self {
                body: Bytes::new(),
                ..refusal.clone()
            }));
        }
        simpler
    }
}
