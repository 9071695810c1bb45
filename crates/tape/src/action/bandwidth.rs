//! `bytes_per_s`: a link's bandwidth.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

pub(crate) struct Bandwidth;

impl Spec for Bandwidth {
    type Value = Option<u64>;
    const KEY: &'static str = "bytes_per_s";
    const CLASS: Class = Class::Link;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<u64>, Flaw> {
        field.unless_null(|field| field.whole(1..=u64::MAX))
    }

    fn write(rate: &Option<u64>, pen: &mut Pen) {
        match rate {
            None => pen.json(Self::KEY, "null"),
            Some(rate) => pen.json(Self::KEY, rate),
        }
    }

    fn words(rate: &Option<u64>) -> Cow<'static, str> {
        match rate {
            None => "bandwidth unlimited".into(),
            Some(rate) => format!("bandwidth {rate} bytes/s").into(),
        }
    }

    fn clears(rate: &Option<u64>) -> bool {
        rate.is_none()
    }
}
