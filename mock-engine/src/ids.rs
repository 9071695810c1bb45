//! Numbers that must not be mixed up: connections, layers, and which connections a step is about.

use std::collections::BTreeMap;
use std::fmt;

/// A live connection: its number in the journal, counted from 1 as connections are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnId(u64);

impl ConnId {
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    /// The connection accepted `by` places later.
    pub(crate) const fn later(self, by: u64) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// The connection accepted just before this one.
    pub(crate) const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A port that connections come in through, numbered in order of opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PortId(pub(crate) u64);

impl PortId {
    /// The engine's own port.
    pub(crate) const OWN: Self = Self(0);
}

/// The tape's n-th connection, counted from 1. The connection map knows which live one that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nth(pub(crate) u64);

/// A layer: 0 is the base, then the overlays in their order, then Rust's controls, then what was
/// posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LayerIndex(pub(crate) usize);

/// A path that steps name, its final `*` included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PathId(pub(crate) usize);

/// Which connections a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every connection, including those to come.
    All,
    /// This one.
    One(ConnId),
    /// Those that asked for a path, or the n-th of them; including those to come.
    At { path: PathId, nth: Option<u64> },
}

impl Scope {
    /// The connection it is about, if there is only one.
    pub(crate) fn only(self) -> Option<ConnId> {
        match self {
            Self::All | Self::At { .. } => None,
            Self::One(id) => Some(id),
        }
    }
}

/// Renumbers connections from one on, all by the same span, so that what waits for them moves
/// along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Renumbering {
    from: ConnId,
    by: i64,
    /// The connection that takes the place that this frees, at `from`.
    moved: Option<ConnId>,
}

impl Renumbering {
    /// Moves what was set for connections from `from` on to those numbered `by` higher.
    pub(crate) fn up(from: ConnId, by: u64) -> Self {
        Self {
            from,
            by: i64::try_from(by).unwrap_or(i64::MAX),
            moved: None,
        }
    }

    /// Moves what was set for `gone` and later ones to those numbered one lower.
    pub(crate) fn down(gone: ConnId) -> Self {
        Self {
            from: gone,
            by: -1,
            moved: None,
        }
    }

    /// Moves what was set for `id`, which was not a connection of the tape, to the one numbered
    /// `to`, and what was set from there on to those numbered one higher.
    pub(crate) fn away(id: ConnId, to: ConnId) -> Self {
        Self {
            from: to,
            by: 1,
            moved: Some(id),
        }
    }

    /// The number that connection `id` has from now on.
    pub(crate) fn of(&self, id: ConnId) -> ConnId {
        if self.moved == Some(id) {
            self.from
        } else if id < self.from {
            id
        } else {
            ConnId(id.0.saturating_add_signed(self.by))
        }
    }

    /// Renumbers the keys of a map.
    pub(crate) fn rekey<V>(&self, map: &mut BTreeMap<ConnId, V>) {
        let away = self.moved.and_then(|id| map.remove(&id));
        let moved = map.split_off(&self.from);
        map.extend(away.map(|value| (self.from, value)));
        map.extend(moved.into_iter().map(|(id, value)| (self.of(id), value)));
    }
}
