//! `corrupt`: bits flip on the way.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen};

/// Every bit of a byte.
const ALL_BITS: u8 = 0xff;

/// Which bytes of a direction are damaged, counted from the step that sets it, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corruption {
    /// `skip_bytes`: this many bytes pass unharmed first. 0 hits the head of the next frame.
    pub skip_bytes: u64,
    /// `every_bytes`: every n-th byte from the first damaged one on; only the first if not
    /// given.
    pub every_bytes: Option<u64>,
    /// `flip`: the bits that are flipped, never 0; all of them if not given.
    pub flip: u8,
}

impl Corruption {
    /// Flips every bit of the one byte after `skip_bytes` others.
    #[must_use]
    pub fn once(skip_bytes: u64) -> Self {
        Self {
            skip_bytes,
            every_bytes: None,
            flip: ALL_BITS,
        }
    }
}

impl Spec for Corruption {
    type Value = Option<Self>;
    const KEY: &'static str = "corrupt";
    const CLASS: Class = Class::Link;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<Self>, Flaw> {
        field.unless_null(|field| {
            let object = field.object(&["skip_bytes", "every_bytes", "flip"])?;
            let skip = object.get("skip_bytes");
            let every = object.get("every_bytes");
            let flip = object.get("flip");
            Ok(Self {
                skip_bytes: skip.map_or(Ok(0), |field| field.whole(0..=u64::MAX))?,
                every_bytes: every.map(|field| field.whole(1..=u64::MAX)).transpose()?,
                flip: flip.map_or(Ok(ALL_BITS), |field| field.whole(1..=ALL_BITS))?,
            })
        })
    }

    fn write(corruption: &Option<Self>, pen: &mut Pen) {
        let Some(corruption) = corruption else {
            return pen.json(Self::KEY, "null");
        };
        pen.object(Self::KEY);
        if corruption.skip_bytes > 0 {
            pen.json("skip_bytes", corruption.skip_bytes);
        }
        if let Some(every) = corruption.every_bytes {
            pen.json("every_bytes", every);
        }
        if corruption.flip != ALL_BITS {
            pen.json("flip", corruption.flip);
        }
        pen.close();
    }

    fn words(corruption: &Option<Self>) -> Cow<'static, str> {
        let Some(Self {
            skip_bytes,
            every_bytes,
            flip,
        }) = corruption
        else {
            return "corrupt none".into();
        };
        match every_bytes {
            None => format!("corrupt byte {skip_bytes} by {flip:#04x}").into(),
            Some(every) => {
                format!("corrupt byte {skip_bytes} and each {every} on by {flip:#04x}").into()
            }
        }
    }

    fn clears(corruption: &Option<Self>) -> bool {
        corruption.is_none()
    }

    fn simpler(corruption: &Option<Self>) -> Vec<Option<Self>> {
        match corruption {
            Some(Self {
                skip_bytes,
                every_bytes: Some(_),
                flip,
            }) => vec![Some(Self {
                skip_bytes: *skip_bytes,
                every_bytes: None,
                flip: *flip,
            })],
            _ => Vec::new(),
        }
    }
}
