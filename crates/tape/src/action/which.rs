//! Which scene of a connection an action is about.

use std::borrow::Cow;

use crate::error::Flaw;
use crate::json::{Field, Object, Pen, Type};

/// A scene that was started on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichScene {
    /// The one with this name: its `as`, or its own name if it was started without one.
    Named(String),
    /// `{"any":2}`: the second that was started on the connection.
    Any(u64),
}

impl WhichScene {
    /// What a journal calls it.
    pub(super) fn words(&self) -> Cow<'_, str> {
        match self {
            Self::Named(name) => Cow::Borrowed(name),
            Self::Any(nth) => format!("any {nth}").into(),
        }
    }

    /// Reads a name, or an object of `scene` or `any` and `more` keys; returns the object too, if
    /// any.
    pub(super) fn read<'a>(
        field: &Field<'a>,
        more: &[&str],
    ) -> Result<(Self, Option<Object<'a>>), Flaw> {
        if field.is(Type::String) {
            return Ok((Self::Named(field.name()?), None));
        }
        if !field.is(Type::Object) {
            return Err(field.wrong("the name of a scene, or {\"any\":1}"));
        }
        let object = field.object(&[&["scene", "any"], more].concat())?;
        let which = match (object.get("scene"), object.get("any")) {
            (Some(_), Some(second)) => return Err(second.either("scene", "any")),
            (Some(name), None) => Self::Named(name.name()?),
            (None, Some(nth)) => Self::Any(nth.whole(1..=u64::MAX)?),
            (None, None) => {
                object.demand("scene", r#"{"scene":"trades"} or {"any":1}"#)?;
                unreachable!("it is not there")
            }
        };
        Ok((which, Some(object)))
    }

    /// Writes the member that names the scene into the object that is open.
    pub(super) fn write_into(&self, pen: &mut Pen) {
        match self {
            Self::Named(name) => pen.string("scene", name),
            Self::Any(nth) => pen.json("any", nth),
        }
    }

    /// Writes it as the whole value of `key`.
    pub(super) fn write(&self, key: &str, pen: &mut Pen) {
        match self {
            Self::Named(name) => pen.string(key, name),
            Self::Any(_) => {
                pen.object(key);
                self.write_into(pen);
                pen.close();
            }
        }
    }
}
