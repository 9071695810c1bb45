//! Connections that the tape leaves without what they asked for: none of its messages is for their
//! path, or it chooses none of their subprotocols.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;

use strsim::osa_distance;
use wstape_tape::path_matches;

use crate::audience::Audience;

/// The most paths that are remarked on: a client may ask for any number.
const MAX_TOLD: usize = 64;
/// The most of the tape's paths that a remark names.
const MAX_NAMED: usize = 8;
/// The longest path that is compared by its spelling, in characters.
const MAX_COMPARED_CHARS: usize = 256;

/// What becomes of a client on a path without messages.
const IDLE: &str = "such clients are connected but get nothing";
/// Names no subprotocol: some clients put a token there.
const UNCHOSEN: &str = "the client offers subprotocols, and the tape chooses none: browsers and many \
    libraries then end the connection; choose one as in {\"on_connect\":\"each\",\
    \"accept\":{\"headers\":{\"sec-websocket-protocol\":\"NAME\"}}}";

/// Who each tape's messages are for, and who else came.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    audiences: Vec<Audience>,
    told: BTreeSet<String>,
    /// Whether it was told that a subprotocol was not chosen.
    told_unchosen: bool,
    /// Remarks that nobody has taken.
    waiting: VecDeque<String>,
}

impl Strangers {
    /// For tapes with these audiences, the base first.
    pub(super) fn new(audiences: Vec<Audience>) -> Self {
        Self {
            audiences,
            ..Self::default()
        }
    }

    /// Takes on another base tape's audience: what was said of the one before no longer holds.
    pub(super) fn rebase(&mut self, audience: Audience) {
        if let Some(base) = self.audiences.first_mut() {
            *base = audience;
        }
        self.told.clear();
        self.told_unchosen = false;
    }

    /// Returns a remark, if no message is for the path that a connection has asked for. The first
    /// remark on each path is also kept to be taken.
    pub(super) fn meet(&mut self, path: &str) -> Option<String> {
        let remark = self.remark(path)?;
        if self.told.len() < MAX_TOLD && self.told.insert(path.to_owned()) {
            self.waiting.push_back(format!("{remark}; {IDLE}"));
        }
        Some(remark)
    }

    /// Returns the remark that none of a client's subprotocols was chosen. The first one is also
    /// kept to be taken.
    pub(super) fn unchosen(&mut self) -> &'static str {
        if !self.told_unchosen {
            self.told_unchosen = true;
            self.waiting.push_back(UNCHOSEN.to_owned());
        }
        UNCHOSEN
    }

    /// Takes the next remark.
    pub(super) fn take(&mut self) -> Option<String> {
        self.waiting.pop_front()
    }

    fn remark(&self, path: &str) -> Option<String> {
        let mut paths = BTreeSet::new();
        for audience in &self.audiences {
            match audience {
                Audience::Any => return None,
                Audience::Paths(of) => paths.extend(of.iter().map(String::as_str)),
            }
        }
        // Where there are no messages, nobody is left out.
        if paths.is_empty() || paths.iter().any(|pattern| path_matches(pattern, path)) {
            return None;
        }
        let mut said = format!("no message of the tape is for {path:?}");
        // Writing to a string can't fail.
        if let Some(nearest) = nearest(path, &paths) {
            let _ = write!(said, " (did you mean {nearest}?)");
        }
        let named: Vec<&str> = paths.iter().take(MAX_NAMED).copied().collect();
        let _ = write!(said, "; its paths are {}", named.join(", "));
        if paths.len() > MAX_NAMED {
            let _ = write!(said, " and {} more", paths.len() - MAX_NAMED);
        }
        Some(said)
    }
}

/// The path that is spelt most like this one, if one is enough alike to be suggested.
fn nearest<'p>(path: &str, paths: &BTreeSet<&'p str>) -> Option<&'p str> {
    if path.chars().nth(MAX_COMPARED_CHARS).is_some() {
        return None;
    }
    // All begin with a slash: that alone makes no two of them alike.
    let spelt = |path: &str| path.trim_start_matches('/').to_lowercase();
    let path = spelt(path);
    let allowed = (path.chars().count() / 3).max(1);
    let is_short = |pattern: &&&str| pattern.chars().nth(MAX_COMPARED_CHARS).is_none();
    let near = paths.iter().filter(is_short).filter_map(|pattern| {
        let meant = spelt(pattern.strip_suffix('*').unwrap_or(pattern));
        let distance = osa_distance(&path, &meant);
        (distance <= allowed && distance < meant.chars().count()).then_some((distance, *pattern))
    });
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, pattern)| pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn for_paths(paths: &[&str]) -> Audience {
        Audience::Paths(paths.iter().map(|it| (*it).to_owned()).collect())
    }

    #[test]
    fn a_path_that_no_message_is_for_is_told_once_with_those_that_there_are_and_the_nearest() {
        let mut strangers = Strangers::new(vec![for_paths(&["/ws/trades", "/ws/book/*"])]);
        assert_eq!(strangers.meet("/ws/trades"), None);
        assert_eq!(strangers.meet("/ws/book/btc"), None);
        let said = "no message of the tape is for \"/ws/trade\" (did you mean /ws/trades?); \
                    its paths are /ws/book/*, /ws/trades";
        for _ in 0..2 {
            assert_eq!(strangers.meet("/ws/trade").as_deref(), Some(said));
        }
        let far = "no message of the tape is for \"/\"; its paths are /ws/book/*, /ws/trades";
        assert_eq!(strangers.meet("/").as_deref(), Some(far));
        for first in [said, far] {
            let taken = format!("{first}; such clients are connected but get nothing");
            assert_eq!(strangers.take(), Some(taken));
        }
        assert_eq!(strangers.take(), None);
        // With another tape, that is news.
        strangers.rebase(for_paths(&["/a"]));
        let news = "no message of the tape is for \"/\"; its paths are /a";
        assert_eq!(strangers.meet("/").as_deref(), Some(news));
        assert!(
            strangers
                .take()
                .is_some_and(|taken| taken.starts_with(news))
        );
    }

    #[test]
    fn where_a_message_is_for_everybody_or_there_is_none_nobody_is_a_stranger() {
        let of = |audiences: &[Audience]| Strangers::new(audiences.to_vec()).meet("/x");
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[for_paths(&[])]), None);
        assert_eq!(of(&[for_paths(&["/a"]), Audience::Any]), None);
        assert!(of(&[for_paths(&["/a"]), for_paths(&[])]).is_some());
    }

    #[test]
    fn endless_paths_are_told_of_up_to_a_bound_and_a_long_list_is_cut() {
        let all: Vec<String> = (10..20).map(|n| format!("/{n}")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let mut strangers = Strangers::new(vec![for_paths(&all)]);
        for n in 0..2 * MAX_TOLD {
            let said = strangers.meet(&format!("/stranger/{n}")).unwrap();
            assert!(said.ends_with("/16, /17 and 2 more"), "{said}");
        }
        assert_eq!(std::iter::from_fn(|| strangers.take()).count(), MAX_TOLD);
        let long = "/".repeat(1_000_000);
        assert!(!strangers.meet(&long).unwrap().contains("did you mean"));
    }
}
