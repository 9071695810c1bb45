//! `ping` and `pong`: control frames that carry a payload.

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct Ping;

impl Spec for Ping {
    type Value = Bytes;
    const KEY: &'static str = "ping";
    const CLASS: Class = Class::Sent;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Bytes, Flaw> {
        field.text_or_b64()
    }

    fn write(payload: &Bytes, pen: &mut Pen) {
        pen.text_or_b64(Self::KEY, payload);
    }

    fn payload_bytes(payload: &Bytes) -> usize {
        payload.len()
    }
}

pub(crate) struct Pong;

impl Spec for Pong {
    type Value = Bytes;
    const KEY: &'static str = "pong";
    const CLASS: Class = Class::Sent;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Bytes, Flaw> {
        field.text_or_b64()
    }

    fn write(payload: &Bytes, pen: &mut Pen) {
        pen.text_or_b64(Self::KEY, payload);
    }

    fn payload_bytes(payload: &Bytes) -> usize {
        payload.len()
    }
}
