//! A case's name in reports: a letter and a number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The groups, in the order of reports.
const GROUPS: &str = "RHELPSCXK";

/// A case's name: `R4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CaseId {
    /// Place of the letter in [`GROUPS`].
    group: u8,
    number: u8,
}

impl CaseId {
    /// Rows that are drawn from all cases: what is asked in every case.
    pub(crate) const ENDED_BY_A_SIGNAL: Self = Self {
        group: 7,
        number: 5,
    };
    pub(crate) const PRINTS_THE_TOKEN: Self = Self {
        group: 8,
        number: 1,
    };
    pub(crate) const GIVES_THE_TOKEN_AWAY: Self = Self {
        group: 8,
        number: 2,
    };
}

impl FromStr for CaseId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "{text:?} is not the name of a case: expected one letter of {GROUPS} and a \
                 number, such as R4"
            )
        };
        let (letter, number) = text.split_at_checked(1).ok_or_else(bad)?;
        let group = GROUPS.find(&letter.to_ascii_uppercase()).ok_or_else(bad)?;
        let group = u8::try_from(group).map_err(|_| bad())?;
        match number.parse() {
            Ok(number) if number > 0 => Ok(Self { group, number }),
            _ => Err(bad()),
        }
    }
}

impl TryFrom<String> for CaseId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<CaseId> for String {
    fn from(id: CaseId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = usize::from(self.group);
        f.pad(&format!("{}{}", &GROUPS[group..=group], self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were_and_stand_in_the_order_of_the_report() {
        let names = ["R2", "R10", "H1", "E8", "K1"];
        let ids: Vec<CaseId> = names.iter().map(|it| it.parse().unwrap()).collect();
        assert!(ids.is_sorted());
        assert_eq!(
            ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
            names
        );
        assert_eq!(CaseId::ENDED_BY_A_SIGNAL.to_string(), "X5");
        assert_eq!(CaseId::PRINTS_THE_TOKEN.to_string(), "K1");
        assert_eq!(CaseId::GIVES_THE_TOKEN_AWAY.to_string(), "K2");
        for bad in ["", "Q1", "R", "R0", "R-1", "R4x", "4"] {
            assert!(bad.parse::<CaseId>().is_err(), "{bad}");
        }
    }
}
