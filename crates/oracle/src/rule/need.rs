//! What only some cases have, and some rules can't do without.

use super::Rule;

/// Something that a case may have or lack, and without which a rule has nothing to judge in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A moment from which on nothing goes wrong, so that recovery can be asked for.
    CalmEnd,
    /// Many subscribers of one engine.
    Crowd,
}

impl Need {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::CalmEnd, Self::Crowd];

    /// What it is, as part of a sentence: `a calm end`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CalmEnd => "a calm end",
            Self::Crowd => "a crowd",
        }
    }
}

impl Rule {
    /// What a case must have for this rule to judge anything in it; `None` if any case will do. A
    /// subject's own rule may find its precondition in any.
    #[must_use]
    pub fn needs(self) -> Option<Need> {
        match self {
            Self::R11 => Some(Need::CalmEnd),
            Self::R15 => Some(Need::Crowd),
            _ => None,
        }
    }
}
