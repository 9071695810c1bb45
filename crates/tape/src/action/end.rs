//! `end`: the recording's end.

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct TapeEnd;

impl Spec for TapeEnd {
    type Value = ();
    const KEY: &'static str = "end";
    const CLASS: Class = Class::Event;
    const ENGINE_WIDE: bool = true;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<(), Flaw> {
        if field.value.text == "true" {
            Ok(())
        } else {
            Err(field.wrong("true"))
        }
    }

    fn write((): &(), pen: &mut Pen) {
        pen.json(Self::KEY, true);
    }
}
