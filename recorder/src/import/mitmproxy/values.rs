//! Reads the typed values of a flow file and checks their types.

use super::place::Place;
use crate::error::import::{ImportError, quoted};
use crate::import::session::Headers;
use crate::import::tnetstring::{Item, Kind, Reader};
use crate::import::wall::Wall;

/// The longest URL, header, reason, error text or number, in bytes.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Reads the values of one flow.
pub(super) struct Values<'a> {
    pub(super) place: Place,
    pub(super) input: &'a mut Reader,
}

impl Values<'_> {
    pub(super) fn headers(
        &mut self,
        whose: Item,
        headers: Option<Item>,
    ) -> Result<Headers, ImportError> {
        let list = self.demand(whose, headers, "headers")?;
        self.is(list, &[Kind::List])?;
        let mut headers = Headers::new();
        let mut at = list.start;
        while at < list.end {
            let pair = self.item(at, list.end)?;
            self.is(pair, &[Kind::List])?;
            let name = self.item(pair.start, pair.end)?;
            let value = self.item(name.next(), pair.end)?;
            headers.push((self.text(name)?, self.text(value)?));
            at = pair.next();
        }
        Ok(headers)
    }

    pub(super) fn item(&mut self, at: u64, limit: u64) -> Result<Item, ImportError> {
        self.input
            .item(at, limit)
            .map_err(|fault| self.place.fault(fault))
    }

    pub(super) fn members<const N: usize>(
        &mut self,
        dict: Item,
        names: [&str; N],
    ) -> Result<[Option<Item>; N], ImportError> {
        let found = self.input.members(dict, names);
        found.map_err(|fault| self.place.fault(fault))
    }

    pub(super) fn demand(
        &self,
        dict: Item,
        member: Option<Item>,
        name: &str,
    ) -> Result<Item, ImportError> {
        let missing = || {
            self.place.flaw(
                dict.start,
                format!("expected a member {name:?}, found none"),
            )
        };
        member.ok_or_else(missing)
    }

    pub(super) fn is(&self, item: Item, kinds: &[Kind]) -> Result<(), ImportError> {
        if kinds.contains(&item.kind) {
            return Ok(());
        }
        let expected: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let message = format!(
            "expected {}, found {}",
            expected.join(" or "),
            item.kind.name()
        );
        Err(self.place.flaw(item.start, message))
    }

    /// Returns a text, bytes as text (with invalid UTF-8 replaced), or the digits of a number.
    pub(super) fn text(&mut self, item: Item) -> Result<String, ImportError> {
        self.is(item, &[Kind::Text, Kind::Bytes, Kind::Integer, Kind::Float])?;
        let bytes = self.payload(item, MAX_TEXT_BYTES)?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    pub(super) fn payload(&mut self, item: Item, most: usize) -> Result<Vec<u8>, ImportError> {
        let payload = self.input.payload(item, most);
        payload.map_err(|fault| self.place.fault(fault))
    }

    pub(super) fn bool(&mut self, item: Item) -> Result<bool, ImportError> {
        self.is(item, &[Kind::Bool])?;
        match self.payload(item, 5)?.as_slice() {
            b"true" => Ok(true),
            b"false" => Ok(false),
            _ => Err(self.place.flaw(item.start, "expected true or false")),
        }
    }

    /// Reads a time, in seconds since 1970.
    pub(super) fn time(&mut self, item: Item) -> Result<Wall, ImportError> {
        self.is(item, &[Kind::Float, Kind::Integer])?;
        let text = self.text(item)?;
        Wall::from_seconds(&text).ok_or_else(|| {
            let message = format!("expected seconds since 1970, found {}", quoted(&text));
            self.place.flaw(item.start, message)
        })
    }
}
