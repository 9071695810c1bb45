//! How the times of an entry's messages become dates, where they are none as they stand.

use wstape_tape::Micros;

use crate::import::wall::Wall;

/// Times that Playwright 1.61.0 wrote: the connection's beginning in milliseconds plus the time
/// since then in *seconds*, so that 500 ms come out as 0.5 ms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Squeezed {
    /// When the connection began, cut to the millisecond as the archive has it.
    begin: Wall,
    /// The first message's time as it is written, in nanoseconds.
    first: Option<i64>,
}

impl Squeezed {
    pub(super) const fn from(begin: Wall) -> Self {
        Self { begin, first: None }
    }

    /// A written time as it was. What the beginning has been cut by stands for up to a second, so
    /// that the first message is put as early as it can have been.
    pub(super) fn stretched(&mut self, written: i64) -> Wall {
        const CUT_NS: i64 = 1_000_000;
        let first = *self.first.get_or_insert(written);
        let earliest = first
            .saturating_sub(self.begin.nanoseconds() + CUT_NS)
            .max(0);
        // A nanosecond in the file was a microsecond.
        let since = earliest.saturating_add(written.saturating_sub(first));
        self.begin
            .plus(Micros(u64::try_from(since).unwrap_or_default()))
    }
}

/// A clock that began elsewhere, such as the browser's, and what it showed when the connection
/// began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    begin: Wall,
    at_begin: Micros,
}

impl Counted {
    /// The last message tells, if the archive says how long after the beginning it came; else the
    /// first one is taken to have come at once.
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

    pub(super) fn date(self, shown: Micros) -> Wall {
        let since = shown.0.saturating_sub(self.at_begin.0);
        self.begin.plus(Micros(since))
    }
}
