//! `answers`: who decides how handshakes are answered.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::feature::CONNECTIONS;
use crate::json::{Field, Pen, words};

/// Who decides how handshakes are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Answers {
    /// `"auto"`: the engine, at once, by the states that are set.
    #[default]
    Auto,
    /// `"held"`: each connection's own steps. A handshake waits for an `accept`, `refuse`,
    /// `garbage` or `drop` that names its connection, and what such steps send before the
    /// connection has come waits for it, in order. Used to play recordings of several connections:
    /// each gets exactly what it got when recorded, whenever it dials.
    Held,
}

words!(Answers {
    Auto = "auto",
    Held = "held"
});

impl Spec for Answers {
    type Value = Self;
    const KEY: &'static str = "answers";
    const CLASS: Class = Class::State;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        field.word()
    }

    fn write(answers: &Self, pen: &mut Pen) {
        pen.string(Self::KEY, answers.word());
    }

    fn words(answers: &Self) -> Cow<'static, str> {
        match answers {
            Self::Auto => "answers auto",
            Self::Held => "answers held",
        }
        .into()
    }

    fn clears(answers: &Self) -> bool {
        *answers == Self::Auto
    }

    fn feature(_answers: &Self) -> Option<&'static str> {
        Some(CONNECTIONS)
    }
}
