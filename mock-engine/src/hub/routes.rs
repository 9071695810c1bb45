//! What connections asked for, and their numbers among those of each path.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use wstape_tape::path_matches;

use crate::dialogue::Asked;
use crate::ids::{ConnId, PathId};

/// The most upgrades whose paths are remembered, for steps that name a path later in the tape.
const MAX_REMEMBERED: usize = 65_536;

/// The most paths that steps name; further ones match no connection.
const MAX_PATHS: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Routes {
    /// The paths that steps name, and how many upgrades of each there have been.
    named: Vec<(String, u64)>,
    of: BTreeMap<ConnId, Route>,
    past: VecDeque<(ConnId, Arc<str>)>,
}

/// What one connection asked for.
#[derive(Debug)]
struct Route {
    asked: Asked,
    numbers: Vec<(PathId, u64)>,
}

impl Routes {
    /// Registers a path that a step names. If it is new, the upgrades so far count too.
    pub(super) fn name(&mut self, pattern: &str) -> PathId {
        if let Some(at) = self.named.iter().position(|(known, _)| known == pattern) {
            return PathId(at);
        }
        let id = PathId(self.named.len());
        if self.named.len() >= MAX_PATHS {
            return PathId(usize::MAX);
        }
        let mut count = 0;
        for (conn, path) in &self.past {
            if path_matches(pattern, path) {
                count += 1;
                if let Some(route) = self.of.get_mut(conn) {
                    route.numbers.push((id, count));
                }
            }
        }
        self.named.push((pattern.to_owned(), count));
        id
    }

    /// Notes that a connection asks for an upgrade.
    pub(super) fn ask(&mut self, id: ConnId, path: &str, query: Option<&str>) {
        let asked = Asked {
            path: path.into(),
            query: query.map(Into::into),
        };
        let mut numbers = Vec::new();
        for (at, (pattern, count)) in self.named.iter_mut().enumerate() {
            if path_matches(pattern, path) {
                *count += 1;
                numbers.push((PathId(at), *count));
            }
        }
        if self.past.len() == MAX_REMEMBERED {
            self.past.pop_front();
        }
        self.past.push_back((id, Arc::clone(&asked.path)));
        self.of.insert(id, Route { asked, numbers });
    }

    /// Notes what a plain request asked for; it gets no number.
    pub(super) fn pull(&mut self, id: ConnId, path: &str, query: Option<&str>) {
        let asked = Asked {
            path: path.into(),
            query: query.map(Into::into),
        };
        let numbers = Vec::new();
        self.of.insert(id, Route { asked, numbers });
    }

    pub(super) fn over(&mut self, id: ConnId) {
        self.of.remove(&id);
    }

    pub(super) fn asked(&self, id: ConnId) -> Option<&Asked> {
        self.of.get(&id).map(|route| &route.asked)
    }

    /// A connection's numbers among those of the paths that steps name.
    pub(super) fn numbers(&self, id: ConnId) -> &[(PathId, u64)] {
        self.of.get(&id).map_or(&[], |route| &route.numbers)
    }

    /// The number of upgrades of a path so far.
    pub(super) fn count(&self, pattern: &str) -> u64 {
        let mut named = self.named.iter();
        match named.find(|(known, _)| known == pattern) {
            Some(&(_, count)) => count,
            None => self.matching(pattern).count() as u64,
        }
    }

    /// The `nth` upgrade of a path, over or not; `None` if there has been none, or it was too long
    /// ago to be remembered.
    pub(super) fn nth(&self, pattern: &str, nth: u64) -> Option<ConnId> {
        let forgotten = self.count(pattern) - self.matching(pattern).count() as u64;
        let at = usize::try_from(nth.checked_sub(forgotten + 1)?).ok()?;
        self.matching(pattern).nth(at)
    }

    /// The remembered upgrades of a path, oldest first.
    fn matching(&self, pattern: &str) -> impl Iterator<Item = ConnId> {
        let past = self.past.iter();
        past.filter_map(move |(id, path)| path_matches(pattern, path).then_some(*id))
    }

    /// The connections of a path that are not over, or the n-th of them.
    pub(super) fn within(&self, path: PathId, nth: Option<u64>) -> Vec<ConnId> {
        let is = |route: &Route| {
            let mut numbers = route.numbers.iter();
            numbers.any(|&(other, number)| other == path && nth.is_none_or(|nth| nth == number))
        };
        let of = self.of.iter().filter(|(_, route)| is(route));
        of.map(|(&id, _)| id).collect()
    }
}
