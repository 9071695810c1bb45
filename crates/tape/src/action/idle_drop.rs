//! `idle_drop`: something on the way forgets connections that carry nothing.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::Micros;
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct IdleDrop;

impl Spec for IdleDrop {
    type Value = Option<Micros>;
    const KEY: &'static str = "idle_drop";
    const CLASS: Class = Class::State;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<Micros>, Flaw> {
        let after = field.unless_null(Field::ms)?;
        if after == Some(Micros::ZERO) {
            return Err(field.wrong("milliseconds, more than 0, or null"));
        }
        Ok(after)
    }

    fn write(after: &Option<Micros>, pen: &mut Pen) {
        match after {
            None => pen.json(Self::KEY, "null"),
            Some(after) => pen.ms(Self::KEY, *after),
        }
    }

    fn words(after: &Option<Micros>) -> Cow<'static, str> {
        match after {
            None => "idle drop none".into(),
            Some(after) => format!("idle drop after {} ms", after.to_ms_text()).into(),
        }
    }

    fn clears(after: &Option<Micros>) -> bool {
        after.is_none()
    }
}
