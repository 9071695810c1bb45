//! When a step happens.

use crate::Micros;
use crate::error::{Flaw, TapeErrorKind};
use crate::json::{Field, Object, Pen};

/// Keys that say when, on a connection.
pub(super) const AFTER_KEYS: [&str; 4] =
    ["after_ms", "after_frames", "after_bytes", "after_received"];

/// When a step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// `at_ms`: on the engine's clock.
    At(Micros),
    /// `on_connect`: on one connection, or on each.
    OnConnect {
        /// Connection number, from 1; `None` for `"each"`.
        nth: Option<u64>,
        /// When, on that connection.
        after: After,
    },
}

/// When, on a connection, a prologue step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// `after_ms`: since the accept. Actions that send frames wait for the 101.
    Time(Micros),
    /// `after_frames`: once this many frames were sent to the client; 0 is the 101.
    Frames(u64),
    /// `after_bytes`: once exactly this many bytes were sent after the 101's head; a frame that
    /// crosses the mark is cut there.
    Bytes(u64),
    /// `after_received`: once this many frames came from the client.
    Received(u64),
}

/// Reads the trigger of a step.
pub(super) fn read_trigger(object: &Object<'_>) -> Result<Trigger, Flaw> {
    let misplaced =
        |field: &Field<'_>, message| Err(field.key_flaw(TapeErrorKind::Misplaced, message));
    let mut after = object
        .fields()
        .iter()
        .filter(|f| AFTER_KEYS.contains(&&*f.name));
    let (first, second) = (after.next(), after.next());
    match (object.get("at_ms"), object.get("on_connect")) {
        (Some(_), Some(second)) => misplaced(
            second,
            "either \"at_ms\" or \"on_connect\", not both".to_owned(),
        ),
        (None, None) => {
            let message = "a step needs a trigger: \"at_ms\" or \"on_connect\"";
            Err(object.flaw(TapeErrorKind::MissingKey, message))
        }
        (Some(at), None) => match first {
            Some(after) => misplaced(
                after,
                format!("{:?} goes with \"on_connect\" only", after.name),
            ),
            None => Ok(Trigger::At(at.ms()?)),
        },
        (None, Some(on)) => {
            if let (Some(first), Some(second)) = (first, second) {
                let message = format!("either {:?} or {:?}, not both", first.name, second.name);
                return misplaced(second, message);
            }
            let after = first.map_or(Ok(After::Time(Micros::ZERO)), after_mark)?;
            Ok(Trigger::OnConnect {
                nth: nth(on)?,
                after,
            })
        }
    }
}

fn after_mark(field: &Field<'_>) -> Result<After, Flaw> {
    let count = || field.whole(0..=u64::MAX);
    Ok(match &*field.name {
        "after_ms" => After::Time(field.ms()?),
        "after_frames" => After::Frames(count()?),
        "after_bytes" => After::Bytes(count()?),
        _ => After::Received(count()?),
    })
}

fn nth(field: &Field<'_>) -> Result<Option<u64>, Flaw> {
    match field.value.text {
        "\"each\"" => Ok(None),
        _ => field
            .whole(1..=u64::MAX)
            .map(Some)
            .map_err(|_| field.wrong("\"each\" or the number of a connection, from 1")),
    }
}

/// Writes the trigger of a step.
pub(super) fn write_trigger(pen: &mut Pen, trigger: &Trigger) {
    match trigger {
        Trigger::At(at) => pen.ms("at_ms", *at),
        Trigger::OnConnect { nth, after } => {
            match nth {
                Some(nth) => pen.json("on_connect", nth),
                None => pen.string("on_connect", "each"),
            }
            match after {
                After::Time(at) if at.0 == 0 => {}
                After::Time(at) => pen.ms("after_ms", *at),
                After::Frames(n) => pen.json("after_frames", n),
                After::Bytes(n) => pen.json("after_bytes", n),
                After::Received(n) => pen.json("after_received", n),
            }
        }
    }
}
