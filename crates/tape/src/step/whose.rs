//! Which connections a step is for, if its trigger is bound to connections.

use std::fmt;

use crate::error::Flaw;
use crate::json::{Field, Pen, Type};

/// Which connections a step is for, by the tape's numbers, which count from 1.
///
/// ```
/// use wstape_tape::Whose;
/// let from_the_sixth = Whose::Range { from: 6, to: None };
/// assert!(from_the_sixth.contains(6) && !from_the_sixth.contains(5));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// `"each"`: every connection.
    #[default]
    Each,
    /// The one with this number.
    Nth(u64),
    /// `{"from":2,"to":5}`: those with these numbers, both ends included; without `to` every one
    /// from there on.
    Range {
        /// The first number.
        from: u64,
        /// The last number, if there is one.
        to: Option<u64>,
    },
}

impl Whose {
    /// Whether the connection with this number is one of them.
    #[must_use]
    pub fn contains(self, number: u64) -> bool {
        match self {
            Self::Each => true,
            Self::Nth(nth) => nth == number,
            Self::Range { from, to } => from <= number && to.is_none_or(|to| number <= to),
        }
    }
}

impl From<u64> for Whose {
    fn from(number: u64) -> Self {
        Self::Nth(number)
    }
}

impl fmt::Display for Whose {
    /// `each`, `2`, `from 6` or `2 to 5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Each => f.write_str("each"),
            Self::Nth(nth) => write!(f, "{nth}"),
            Self::Range { from, to: None } => write!(f, "from {from}"),
            Self::Range { from, to: Some(to) } => write!(f, "{from} to {to}"),
        }
    }
}

/// Reads `on_connect`, or the `conn` of a step that is bound to connections.
pub(super) fn read_whose(field: &Field<'_>) -> Result<Whose, Flaw> {
    const EXPECTED: &str =
        "\"each\", the number of a connection, from 1, or a range such as {\"from\":2,\"to\":5}";
    match field.value.kind() {
        Type::String if field.value.text == "\"each\"" => Ok(Whose::Each),
        Type::Number => field
            .whole(1..=u64::MAX)
            .map(Whose::Nth)
            .map_err(|_| field.wrong(EXPECTED)),
        Type::Object => {
            let object = field.object(&["from", "to"])?;
            let from = object
                .demand("from", r#"{"from":6}"#)?
                .whole(1..=u64::MAX)?;
            let to = object
                .get("to")
                .map(|to| to.whole(from..=u64::MAX))
                .transpose()?;
            Ok(Whose::Range { from, to })
        }
        _ => Err(field.wrong(EXPECTED)),
    }
}

/// Writes it as the value of `key`.
pub(super) fn write_whose(pen: &mut Pen, key: &str, whose: Whose) {
    match whose {
        Whose::Each => pen.string(key, "each"),
        Whose::Nth(nth) => pen.json(key, nth),
        Whose::Range { from, to } => {
            pen.object(key);
            pen.json("from", from);
            if let Some(to) = to {
                pen.json("to", to);
            }
            pen.close();
        }
    }
}
