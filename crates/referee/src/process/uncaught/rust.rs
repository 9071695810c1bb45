//! Rust's format: a panic.

use super::error::{Language, Uncaught};

/// The exit status of a Rust program whose main thread panicked.
const PANICKED: i32 = 101;

/// The panic that begins in this line.
pub(super) fn in_passing(lines: &[&str], at: usize) -> Option<Uncaught> {
    let line = lines[at];
    if !line.starts_with("thread '") || !line.contains(" panicked at ") {
        return None;
    }
    // Its thread's number differs each time.
    let (name, place) = line.split_once(" panicked at ")?;
    let name = name
        .split_once("' (")
        .map_or(name.to_owned(), |(name, _)| format!("{name}'"));
    let message = if place.ends_with(':') {
        lines.get(at + 1).copied()
    } else {
        None
    };
    let first = format!("{name} panicked at {place}");
    Some(Uncaught::new(
        Language::Rust,
        &first,
        message.unwrap_or_default(),
    ))
}

/// The last panic, if it ended the process.
pub(super) fn end(lines: &[&str], status: Option<i32>) -> Option<Uncaught> {
    if status != Some(PANICKED) {
        return None;
    }
    (0..lines.len()).rev().find_map(|at| in_passing(lines, at))
}
