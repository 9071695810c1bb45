//! R9: the mirror equals the model's fold.

use std::fmt::Write as _;

use super::receivers::kind_of;
use crate::field::Field;
use crate::model::{Event, Folded, Model};
use crate::view;
use chrono::{DateTime, Utc};

/// Longest part of a field that a violation shows, in bytes.
const SHOWN_BYTES: usize = 400;

/// What the mirror must show.
#[derive(Debug, Clone)]
pub(super) struct Mirror {
    model: Model,
    /// The text of each field, as far as it is known.
    texts: [Text; Field::ALL.len()],
    /// Reused from look to look.
    found: Vec<u8>,
}

/// What one field must show.
#[derive(Debug, Clone, Default)]
struct Text {
    json: String,
    /// Whether the model has moved on since.
    stale: bool,
    /// Whether the mirror showed exactly this at the last look.
    seen: bool,
}

/// Where mirror and model differ.
#[derive(Debug)]
pub(super) struct Departure {
    place: &'static str,
    expected: String,
    found: String,
}

impl std::fmt::Display for Departure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            place,
            expected,
            found,
        } = self;
        write!(f, "{place}: expected {expected}, found {found}")
    }
}

impl Mirror {
    pub(super) fn new() -> Self {
        Self {
            model: Model::new(),
            texts: std::array::from_fn(|_| Text {
                json: "null".to_owned(),
                ..Text::default()
            }),
            found: Vec::new(),
        }
    }

    /// Folds a message.
    pub(super) fn fold(&mut self, folded: &Folded) {
        self.model.fold(folded);
        if let Folded::Event(Event {
            kind: Some(kind), ..
        }) = folded
            && let Some(field) = super::receivers::field_of(*kind)
        {
            let text = &mut self.texts[field as usize];
            text.stale = true;
        }
    }

    /// Folds a sign of life that moves `last_heartbeat`.
    pub(super) fn sign_of_life(&mut self, wall: DateTime<Utc>) {
        self.model.sign_of_life(wall);
    }

    /// Folds a reading that came over HTTP.
    pub(super) fn backfill(&mut self, field: Field, payload: &str, as_of: DateTime<Utc>) {
        let message = format!(r#"{{"event":"{}","data":{payload}}}"#, field.name());
        let Folded::Event(event) = Model::read(&message, as_of) else {
            return;
        };
        let text = &mut self.texts[field as usize];
        text.stale = false;
        text.seen = false;
        text.json.clear();
        // Writing to a string does not fail.
        let _ = write!(
            text.json,
            r#"{{"value":{},"as_of":"{as_of:?}","n":null,"source":"http"}}"#,
            event.data
        );
    }

    /// Messages that were no event.
    pub(super) fn undecodable(&self) -> u64 {
        self.model.undecodable()
    }

    /// Events of a known kind whose payload was not a reading of that kind.
    pub(super) fn failed_payloads(&self) -> u64 {
        self.model.failed_payloads()
    }

    /// Whether the mirror shows what it must; if not, where it differs.
    pub(super) fn compare(&mut self, shown: &dyn view::Mirror) -> Result<(), Departure> {
        let heartbeat = shown.last_heartbeat();
        if heartbeat != self.model.last_heartbeat() {
            return Err(Departure {
                place: "last_heartbeat",
                expected: format!("{:?}", self.model.last_heartbeat()),
                found: format!("{heartbeat:?}"),
            });
        }
        for field in Field::ALL {
            let text = &mut self.texts[field as usize];
            if text.stale {
                text.stale = false;
                text.seen = false;
                text.json.clear();
                self.model.write_field(kind_of(field), &mut text.json);
            }
            if text.seen && shown.is_unchanged(field) {
                continue;
            }
            self.found.clear();
            shown.field(field, &mut self.found);
            text.seen = self.found == text.json.as_bytes();
            if !text.seen {
                return Err(Departure {
                    place: field.name(),
                    expected: cut(text.json.as_bytes()),
                    found: cut(&self.found),
                });
            }
        }
        Ok(())
    }

    /// What the mirror must show, without the connection's record, as JSON text.
    pub(super) fn text(&mut self) -> String {
        let mut out = String::from("{");
        for field in Field::ALL {
            let text = &mut self.texts[field as usize];
            if text.stale {
                text.stale = false;
                text.json.clear();
                self.model.write_field(kind_of(field), &mut text.json);
            }
            let _ = write!(out, "\"{}\":{},", field.name(), text.json);
        }
        let _ = match self.model.last_heartbeat() {
            Some(at) => write!(out, "\"last_heartbeat\":\"{at:?}\"}}"),
            None => write!(out, "\"last_heartbeat\":null}}"),
        };
        out
    }
}

fn cut(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_BYTES)]).into_owned();
    if bytes.len() > SHOWN_BYTES {
        format!("{text}… ({} bytes)", bytes.len())
    } else {
        text
    }
}
