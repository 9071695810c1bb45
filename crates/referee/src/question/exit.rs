//! Whether the client exits when told to, and what it means if it exits by itself.

use serde::Deserialize;
use wstape_mock_engine::FrameKind;

use super::{Ask, Look};
use crate::facts::{Attempt, seconds};
use crate::process::{Exit, Process};
use crate::verdict::{Finding, Verdict};

/// A dial accepted this soon after the signal was already in progress, in seconds.
const UNDER_WAY_S: f64 = 0.1;

/// What it means that a client's process ended although nobody told it to.
pub(crate) fn ended(exit: Exit, last_line: Option<&str>, is_allowed: bool) -> Finding {
    let said = last_line.map_or(String::new(), |line| format!("; it last printed: {line}"));
    match exit {
        Exit::Signal(signal) => Finding::new(
            Verdict::Fail,
            format!("ended by signal {signal}, which nobody sent{said}"),
        ),
        Exit::Status(status) => {
            let verdict = if is_allowed {
                Verdict::Info
            } else {
                Verdict::Warn
            };
            Finding::new(
                verdict,
                format!("ended by itself with status {status}{said}"),
            )
        }
    }
}

/// Whether a client exits when told to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gone {
    /// How long it may take.
    pub(super) within_s: f64,
    /// Whether it was connected, and so owes a Close.
    #[serde(default)]
    closes: bool,
}

/// The most processes that are named one by one.
const MAX_NAMED: usize = 3;
/// The longest command of a process that is shown, in characters.
const MAX_COMMAND_CHARS: usize = 60;

/// What is still there after the client has gone.
fn left_behind(left: &[Process], within_s: f64) -> String {
    if left.is_empty() {
        return String::new();
    }
    let named = left.iter().take(MAX_NAMED).map(|process| {
        let command: String = process.command.chars().take(MAX_COMMAND_CHARS).collect();
        format!("{} `{command}`", process.pid)
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match left.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; {within_s} s after SIGTERM it has left behind {named}{more}")
}

impl Ask for Gone {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let told = look.told_to_end?;
        let after_it = |attempt: &Attempt| seconds(attempt.accepted.0.saturating_sub(told.0));
        let mut dials = look.facts.attempts().iter().map(after_it);
        if let Some(after) = dials.find(|it| *it > UNDER_WAY_S) {
            let what = format!("dialled once more, {after:.3} s after it was told to end");
            return Some(Finding::new(Verdict::Fail, what).figure("dialled_after_s", after));
        }
        let Some(gone) = look.gone else {
            return (look.since(told) > self.within_s).then(|| self.at_the_end(look));
        };
        // What it left behind may still go away.
        if !look.left_behind.is_empty() && look.since(told) < self.within_s {
            return None;
        }
        let took = seconds(gone.0.saturating_sub(told.0));
        let closed = look
            .facts
            .attempts()
            .last()
            .is_some_and(|it| it.frames_of(FrameKind::Close).next().is_some());
        let (verdict, what) = if took > self.within_s {
            (Verdict::Fail, format!("took {took:.1} s to end"))
        } else if self.closes && !closed || !look.left_behind.is_empty() {
            let without = if self.closes && !closed {
                ", without a Close"
            } else {
                ""
            };
            let left = left_behind(look.left_behind, self.within_s);
            (
                Verdict::Warn,
                format!("gone after {took:.3} s{without}{left}"),
            )
        } else {
            (Verdict::Pass, format!("gone after {took:.3} s"))
        };
        Some(Finding::new(verdict, what).figure("gone_after_s", took))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        match look.told_to_end {
            Some(told) => {
                let what = format!("still there {:.1} s after SIGTERM", look.since(told));
                Finding::new(Verdict::Fail, what)
            }
            None => Finding::new(
                Verdict::NotApplicable,
                "it never came so far as to be told to end",
            ),
        }
    }
}
