//! `emit`: an event, in the engine's own form.

use std::borrow::Cow;
use std::str;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;

use super::spec::{Class, Spec};
use crate::error::{Flaw, TapeErrorKind};
use crate::json::{self, Field, Node, Pen, Type};

/// The key that every event must have.
static EVENT: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"event"));

pub(crate) struct Emit;

impl Spec for Emit {
    type Value = Bytes;
    const KEY: &'static str = "emit";
    const CLASS: Class = Class::Sent;

    fn read(field: &Field<'_>, line: &Bytes) -> Result<Bytes, Flaw> {
        if !field.is(Type::Object) {
            return Err(field.wrong("an object such as {\"event\":\"heartbeat\"}"));
        }
        match event(field.value) {
            Some(event) if event.kind() == Type::String => {
                Ok(line.slice_ref(field.value.text.as_bytes()))
            }
            Some(value) => {
                let inner = Field {
                    name: "event".into(),
                    key: value,
                    value,
                };
                Err(inner.wrong("a string"))
            }
            None => {
                let message = "\"emit\" needs an \"event\" (a string); \
                               to send JSON that is no event, use \"text\"";
                Err(field.value_flaw(TapeErrorKind::MissingKey, message))
            }
        }
    }

    /// Writes an `emit` if a line can hold it as one, else an action that sends the same bytes.
    fn write(bytes: &Bytes, pen: &mut Pen) {
        write_event(bytes, pen);
    }

    /// Returns the event's name, or `text` if it has none.
    fn words(bytes: &Bytes) -> Cow<'static, str> {
        let name = str::from_utf8(bytes)
            .ok()
            .and_then(|text| json::parse(text).ok())
            .filter(|node| node.kind() == Type::Object)
            .and_then(event)
            .filter(|name| name.kind() == Type::String)
            .and_then(|name| name.decode().ok());
        name.map_or(Cow::Borrowed("text"), |name| Cow::Owned(name.into_owned()))
    }

    fn payload_bytes(bytes: &Bytes) -> usize {
        bytes.len()
    }
}

/// Writes a message as an `emit` if a line can hold it as one, else as an action that sends the
/// same bytes.
pub(crate) fn write_event(bytes: &[u8], pen: &mut Pen) {
    write_sent(Emit::KEY, bytes, is_emit, pen);
}

/// Writes a payload as it is under `key`, if possible; else as an action that sends the same bytes.
pub(super) fn write_sent(key: &str, bytes: &[u8], stands: fn(&str) -> bool, pen: &mut Pen) {
    match str::from_utf8(bytes) {
        Ok(text) if stands(text) => pen.verbatim(key, text),
        Ok(text) => pen.string("text", text),
        Err(_) => {
            pen.object("frame");
            pen.json("opcode", 1);
            pen.base64("payload_b64", bytes);
            pen.close();
        }
    }
}

/// Finds the `event` of an emit. The rest may be anything, even duplicate keys: it was recorded
/// from a wire, or is wrong on purpose.
fn event(emit: Node<'_>) -> Option<Node<'_>> {
    let is_event = |key: &Node<'_>| key.decode().is_ok_and(|key| key == "event");
    emit.members()
        .find(|(key, _)| is_event(key))
        .map(|(_, value)| value)
}

/// Whether this text, written as the value of `emit`, is read back unchanged.
fn is_emit(text: &str) -> bool {
    let whole = text.starts_with('{') && text.ends_with('}');
    if !whole || memchr::memchr(b'\n', text.as_bytes()).is_some() {
        return false;
    }
    // Engines put `event` first, so most events are recognized here.
    let first = text.strip_prefix("{\"event\":").map(str::trim_ascii_start);
    if first.is_some_and(|value| value.starts_with('"')) {
        return json::is_object(text);
    }
    // Most text that is not an event doesn't contain this key at all, not even escaped.
    let may_have = EVENT.find(text.as_bytes()).is_some() || text.contains('\\');
    may_have
        && json::is_object(text)
        && json::parse(text)
            .is_ok_and(|node| event(node).is_some_and(|event| event.kind() == Type::String))
}
