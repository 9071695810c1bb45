//! The fields of a mirror.

/// The part of a mirror that holds a reading of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `status`.
    Status,
    /// `positions`.
    Positions,
    /// `risk`.
    Risk,
    /// `regime`.
    Regime,
}

impl Field {
    /// All of them, in the mirror's order.
    pub const ALL: [Self; 4] = [Self::Status, Self::Positions, Self::Risk, Self::Regime];

    /// The member's name in the mirror.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Positions => "positions",
            Self::Risk => "risk",
            Self::Regime => "regime",
        }
    }
}
