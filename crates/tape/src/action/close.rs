//! `close`: a Close frame.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::{Flaw, TapeErrorKind};
use crate::json::{Field, Pen, Type};

/// Code of a normal closure (RFC 6455, 7.4.1): the simplest that a Close can have.
const NORMAL_CLOSURE: u16 = 1000;

/// Code and reason of a Close frame. The code may be any number, even an illegal one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseFrame {
    /// Status code (RFC 6455, 7.4).
    pub code: u16,
    /// Reason, sent as it is even if it is too long to be legal.
    pub reason: String,
}

impl Spec for CloseFrame {
    type Value = Option<Self>;
    const KEY: &'static str = "close";
    const CLASS: Class = Class::Sent;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<Self>, Flaw> {
        if !field.is(Type::Object) {
            return Err(field.wrong("an object such as {\"code\":1001,\"reason\":\"bye\"}"));
        }
        let object = field.object(&["code", "reason"])?;
        let reason = object.get("reason");
        match (object.get("code"), reason) {
            (None, None) => Ok(None),
            (None, Some(reason)) => {
                let message = "a Close with a \"reason\" needs a \"code\" too";
                Err(reason.key_flaw(TapeErrorKind::Misplaced, message))
            }
            (Some(code), reason) => Ok(Some(Self {
                code: code.whole(0..=u16::MAX)?,
                reason: reason.map_or_else(|| Ok(String::new()), Field::owned_string)?,
            })),
        }
    }

    fn write(frame: &Option<Self>, pen: &mut Pen) {
        pen.object(Self::KEY);
        if let Some(Self { code, reason }) = frame {
            pen.json("code", code);
            if !reason.is_empty() {
                pen.string("reason", reason);
            }
        }
        pen.close();
    }

    fn words(frame: &Option<Self>) -> Cow<'static, str> {
        match frame {
            None => "close".into(),
            Some(frame) => format!("close {}", frame.code).into(),
        }
    }

    fn payload_bytes(frame: &Option<Self>) -> usize {
        frame.as_ref().map_or(0, |frame| 2 + frame.reason.len())
    }

    fn simpler(frame: &Option<Self>) -> Vec<Option<Self>> {
        let Some(Self { code, reason }) = frame else {
            return Vec::new();
        };
        let mut simpler = vec![None];
        if *code != NORMAL_CLOSURE {
            let reason = reason.clone();
            let code = NORMAL_CLOSURE;
            simpler.push(Some(Self { code, reason }));
        }
        if !reason.is_empty() {
            let reason = String::new();
            simpler.push(Some(Self {
                code: *code,
                reason,
            }));
        }
        simpler
    }
}
