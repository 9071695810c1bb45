//! `start`: a scene begins on a connection.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::error::Flaw;
use crate::feature::DIALOGUE;
use crate::json::{Field, Pen, Type};

/// A scene to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Its name.
    pub scene: String,
    /// The name of this run (`as`), if not the scene's own. It lets one scene run several times on
    /// a connection.
    pub name: Option<String>,
}

impl Start {
    /// Starts the scene under its own name.
    #[must_use]
    pub fn new(scene: impl Into<String>) -> Self {
        let scene = scene.into();
        Self { scene, name: None }
    }

    /// The name of the run.
    #[must_use]
    pub fn goes_by(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.scene)
    }
}

impl Spec for Start {
    type Value = Self;
    const KEY: &'static str = "start";
    const CLASS: Class = Class::Event;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        match field.value.kind() {
            Type::String => Ok(Self::new(field.name()?)),
            Type::Object => {
                let object = field.object(&["scene", "as"])?;
                let scene = object.demand("scene", r#"{"scene":"trades","as":"${/id}"}"#)?;
                Ok(Self {
                    scene: scene.name()?,
                    name: object.get("as").map(Field::name).transpose()?,
                })
            }
            _ => Err(field.wrong("the name of a scene, or {\"scene\":\"…\",\"as\":\"…\"}")),
        }
    }

    fn write(start: &Self, pen: &mut Pen) {
        let Some(name) = &start.name else {
            return pen.string(Self::KEY, &start.scene);
        };
        pen.object(Self::KEY);
        pen.string("scene", &start.scene);
        pen.string("as", name);
        pen.close();
    }

    fn words(start: &Self) -> Cow<'static, str> {
        match &start.name {
            None => format!("start {}", start.scene).into(),
            Some(name) => format!("start {} as {name}", start.scene).into(),
        }
    }

    fn feature(_start: &Self) -> Option<&'static str> {
        Some(DIALOGUE)
    }

    fn simpler(start: &Self) -> Vec<Self> {
        let plain = Self::new(start.scene.clone());
        start.name.as_ref().map(|_| plain).into_iter().collect()
    }
}
