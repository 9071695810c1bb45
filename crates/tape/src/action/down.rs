//! `down`: the port refuses connections.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct Down;

impl Spec for Down {
    type Value = bool;
    const KEY: &'static str = "down";
    const CLASS: Class = Class::State;
    const ENGINE_WIDE: bool = true;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<bool, Flaw> {
        field.bool()
    }

    fn write(on: &bool, pen: &mut Pen) {
        pen.json(Self::KEY, on);
    }

    fn words(on: &bool) -> Cow<'static, str> {
        if *on { "down" } else { "up" }.into()
    }

    fn clears(on: &bool) -> bool {
        !on
    }
}
