//! `refuse`: handshakes are answered with a status that is none of an upgrade.

use std::borrow::Cow;

use bytes::Bytes;

use super::drop::End;
use super::garbage::Garbage;
use super::spec::{Class, Spec};
use crate::Action;
use crate::error::Flaw;
use crate::json::{FINAL_STATUSES, Field, Pen, read_headers};

/// The simplest status that a refusal can have: nothing but 'not now'.
const SERVICE_UNAVAILABLE: u16 = 503;

/// A refused handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Headers beside the server's own.
    pub headers: Vec<(String, String)>,
}

impl Refusal {
    /// What a step says of a handshake that was answered so: a refusal, or, with a status that
    /// none may have ([`FINAL_STATUSES`]), the head as it stands on the wire, with `then` behind
    /// it.
    ///
    /// ```
    /// use wstape_tape::{Action, End, Refusal};
    /// let refusal = Refusal { status: 666, headers: vec![("x".to_owned(), "1".to_owned())] };
    /// let Action::Garbage(Some(head)) = refusal.into_action(Some(End::Fin)) else { panic!() };
    /// assert_eq!(head.bytes, "HTTP/1.1 666 \r\nx: 1\r\n\r\n");
    /// ```
    #[must_use]
    pub fn into_action(self, then: Option<End>) -> Action {
        if FINAL_STATUSES.contains(&self.status) {
            return Action::Refuse(Some(self));
        }
        let headers = self.headers.iter();
        let lines: String = headers
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!("HTTP/1.1 {} \r\n{lines}\r\n", self.status);
        Action::Garbage(Some(Garbage {
            bytes: head.into(),
            repeat: 1,
            then,
        }))
    }
}

impl Spec for Refusal {
    type Value = Option<Self>;
    const KEY: &'static str = "refuse";
    const CLASS: Class = Class::UsedUp;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<Self>, Flaw> {
        field.unless_null(|field| {
            let object = field.object(&["status", "headers"])?;
            Ok(Self {
                status: object
                    .demand("status", r#"{"status":503}"#)?
                    .final_status()?,
                headers: read_headers(&object)?,
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
                headers: refusal.headers.clone(),
            }));
        }
        simpler
    }
}
