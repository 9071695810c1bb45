//! `drop`: the transport ends without a closing handshake.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen, words};

/// How a transport ends without a closing handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `"fin"`: with a FIN, after the bytes in flight.
    Fin,
    /// `"reset"`: with a reset, which discards the bytes in flight.
    Reset,
}

words!(End {
    Fin = "fin",
    Reset = "reset"
});

impl Spec for End {
    type Value = Self;
    const KEY: &'static str = "drop";
    const CLASS: Class = Class::Event;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        field.word()
    }

    fn write(end: &Self, pen: &mut Pen) {
        pen.string(Self::KEY, end.word());
    }

    fn words(end: &Self) -> Cow<'static, str> {
        end.word().into()
    }

    fn simpler(end: &Self) -> Vec<Self> {
        match end {
            Self::Fin => Vec::new(),
            Self::Reset => vec![Self::Fin],
        }
    }
}
