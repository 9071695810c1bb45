//! `binary`: a Binary message.

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct Binary;

impl Spec for Binary {
    type Value = Bytes;
    const KEY: &'static str = "binary";
    const CLASS: Class = Class::Sent;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Bytes, Flaw> {
        field.base64()
    }

    fn write(bytes: &Bytes, pen: &mut Pen) {
        pen.base64(Self::KEY, bytes);
    }

    fn payload_bytes(bytes: &Bytes) -> usize {
        bytes.len()
    }
}
