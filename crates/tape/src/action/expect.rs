//! `expect`: a demand on the subscriber.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::received::Received;
use super::spec::{Class, Spec};
use crate::Micros;
use crate::error::{Flaw, TapeErrorKind};
use crate::json::{Field, Pen, Type};

/// A demand on the subscriber, checked `after` the step.
#[derive(Debug, Clone)]
pub struct Expect {
    /// How long after the step it must hold.
    pub after: Micros,
    /// A JSON object that the subscriber's mirror must contain (members not named are free).
    pub mirror: Option<Box<RawValue>>,
    /// What the client must have sent since the step.
    pub received: Option<Received>,
}

impl PartialEq for Expect {
    /// The mirror is compared as text.
    fn eq(&self, other: &Self) -> bool {
        let text = |e: &Self| e.mirror.as_ref().map(|m| m.get().to_owned());
        self.after == other.after && self.received == other.received && text(self) == text(other)
    }
}

impl Spec for Expect {
    type Value = Self;
    const KEY: &'static str = "expect";
    const CLASS: Class = Class::Event;

    fn read(field: &Field<'_>, line: &Bytes) -> Result<Self, Flaw> {
        let object = field.object(&["after_ms", "mirror", "received"])?;
        let mirror = object.get("mirror");
        if let Some(wrong) = mirror.filter(|m| !m.is(Type::Object)) {
            return Err(wrong.wrong("an object"));
        }
        let received = object
            .get("received")
            .map(|field| Received::read(field, line))
            .transpose()?;
        if mirror.is_none() && received.is_none() {
            let message = "\"expect\" needs a \"mirror\" or a \"received\"";
            let flaw = object.flaw(TapeErrorKind::MissingKey, message);
            return Err(flaw.key(Self::KEY));
        }
        Ok(Self {
            after: object.get("after_ms").map_or(Ok(Micros::ZERO), Field::ms)?,
            mirror: mirror.map(Field::raw),
            received,
        })
    }

    fn write(expect: &Self, pen: &mut Pen) {
        pen.object(Self::KEY);
        if expect.after != Micros::ZERO {
            pen.ms("after_ms", expect.after);
        }
        if let Some(mirror) = &expect.mirror {
            pen.json("mirror", mirror.get());
        }
        if let Some(received) = &expect.received {
            Received::write(received, pen);
        }
        pen.close();
    }
}
