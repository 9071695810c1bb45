//! `text`: any Text message.

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct Text;

impl Spec for Text {
    type Value = String;
    const KEY: &'static str = "text";
    const CLASS: Class = Class::Sent;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<String, Flaw> {
        field.owned_string()
    }

    fn write(text: &String, pen: &mut Pen) {
        pen.string(Self::KEY, text);
    }

    fn payload_bytes(text: &String) -> usize {
        text.len()
    }
}
