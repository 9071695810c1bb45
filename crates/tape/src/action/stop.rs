//! `stop`: a scene ends on a connection, until it is started again.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use super::which::WhichScene;
use crate::error::Flaw;
use crate::feature::DIALOGUE;
use crate::json::{Field, Pen};

pub(crate) struct Stop;

impl Spec for Stop {
    type Value = WhichScene;
    const KEY: &'static str = "stop";
    const CLASS: Class = Class::Event;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<WhichScene, Flaw> {
        WhichScene::read(field, &[]).map(|(which, _)| which)
    }

    fn write(which: &WhichScene, pen: &mut Pen) {
        which.write(Self::KEY, pen);
    }

    fn words(which: &WhichScene) -> Cow<'static, str> {
        format!("stop {}", which.words()).into()
    }

    fn feature(_which: &WhichScene) -> Option<&'static str> {
        Some(DIALOGUE)
    }
}
