//! Whether a step answers what a client sent.

/// When a step answers a Ping or a Close, if any does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answered {
    No,
    Later,
    Now,
}
