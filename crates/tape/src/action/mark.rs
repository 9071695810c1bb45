//! `mark`: a place that other tools and overlays can name.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct Mark;

impl Spec for Mark {
    type Value = String;
    const KEY: &'static str = "mark";
    const CLASS: Class = Class::Event;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<String, Flaw> {
        field.owned_string()
    }

    fn write(name: &String, pen: &mut Pen) {
        pen.string(Self::KEY, name);
    }

    fn words(name: &String) -> Cow<'static, str> {
        format!("mark {name:?}").into()
    }
}
