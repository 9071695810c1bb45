//! `mute`: a scene sends nothing while its connection lives on: a dead channel.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use super::which::WhichScene;
use crate::error::Flaw;
use crate::feature::DIALOGUE;
use crate::json::{Field, Pen};

pub(crate) struct Mute;

impl Spec for Mute {
    /// `None` for `false`: every scene of the connection sends again.
    type Value = Option<WhichScene>;
    const KEY: &'static str = "mute";
    const CLASS: Class = Class::State;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<WhichScene>, Flaw> {
        if field.value.text == "false" {
            return Ok(None);
        }
        WhichScene::read(field, &[]).map(|(which, _)| Some(which))
    }

    fn write(which: &Option<WhichScene>, pen: &mut Pen) {
        match which {
            None => pen.json(Self::KEY, false),
            Some(which) => which.write(Self::KEY, pen),
        }
    }

    fn words(which: &Option<WhichScene>) -> Cow<'static, str> {
        match which {
            None => "mute none".into(),
            Some(which) => format!("mute {}", which.words()).into(),
        }
    }

    fn clears(which: &Option<WhichScene>) -> bool {
        which.is_none()
    }

    fn feature(_which: &Option<WhichScene>) -> Option<&'static str> {
        Some(DIALOGUE)
    }
}
