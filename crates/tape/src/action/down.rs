//! `down`: the port serves nobody.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::json::{Field, Pen, Type};

/// The value of `open`: connections that are open live on.
const KEPT: &str = "kept";
/// The value of `dials`: dials are neither taken nor refused.
const PENDING: &str = "pending";

/// What a port that is down does with dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Down {
    /// It is not down: it listens.
    #[default]
    Up,
    /// `{"dials":"pending"}`: it neither takes nor refuses them, as if a listener's queue were
    /// full. Open connections live on.
    Pends,
    /// It refuses them, as if nobody listened. On TCP only the dialer knows of such a dial.
    Refuses,
    /// `{"open":"kept"}`: it refuses them, but open connections live on, as when a server or a
    /// proxy drains.
    Drains,
    /// It takes this many dials, one by one, and resets each before answering; then it listens
    /// again. That way dials are seen and counted on TCP too.
    Resets {
        /// How many dials it resets, from 1.
        dials: u32,
    },
}

impl Spec for Down {
    type Value = Self;
    const KEY: &'static str = "down";
    const CLASS: Class = Class::State;
    const ENGINE_WIDE: bool = true;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        if field.is(Type::Object) {
            let object = field.object(&["dials", "open"])?;
            if let Some(open) = object.get("open") {
                if let Some(dials) = object.get("dials") {
                    return Err(dials.either("open", "dials"));
                }
                if open.string()? != KEPT {
                    return Err(open.wrong(r#""kept""#));
                }
                return Ok(Self::Drains);
            }
            let dials = object.demand("dials", r#"{"dials":6}"#)?;
            if dials.is(Type::String) {
                if dials.string()? != PENDING {
                    return Err(dials.wrong(r#"a whole number from 1, or "pending""#));
                }
                return Ok(Self::Pends);
            }
            return Ok(Self::Resets {
                dials: dials.whole(1..=u32::MAX)?,
            });
        }
        match field.bool() {
            Ok(true) => Ok(Self::Refuses),
            Ok(false) => Ok(Self::Up),
            Err(_) => {
                Err(field
                    .wrong(r#"true, false, {"dials":6}, {"dials":"pending"} or {"open":"kept"}"#))
            }
        }
    }

    fn write(down: &Self, pen: &mut Pen) {
        match down {
            Self::Up => pen.json(Self::KEY, false),
            Self::Refuses => pen.json(Self::KEY, true),
            Self::Pends => {
                pen.object(Self::KEY);
                pen.string("dials", PENDING);
                pen.close();
            }
            Self::Drains => {
                pen.object(Self::KEY);
                pen.string("open", KEPT);
                pen.close();
            }
            Self::Resets { dials } => {
                pen.object(Self::KEY);
                pen.json("dials", dials);
                pen.close();
            }
        }
    }

    fn words(down: &Self) -> Cow<'static, str> {
        match down {
            Self::Up => "up".into(),
            Self::Refuses => "down".into(),
            Self::Pends => "dials pend".into(),
            Self::Drains => "down, what is open is kept".into(),
            Self::Resets { dials } => format!("down, {dials} dials reset").into(),
        }
    }

    fn clears(down: &Self) -> bool {
        *down == Self::Up
    }

    fn simpler(down: &Self) -> Vec<Self> {
        match down {
            Self::Drains | Self::Pends => vec![Self::Refuses],
            Self::Resets { dials } if *dials > 1 => vec![Self::Resets { dials: dials / 2 }],
            _ => Vec::new(),
        }
    }
}
