//! `tls`: what is wrong with the engine's TLS.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen, words};

/// What is wrong with an engine's TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// `"untrusted"`: the certificate is signed by an unknown authority.
    Untrusted,
    /// `"expired"`: the certificate was for a past year.
    Expired,
    /// `"wrong_host"`: the certificate is for another host.
    WrongHost,
    /// `"stalled"`: the handshake is never answered.
    Stalled,
    /// `"no_close_notify"`: the connection ends without TLS saying so, as if it had been cut.
    NoCloseNotify,
}

words!(TlsFault {
    Untrusted = "untrusted",
    Expired = "expired",
    WrongHost = "wrong_host",
    Stalled = "stalled",
    NoCloseNotify = "no_close_notify",
});

impl Spec for TlsFault {
    type Value = Option<Self>;
    const KEY: &'static str = "tls";
    const CLASS: Class = Class::UsedUp;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<Self>, Flaw> {
        field.unless_null(Field::word)
    }

    fn write(fault: &Option<Self>, pen: &mut Pen) {
        match fault {
            None => pen.json(Self::KEY, "null"),
            Some(fault) => pen.string(Self::KEY, fault.word()),
        }
    }

    fn words(fault: &Option<Self>) -> Cow<'static, str> {
        match fault {
            None => "tls as usual".into(),
            Some(fault) => format!("tls {}", fault.word()).into(),
        }
    }

    fn clears(fault: &Option<Self>) -> bool {
        fault.is_none()
    }
}
