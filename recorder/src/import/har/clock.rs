//! Makes dates of message times that are not dates as written.

use wstape_tape::Micros;

use crate::import::wall::Wall;

/// Restores times that Playwright 1.61.0 wrote wrongly: it added to the connection's start in
/// milliseconds the time since then in *seconds*, so that 500 ms come out as 0.5 ms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Squeezed {
    /// When the connection began, truncated to the millisecond in the archive.
    begin: Wall,
    /// The first message's time as written, in nanoseconds.
    first: Option<i64>,
}

impl Squeezed {
    pub(super) const fn from(begin: Wall) -> Self {
        Self { begin, first: None }
    }

    /// Converts a written time to the true one. The millisecond that the start was truncated by
    /// stands for up to a second, so the first message is placed as early as is possible.
    pub(super) fn stretched(&mut self, written: i64) -> Wall {
        const CUT_NS: i64 = 1_000_000;
        let first = *self.first.get_or_insert(written);
        let earliest = first
            .saturating_sub(self.begin.nanoseconds() + CUT_NS)
            .max(0);
        // A nanosecond in the file stands for a microsecond.
        let since = earliest.saturating_add(written.saturating_sub(first));
        self.begin
            .plus(Micros(u64::try_from(since).unwrap_or_default()))
    }
}

/// A clock that does not count from 1970, such as the browser's, and what it showed when the
/// connection began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    begin: Wall,
    at_begin: Micros,
}

impl Counted {
    /// Derives what the clock showed from the last message, if the archive says how long after the
    /// start it came. Otherwise the first message is assumed to have come at the start.
    pub(super) fn from(
        begin: Wall,
        (first, last): (Micros, Micros),
        until_last: Option<Micros>,
    ) -> Self {
        let at_begin = until_last.and_then(|span| last.0.checked_sub(span.0));
        let at_begin = at_begin.filter(|at| *at <= first.0);
        Self {
            begin,
            at_begin: Micros(at_begin.unwrap_or(first.0)),
        }
    }

    /// The date at which the clock showed this.
    pub(super) fn date(self, shown: Micros) -> Wall {
        let since = shown.0.saturating_sub(self.at_begin.0);
        self.begin.plus(Micros(since))
    }
}
