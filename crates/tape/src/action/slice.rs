//! `slice_bytes`: how much of a link's bytes is delivered at once.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct Slice;

impl Spec for Slice {
    type Value = Option<u32>;
    const KEY: &'static str = "slice_bytes";
    const CLASS: Class = Class::Link;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<u32>, Flaw> {
        field.unless_null(|field| field.whole(1..=u32::MAX))
    }

    fn write(slice: &Option<u32>, pen: &mut Pen) {
        match slice {
            None => pen.json(Self::KEY, "null"),
            Some(slice) => pen.json(Self::KEY, slice),
        }
    }

    fn words(slice: &Option<u32>) -> Cow<'static, str> {
        match slice {
            None => "slice none".into(),
            Some(slice) => format!("slice {slice} bytes").into(),
        }
    }

    fn clears(slice: &Option<u32>) -> bool {
        slice.is_none()
    }
}
