//! `pongs`: how Pings are answered.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::Micros;
use crate::error::Flaw;
use crate::json::{Field, Pen, Type, Word};

/// How the engine answers Pings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pongs {
    /// `"auto"`: at once (RFC 6455, 5.5.2).
    Auto,
    /// `"withheld"`: never.
    Withheld,
    /// `{"delay_ms": N}`: late.
    Delayed(Micros),
}

impl Word for Pongs {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("withheld", Self::Withheld)];
}

impl Spec for Pongs {
    type Value = Self;
    const KEY: &'static str = "pongs";
    const CLASS: Class = Class::State;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        if field.is(Type::Object) {
            let object = field.object(&["delay_ms"])?;
            let delay = object.demand("delay_ms", r#"{"delay_ms":50}"#)?.ms()?;
            return Ok(Self::Delayed(delay));
        }
        field.word_or(r#""auto", "withheld" or {"delay_ms":N}"#)
    }

    fn write(pongs: &Self, pen: &mut Pen) {
        match pongs {
            Self::Auto => pen.string(Self::KEY, "auto"),
            Self::Withheld => pen.string(Self::KEY, "withheld"),
            Self::Delayed(delay) => {
                pen.object(Self::KEY);
                pen.ms("delay_ms", *delay);
                pen.close();
            }
        }
    }

    fn words(pongs: &Self) -> Cow<'static, str> {
        match pongs {
            Self::Auto => "pongs auto".into(),
            Self::Withheld => "pongs withheld".into(),
            Self::Delayed(by) => format!("pongs late by {} ms", by.to_ms_text()).into(),
        }
    }

    fn clears(pongs: &Self) -> bool {
        *pongs == Self::Auto
    }
}
