//! A message of an entry, as the archive writes it and as it is understood.

use serde::Deserialize;
use serde_json::value::RawValue;
use wstape_tape::Micros;

use crate::import::session::{BINARY, Sender, TEXT};
use crate::import::wall::Wall;

/// A message of an entry.
#[derive(Debug)]
pub(super) struct Message {
    /// When it was sent or received; `None` if the archive does not say.
    pub(super) at: Option<Wall>,
    /// The time since the browser started, if that is what the archive has.
    pub(super) monotonic: Option<Micros>,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Frame {
        sender: Sender,
        opcode: u8,
        payload: Vec<u8>,
    },
    /// Why the connection failed, in the browser's words.
    Error(String),
    /// The archive has a placeholder instead of the message; this says so.
    LeftOut(String),
}

/// A message as the archive writes it.
#[derive(Deserialize)]
pub(super) struct Written<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) time: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) opcode: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
}

/// What is known of an entry's first message.
#[derive(Debug)]
pub(super) struct First {
    pub(super) at: Option<Wall>,
    pub(super) monotonic: Option<Micros>,
    /// The text of the message, if it is an error.
    pub(super) error: Option<String>,
}

/// Recognises a placeholder that httpcrabber writes instead of a message, such as
/// `[binary, 5 bytes]`.
pub(super) fn stand_in(sender: Sender, opcode: u8, data: &str) -> Option<What> {
    const CUT: &str = "...[TRUNCATED]";
    let whose = match sender {
        Sender::Client => "client",
        Sender::Engine => "engine",
    };
    let is_length = data.starts_with("[binary, ") && data.ends_with(']');
    let said = match opcode {
        TEXT if data.ends_with(CUT) => "a long text cut off",
        BINARY if is_length => data,
        _ => return None,
    };
    Some(What::LeftOut(format!(
        "a message of the {whose}'s is missing here: the archive has {said}"
    )))
}
