//! `half_close`: the engine ends its side of the stream.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct HalfClose;

impl Spec for HalfClose {
    type Value = ();
    const KEY: &'static str = "half_close";
    const CLASS: Class = Class::Event;

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

    fn words((): &()) -> Cow<'static, str> {
        "fin, still reading".into()
    }
}
