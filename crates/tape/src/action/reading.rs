//! `reading`: whether the engine reads what clients send.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen, Type};

/// Whether the engine reads what clients send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// `true`: all of it, as it comes.
    On,
    /// `false`: nothing. A client's writes go on until the buffers on the way are full.
    Off,
    /// `{"room_bytes": N}`: nothing, and the buffers on the way are full after this many bytes.
    Room {
        /// How many more bytes they take.
        bytes: u32,
    },
}

impl Spec for Reading {
    type Value = Self;
    const KEY: &'static str = "reading";
    const CLASS: Class = Class::State;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        if field.is(Type::Object) {
            let object = field.object(&["room_bytes"])?;
            let room = object.demand("room_bytes", r#"{"room_bytes":0}"#)?;
            return Ok(Self::Room {
                bytes: room.whole(0..=u32::MAX)?,
            });
        }
        match field.bool() {
            Ok(true) => Ok(Self::On),
            Ok(false) => Ok(Self::Off),
            Err(_) => Err(field.wrong(r#"true, false or {"room_bytes":0}"#)),
        }
    }

    fn write(reading: &Self, pen: &mut Pen) {
        match reading {
            Self::On => pen.json(Self::KEY, true),
            Self::Off => pen.json(Self::KEY, false),
            Self::Room { bytes } => {
                pen.object(Self::KEY);
                pen.json("room_bytes", bytes);
                pen.close();
            }
        }
    }

    fn words(reading: &Self) -> Cow<'static, str> {
        match reading {
            Self::On => "reads again".into(),
            Self::Off => "stops reading".into(),
            Self::Room { bytes } => format!("stops reading, room for {bytes} bytes").into(),
        }
    }

    fn clears(reading: &Self) -> bool {
        *reading == Self::On
    }

    fn simpler(reading: &Self) -> Vec<Self> {
        match reading {
            Self::Room { .. } => vec![Self::Off],
            Self::On | Self::Off => Vec::new(),
        }
    }
}
