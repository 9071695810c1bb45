//! A decoder that keeps storage from message to message.

use std::str;

use chrono::{DateTime, Utc};

use super::decoded::{Decoded, Undecodable};
use super::spares::Spares;
use super::{clean, general};
use crate::event::EngineEvent;
use crate::timestamp::Day;

/// Decodes one message after another. Events displaced from a mirror can be given back, so that the
/// next payload of their kind reuses their storage.
#[derive(Default)]
pub(crate) struct Decoder {
    day: Day,
    spares: Spares,
}

impl Decoder {
    /// As [`decode`](super::decode).
    #[inline]
    pub(crate) fn decode(
        &mut self,
        message: &str,
        now: DateTime<Utc>,
    ) -> Result<Decoded, Undecodable> {
        let decoded = match clean::decode(message, now, &mut self.day, &mut self.spares) {
            Some(decoded) => decoded,
            None => general::decode(message, now)?,
        };
        self.spares.came(&decoded.event, message.len());
        Ok(decoded)
    }

    /// As [`decode_binary`](super::decode_binary).
    pub(crate) fn decode_binary(
        &mut self,
        message: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Decoded, Undecodable> {
        let text = str::from_utf8(message).map_err(|_| Undecodable::NotUtf8)?;
        self.decode(text, now)
    }

    /// Takes back what the latest event displaced: the previous one of its kind.
    #[inline]
    pub(crate) fn keep(&mut self, displaced: EngineEvent) {
        self.spares.keep(displaced);
    }
}
