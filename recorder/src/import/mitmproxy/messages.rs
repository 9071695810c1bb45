//! The messages of a flow.

use wstape_tape::{Action, MAX_LINE_BYTES};

use super::place::Place;
use super::values::Values;
use crate::error::import::{ImportError, quoted};
use crate::import::session::{Moment, Sender, message};
use crate::import::tnetstring::{Kind, Reader};

/// The keys that mark messages which mitmproxy injected, and those which it dropped.
const MADE_UP: &str = "x-injected";
const HELD_BACK: &str = "x-dropped";

/// The messages of a flow.
pub(super) struct Messages {
    pub(super) place: Place,
    pub(super) input: Reader,
    pub(super) at: u64,
    pub(super) end: u64,
}

impl Iterator for Messages {
    type Item = Result<Moment, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let message = self.message();
        if message.is_err() {
            self.at = self.end;
        }
        Some(message)
    }
}

impl Messages {
    fn message(&mut self) -> Result<Moment, ImportError> {
        let mut values = Values {
            place: self.place.clone(),
            input: &mut self.input,
        };
        let tuple = values.item(self.at, self.end)?;
        self.at = tuple.next();
        values.is(tuple, &[Kind::List])?;
        let mut at = tuple.start;
        let mut fields = Vec::with_capacity(6);
        while at < tuple.end && fields.len() < 6 {
            let field = values.item(at, tuple.end)?;
            fields.push(field);
            at = field.next();
        }
        let &[
            opcode,
            from_client,
            content,
            time,
            dropped,
            ref injected @ ..,
        ] = fields.as_slice()
        else {
            let message = format!(
                "expected a message of opcode, from_client, content, timestamp, dropped \
                 (and injected), found {} values",
                fields.len()
            );
            return Err(values.place.flaw(tuple.start, message));
        };
        let text = values.text(opcode)?;
        let opcode = text
            .parse()
            .ok()
            .filter(|opcode| *opcode < 16)
            .ok_or_else(|| {
                let message = format!("expected an opcode of 0 to 15, found {}", quoted(&text));
                values.place.flaw(opcode.start, message)
            })?;
        let from = if values.bool(from_client)? {
            Sender::Client
        } else {
            Sender::Engine
        };
        let time = values.time(time)?;
        let dropped = values.bool(dropped)?;
        let injected = injected
            .first()
            .map_or(Ok(false), |item| values.bool(*item))?;
        values.is(content, &[Kind::Bytes, Kind::Text])?;
        // The tape shows what the client saw: messages that never reached it, or that it did not
        // send, become marks.
        if (dropped && from == Sender::Engine) || (injected && from == Sender::Client) {
            let what = if dropped && from == Sender::Engine {
                "held back from the client"
            } else {
                "injected in the client's name"
            };
            let mark = format!("mitmproxy: {} bytes {what}", content.len());
            return Ok(Moment::new(time, Action::Mark(mark)));
        }
        let payload = values.payload(content, MAX_LINE_BYTES)?;
        let moment = Moment::new(time, message(from, opcode, payload));
        Ok(match (dropped, injected) {
            (true, _) => moment.with(HELD_BACK, "true"),
            (_, true) => moment.with(MADE_UP, "true"),
            _ => moment,
        })
    }
}
