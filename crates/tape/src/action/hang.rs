//! `hang`: connections are taken and never answered.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct Hang;

impl Spec for Hang {
    type Value = bool;
    const KEY: &'static str = "hang";
    const CLASS: Class = Class::UsedUp;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<bool, Flaw> {
        field.bool()
    }

    fn write(on: &bool, pen: &mut Pen) {
        pen.json(Self::KEY, on);
    }

    fn words(on: &bool) -> Cow<'static, str> {
        if *on { "hang" } else { "hang none" }.into()
    }

    fn clears(on: &bool) -> bool {
        !on
    }
}
