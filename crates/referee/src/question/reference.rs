//! The moment from which a question counts.

use serde::Deserialize;
use wstape_tape::Micros;

use super::Look;

/// The moment from which a question counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reference {
    /// The port came up.
    Up,
    /// The accept of this attempt.
    Accept(usize),
    /// The 101 of this attempt.
    Upgrade(usize),
    /// The end of this attempt.
    End(usize),
    /// A mark of the case's tape.
    Mark(String),
}

impl Reference {
    /// Returns when it was, if it has happened.
    pub(crate) fn find(&self, look: &Look<'_>) -> Option<Micros> {
        let attempt = |n: usize| look.facts.attempts().get(n.checked_sub(1)?);
        match self {
            Self::Up => look.facts.up(),
            Self::Accept(n) => attempt(*n).map(|it| it.accepted),
            Self::Upgrade(n) => attempt(*n)?.upgraded(),
            Self::End(n) => attempt(*n)?.over(),
            Self::Mark(name) => look.facts.mark(name),
        }
    }

    /// The attempt that the moment belongs to. Later attempts then count as later, whatever the
    /// clock says: a client may redial before the engine sees the end of the connection it gave up.
    pub(super) fn attempt(&self) -> Option<usize> {
        match self {
            Self::Accept(n) | Self::Upgrade(n) | Self::End(n) => Some(*n),
            Self::Up | Self::Mark(_) => None,
        }
    }

    /// Says what is missing if the moment never comes.
    pub(super) fn missing(&self) -> String {
        match self {
            Self::Up => "the port never came up".to_owned(),
            Self::Accept(n) => format!("there was no attempt {n}"),
            Self::Upgrade(n) => format!("attempt {n} was never upgraded"),
            Self::End(n) => format!("attempt {n} never ended"),
            Self::Mark(name) => format!("the tape never came to {name:?}"),
        }
    }
}
