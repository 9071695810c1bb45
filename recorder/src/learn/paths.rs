//! Finds paths that count as one: those that differ only in a part that each client makes up.
//!
//! A library may number its connections (`/ws/0`, `/ws/1`), SockJS draws a server and a session at
//! random (`/000/k3j2h1g0/websocket`), a charge point uses its own name. What is learnt for one
//! such path holds for the others, including those that the session does not contain.

use std::collections::{BTreeMap, BTreeSet};

use super::wanted::REDACTED;

/// The end of a path that matches any rest.
const ANY: &str = "*";

/// The prefix of subprotocols whose clients use their own name as the path (OCPP-J 1.6, 3.1).
const OCPP: &str = "ocpp";

/// The fewest digits of a hexadecimal name that counts as random.
const MIN_HEX_DIGITS: usize = 16;

/// For each path in a session, given with its subprotocol, the path that it is learnt as.
pub(super) fn families<'s>(
    paths: impl Iterator<Item = (&'s str, Option<&'s str>)>,
) -> BTreeMap<&'s str, String> {
    let mut cuts: BTreeMap<&str, Option<Cut<'_>>> = BTreeMap::new();
    for (path, subprotocol) in paths {
        let cut = Cut::of(path, subprotocol);
        let known = cuts.entry(path).or_default();
        *known = known.or(cut);
    }
    let mut members: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, cut) in &cuts {
        if let Some(cut) = cut {
            members.entry(cut.prefix).or_default().insert(path);
        }
    }
    let is_one = |cut: &Cut<'_>| {
        let members = &members[cut.prefix];
        let mut others = cuts.keys().filter(|path| !members.contains(*path));
        (members.len() > 1 || cut.is_certain) && !others.any(|path| path.starts_with(cut.prefix))
    };
    let family = |path: &'s str, cut: &Option<Cut<'_>>| {
        let cut = cut.filter(|cut| is_one(cut));
        cut.map_or_else(|| path.to_owned(), |cut| format!("{}{ANY}", cut.prefix))
    };
    let families = cuts.iter().map(|(path, cut)| (*path, family(path, cut)));
    families.collect()
}

/// Where the made-up part of a path begins.
#[derive(Debug, Clone, Copy)]
struct Cut<'p> {
    prefix: &'p str,
    /// Whether it counts even if no similar path confirms it.
    is_certain: bool,
}

impl<'p> Cut<'p> {
    fn of(path: &'p str, subprotocol: Option<&str>) -> Option<Self> {
        if subprotocol.is_some_and(|chosen| chosen.starts_with(OCPP)) {
            let end = path.rfind('/')? + 1;
            return Some(Self {
                prefix: &path[..end],
                is_certain: true,
            });
        }
        let mut at = 0;
        for segment in path.split_inclusive('/') {
            let word = segment.trim_end_matches('/');
            if at > 0 && is_made_up(word) {
                return Some(Self {
                    prefix: &path[..at],
                    is_certain: word.starts_with(REDACTED),
                });
            }
            at += segment.len();
        }
        None
    }
}

/// Whether a segment is a number or looks random.
fn is_made_up(word: &str) -> bool {
    const UUID_CHARS: usize = 36;
    let digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
    let is_hex = digits >= MIN_HEX_DIGITS && digits == word.len();
    let is_uuid = word.len() == UUID_CHARS && digits == UUID_CHARS - 4 && word.contains('-');
    let is_number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    is_number || is_hex || is_uuid || word.starts_with(REDACTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[(&'static str, Option<&'static str>)]) -> Vec<String> {
        let families = families(paths.iter().copied());
        paths
            .iter()
            .map(|(path, _)| families[path].clone())
            .collect()
    }

    #[test]
    fn paths_that_differ_in_what_a_client_made_up_are_one() {
        assert_eq!(
            of(&[("/ws/0", None), ("/ws/1", None), ("/news", None)]),
            ["/ws/*", "/ws/*", "/news"]
        );
        let sockjs = [
            ("/s/000/k3j2h1g0/websocket", None),
            ("/s/717/a/websocket", None),
        ];
        assert_eq!(of(&sockjs), ["/s/*", "/s/*"]);
        let ocpp = Some("ocpp1.6");
        assert_eq!(of(&[("/a/CP-1", ocpp)]), ["/a/*"]);
        assert_eq!(
            of(&[("/ws/redacted-0123456789abcdef", None), ("/x", None)])[0],
            "/ws/*"
        );
    }

    #[test]
    fn paths_that_say_what_is_asked_for_stay_apart() {
        let channels = [("/ws/btcusdt@trade", None), ("/ws/ethusdt@trade", None)];
        assert_eq!(of(&channels), ["/ws/btcusdt@trade", "/ws/ethusdt@trade"]);
        assert_eq!(
            of(&[("/v5/public", None), ("/v5/private", None)]),
            ["/v5/public", "/v5/private"]
        );
        // A lone number may be a version. And if `/ws/all` is a path of its own, `/ws/*` would
        // answer it too.
        assert_eq!(of(&[("/api/3", None), ("/x", None)])[0], "/api/3");
        assert_eq!(
            of(&[("/ws/0", None), ("/ws/1", None), ("/ws/all", None)])[0],
            "/ws/0"
        );
    }
}
