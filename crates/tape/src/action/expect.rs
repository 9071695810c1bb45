//! `expect`: a demand on the subscriber.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::received::Received;
use super::spec::{Class, Spec};
use crate::Micros;
use crate::error::{Flaw, TapeErrorKind};
use crate::feature::DIALOGUE;
use crate::json::{Field, Object, Pen, Type};
use crate::message::{Match, read_match, write_match};

/// A demand on the subscriber, checked `after` the step.
#[derive(Debug, Clone)]
pub struct Expect {
    /// How long after the step it must hold.
    pub after: Micros,
    /// A JSON object that the subscriber's mirror must contain (members not named are free).
    pub mirror: Option<Box<RawValue>>,
    /// What the client must have sent since the step.
    pub received: Option<Received>,
    /// A message that the client must have sent since the step, from a `received` with a
    /// `contains`, `regex`, `json` or `jsonpath`.
    pub message: Option<Box<Match>>,
}

impl PartialEq for Expect {
    /// The mirror is compared as text.
    fn eq(&self, other: &Self) -> bool {
        let text = |e: &Self| e.mirror.as_ref().map(|m| m.get().to_owned());
        self.after == other.after
            && self.received == other.received
            && self.message == other.message
            && text(self) == text(other)
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
        let (mut received, mut message) = (None, None);
        if let Some(field) = object.get("received") {
            if is_match(field) {
                message = Some(Box::new(read_expected(field)?));
            } else {
                received = Some(read_frame(field, line)?);
            }
        }
        if mirror.is_none() && received.is_none() && message.is_none() {
            let message = "\"expect\" needs a \"mirror\" or a \"received\"";
            let flaw = object.flaw(TapeErrorKind::MissingKey, message);
            return Err(flaw.key(Self::KEY));
        }
        Ok(Self {
            after: object.get("after_ms").map_or(Ok(Micros::ZERO), Field::ms)?,
            mirror: mirror.map(Field::raw),
            received,
            message,
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
        if let Some(message) = &expect.message {
            write_match(pen, Received::KEY, message);
        }
        pen.close();
    }

    fn feature(expect: &Self) -> Option<&'static str> {
        expect.message.as_ref().map(|_| DIALOGUE)
    }
}

/// Keys that make a `received` a match, as in `on_message`.
const MATCH_KEYS: [&str; 4] = ["contains", "regex", "json", "jsonpath"];

fn is_match(field: &Field<'_>) -> bool {
    let has_one = |object: Object<'_>| MATCH_KEYS.iter().any(|key| object.get(key).is_some());
    field.is(Type::Object) && Object::read(field.value).is_ok_and(has_one)
}

/// Reads what a client must have sent, and rejects what no engine looks for: it would never be met.
fn read_frame(field: &Field<'_>, line: &Bytes) -> Result<Received, Flaw> {
    let received = Received::read(field, line)?;
    let object = Object::read(field.value)?;
    match object.get("kind") {
        Some(kind) if !received.kind.in_first_version() => {
            let expected = r#""text", "binary", "ping", "pong" or "close" in an "expect""#;
            Err(kind.wrong(expected))
        }
        _ => Ok(received),
    }
}

/// Reads a match, and rejects members that don't apply to a single message.
fn read_expected(field: &Field<'_>) -> Result<Match, Flaw> {
    let wanted = read_match(field)?;
    let object = Object::read(field.value)?;
    match ["nth", "unmatched"].iter().find_map(|key| object.get(key)) {
        None => Ok(wanted),
        Some(misplaced) => {
            let message = format!("{:?} goes with \"on_message\" only", misplaced.name);
            Err(misplaced.key_flaw(TapeErrorKind::Misplaced, message))
        }
    }
}
