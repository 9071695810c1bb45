//! `garbage`: an answer that is not HTTP.

use std::borrow::Cow;
use std::str;

use bytes::Bytes;

use super::drop::End;
use super::spec::{Class, Spec};
use crate::error::{Flaw, TapeErrorKind};
use crate::json::{Field, Pen, Type};

/// The most bytes that one `garbage` may write: its bytes times `repeat`.
pub const MAX_GARBAGE_BYTES: u64 = 64 << 20;

/// An answer that is not HTTP, or only part of an HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbage {
    /// What is written.
    pub bytes: Bytes,
    /// How many times it is written (an oversize header in a short line); default 1.
    pub repeat: u32,
    /// What follows; `None` is silence.
    pub then: Option<End>,
}

impl Spec for Garbage {
    type Value = Option<Self>;
    const KEY: &'static str = "garbage";
    const CLASS: Class = Class::UsedUp;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<Self>, Flaw> {
        field.unless_null(read)
    }

    fn write(garbage: &Option<Self>, pen: &mut Pen) {
        let Some(garbage) = garbage else {
            return pen.json(Self::KEY, "null");
        };
        if let (1, None, Ok(text)) = (garbage.repeat, garbage.then, str::from_utf8(&garbage.bytes))
        {
            return pen.string(Self::KEY, text);
        }
        pen.object(Self::KEY);
        pen.text_or("text", "b64", &garbage.bytes);
        if garbage.repeat != 1 {
            pen.json("repeat", garbage.repeat);
        }
        if let Some(end) = garbage.then {
            pen.string("then", end.word());
        }
        pen.close();
    }

    fn words(garbage: &Option<Self>) -> Cow<'static, str> {
        let set = garbage.is_some();
        if set { "garbage" } else { "garbage none" }.into()
    }

    fn clears(garbage: &Option<Self>) -> bool {
        garbage.is_none()
    }

    fn simpler(garbage: &Option<Self>) -> Vec<Option<Self>> {
        let silent = garbage.clone().filter(|garbage| garbage.then.is_some());
        let silent = silent.map(|garbage| Self {
            then: None,
            ..garbage
        });
        silent.into_iter().map(Some).collect()
    }
}

fn read(field: &Field<'_>) -> Result<Garbage, Flaw> {
    if field.is(Type::String) {
        return Ok(Garbage {
            bytes: field.text_bytes()?,
            repeat: 1,
            then: None,
        });
    }
    if !field.is(Type::Object) {
        return Err(field.wrong(r#"a string, {"text":"…"}, {"b64":"…"} or null"#));
    }
    let object = field.object(&["text", "b64", "repeat", "then"])?;
    let bytes = match (object.get("text"), object.get("b64")) {
        (Some(_), Some(second)) => return Err(second.either("text", "b64")),
        (Some(text), None) => text.text_bytes()?,
        (None, Some(b64)) => b64.base64()?,
        (None, None) => {
            let message = "\"garbage\" needs a \"text\" or a \"b64\"";
            let flaw = object.flaw(TapeErrorKind::MissingKey, message);
            return Err(flaw.key("garbage"));
        }
    };
    let repeat = object
        .get("repeat")
        .map_or(Ok(1), |f| f.whole(1..=u32::MAX))?;
    if bytes.len() as u64 * u64::from(repeat) > MAX_GARBAGE_BYTES {
        let message = format!(
            "\"garbage\" of {} bytes {repeat} times over; at most {} MiB in all",
            bytes.len(),
            MAX_GARBAGE_BYTES >> 20,
        );
        return Err(field.value_flaw(TapeErrorKind::Limit, message));
    }
    let then = object.get("then").map(Field::word).transpose()?;
    Ok(Garbage {
        bytes,
        repeat,
        then,
    })
}
