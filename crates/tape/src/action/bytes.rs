//! `bytes`: any bytes onto the stream.

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct RawBytes;

impl Spec for RawBytes {
    type Value = Bytes;
    const KEY: &'static str = "bytes";
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
