//! What a whole frame says.

use bytes::Bytes;

use crate::frame::MAX_CONTROL_BYTES;
use crate::opcode::{BINARY, CLOSE, PING, PONG, TEXT};

/// What a whole frame, or a message put together from fragments, says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A Text message.
    Text(String),
    /// A Binary message.
    Binary(Bytes),
    /// A Ping and its payload.
    Ping(Bytes),
    /// A Pong and its payload.
    Pong(Bytes),
    /// A Close, with code and reason where it has them.
    Close(Option<(u16, String)>),
    /// None of these: another opcode, text that is not UTF-8, a Close that can't be read, a
    /// control frame that is too long. Holds the payload unchanged.
    Other(Bytes),
}

impl Message {
    /// Reads a frame by its opcode and its (unmasked) payload.
    ///
    /// ```
    /// use wstape_wire::{Message, opcode};
    /// let close = Message::of(opcode::CLOSE, b"\x03\xe8bye".as_slice().into());
    /// assert_eq!(close, Message::Close(Some((1000, "bye".to_owned()))));
    /// ```
    #[must_use]
    pub fn of(opcode: u8, payload: Bytes) -> Self {
        match opcode {
            TEXT => match str::from_utf8(&payload) {
                Ok(text) => Self::Text(text.to_owned()),
                Err(_) => Self::Other(payload),
            },
            BINARY => Self::Binary(payload),
            CLOSE | PING | PONG if payload.len() > MAX_CONTROL_BYTES => Self::Other(payload),
            CLOSE if payload.is_empty() => Self::Close(None),
            CLOSE => match close_parts(&payload) {
                Some(parts) => Self::Close(Some(parts)),
                None => Self::Other(payload),
            },
            PING => Self::Ping(payload),
            PONG => Self::Pong(payload),
            _ => Self::Other(payload),
        }
    }
}

/// The code and reason in a Close's payload; `None` if there is no code, or the reason is not
/// UTF-8.
#[must_use]
pub fn close_parts(payload: &[u8]) -> Option<(u16, String)> {
    let (code, reason) = payload.split_first_chunk()?;
    let reason = str::from_utf8(reason).ok()?.to_owned();
    Some((u16::from_be_bytes(*code), reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_says_what_its_opcode_and_payload_allow() {
        let long = [b'x'; MAX_CONTROL_BYTES + 1];
        let table: [(u8, &[u8], Message); 10] = [
            (TEXT, b"x", Message::Text("x".into())),
            (TEXT, b"\xff", Message::Other(b"\xff".as_slice().into())),
            (BINARY, b"\xff", Message::Binary(b"\xff".as_slice().into())),
            (PING, b"", Message::Ping(Bytes::new())),
            (PONG, b"x", Message::Pong("x".into())),
            (PING, &long, Message::Other(long.to_vec().into())),
            (CLOSE, b"", Message::Close(None)),
            (
                CLOSE,
                b"\x03\xe8",
                Message::Close(Some((1000, String::new()))),
            ),
            (CLOSE, b"\x03", Message::Other(b"\x03".as_slice().into())),
            (3, b"x", Message::Other("x".into())),
        ];
        for (opcode, payload, says) in table {
            let payload = Bytes::copy_from_slice(payload);
            assert_eq!(Message::of(opcode, payload), says, "opcode {opcode}");
        }
    }
}
