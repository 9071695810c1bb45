//! Node's format: a rejection in passing, and a crash.

use super::error::{Language, Uncaught};

/// What Node prints about a promise, before its error.
const REJECTION: &str = "UnhandledPromiseRejectionWarning: ";
/// What Node adds about rejections in general.
const ABOUT_REJECTIONS: &str = "Unhandled promise rejection. This error originated";
/// The last line when Node crashed.
const NODE_ENDED: &str = "Node.js v";

/// A promise that nobody awaited, while the process goes on.
pub(super) fn in_passing(line: &str) -> Option<Uncaught> {
    let (_, error) = line.split_once(REJECTION)?;
    let is_one = line.starts_with("(node:") && !error.starts_with(ABOUT_REJECTIONS);
    is_one.then(|| Uncaught::new(Language::Node, REJECTION, error))
}

/// The error that ended the process, if Node's last line follows it: Node shows the place in the
/// source with a caret below it, and then the error.
pub(super) fn end(lines: &[&str]) -> Option<Uncaught> {
    let last = lines.iter().rposition(|line| !line.trim().is_empty())?;
    if !lines[last].starts_with(NODE_ENDED) {
        return None;
    }
    let lines = &lines[..last];
    let is_caret = |line: &&str| !line.trim().is_empty() && line.trim().chars().all(|c| c == '^');
    let caret = lines.iter().rposition(is_caret)?;
    let own = lines[caret + 1..].iter().find(|it| !it.trim().is_empty())?;
    Some(Uncaught::new(Language::Node, own, ""))
}
