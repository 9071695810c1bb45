//! `gap`, `repeat` and `late`: what becomes of the next messages of a scene.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use super::which::WhichScene;
use crate::Micros;
use crate::error::{Flaw, TapeErrorKind};
use crate::feature::DIALOGUE;
use crate::json::{Field, Object, Pen};

/// The next messages of a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SomeOf {
    /// The scene whose messages they are.
    pub which: WhichScene,
    /// How many (`next`), from 1.
    pub next: u32,
}

/// The next messages of a scene, and how late they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// The messages that are late.
    pub some: SomeOf,
    /// How late (`by_ms`): what is due in the meantime overtakes them.
    pub by: Micros,
}

impl SomeOf {
    fn read<'a>(field: &Field<'a>, more: &[&str]) -> Result<(Self, Option<Object<'a>>), Flaw> {
        let (which, object) = WhichScene::read(field, &[&["next"], more].concat())?;
        let next = object.as_ref().and_then(|object| object.get("next"));
        let next = next.map_or(Ok(1), |next| next.whole(1..=u32::MAX))?;
        Ok((Self { which, next }, object))
    }

    fn write(&self, key: &str, pen: &mut Pen) {
        if self.next == 1 {
            return self.which.write(key, pen);
        }
        pen.object(key);
        self.write_into(pen);
        pen.close();
    }

    fn write_into(&self, pen: &mut Pen) {
        self.which.write_into(pen);
        if self.next != 1 {
            pen.json("next", self.next);
        }
    }

    fn words(&self, key: &str) -> Cow<'static, str> {
        format!("{key} {} × {}", self.which.words(), self.next).into()
    }

    fn simpler(&self) -> Option<Self> {
        let which = self.which.clone();
        (self.next > 1).then_some(Self { which, next: 1 })
    }
}

/// What becomes of the next messages: they are left out, or sent twice.
pub(crate) struct Next<const TWICE: bool>;

pub(crate) type Gap = Next<false>;
pub(crate) type Repeat = Next<true>;

impl<const TWICE: bool> Spec for Next<TWICE> {
    type Value = SomeOf;
    const KEY: &'static str = if TWICE { "repeat" } else { "gap" };
    const CLASS: Class = Class::Event;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<SomeOf, Flaw> {
        SomeOf::read(field, &[]).map(|(some, _)| some)
    }

    fn write(some: &SomeOf, pen: &mut Pen) {
        some.write(Self::KEY, pen);
    }

    fn words(some: &SomeOf) -> Cow<'static, str> {
        some.words(Self::KEY)
    }

    fn feature(_some: &SomeOf) -> Option<&'static str> {
        Some(DIALOGUE)
    }

    fn simpler(some: &SomeOf) -> Vec<SomeOf> {
        some.simpler().into_iter().collect()
    }
}

impl Spec for Late {
    type Value = Self;
    const KEY: &'static str = "late";
    const CLASS: Class = Class::Event;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        const EXAMPLE: &str = r#"{"scene":"trades","by_ms":500}"#;
        let (some, object) = SomeOf::read(field, &["by_ms"])?;
        let Some(object) = object else {
            let message = format!("\"late\" says how late, as in {EXAMPLE}");
            return Err(field.value_flaw(TapeErrorKind::MissingKey, message));
        };
        let by = object.demand("by_ms", EXAMPLE)?.ms()?;
        Ok(Self { some, by })
    }

    fn write(late: &Self, pen: &mut Pen) {
        pen.object(Self::KEY);
        late.some.write_into(pen);
        pen.json("by_ms", &late.by.to_ms_text());
        pen.close();
    }

    fn words(late: &Self) -> Cow<'static, str> {
        format!(
            "{} by {} ms",
            late.some.words(Self::KEY),
            late.by.to_ms_text()
        )
        .into()
    }

    fn feature(_late: &Self) -> Option<&'static str> {
        Some(DIALOGUE)
    }

    fn simpler(late: &Self) -> Vec<Self> {
        let by = late.by;
        let simpler = late.some.simpler().map(|some| Self { some, by });
        simpler.into_iter().collect()
    }
}
