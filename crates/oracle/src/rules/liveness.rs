//! R6: when Pings are due, and when a connection that nobody ended is lost.

use std::time::Duration;

use wstape_tape::Micros;

use super::findings::Findings;
use crate::rule::Rule;
use crate::settings::Settings;

/// Why a connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// Silence.
    Silent,
    /// A write that makes no progress.
    WriteStalled,
    /// A message that isn't complete in time.
    MessageTooSlow,
    /// No event, whatever else comes.
    NoEvents,
}

/// The timers of one open connection, by SPEC's rule 5 and its definition of silence.
#[derive(Debug)]
pub(super) struct Liveness {
    ping_interval: Micros,
    idle_timeout: Micros,
    message_timeout: Micros,
    event_timeout: Micros,
    /// When the silence began.
    silent_since: Micros,
    /// When the message in progress began.
    message_since: Option<Micros>,
    last_event: Micros,
    /// Pings sent in the current silence.
    pings: u64,
    /// Since when a write has found no room.
    blocked_since: Option<Micros>,
    /// Pings that were on their way when writes were blocked.
    stuck: u32,
}

impl Liveness {
    /// The timers of a connection that opens at `at`.
    pub(super) fn new(settings: &Settings, at: Micros) -> Self {
        Self {
            ping_interval: Micros::from(settings.ping_interval),
            idle_timeout: Micros::from(settings.idle_timeout),
            message_timeout: Micros::from(settings.message_timeout),
            event_timeout: Micros::from(settings.event_timeout),
            silent_since: at,
            message_since: None,
            last_event: at,
            pings: 0,
            blocked_since: None,
            stuck: 0,
        }
    }

    /// Notes that a frame came.
    pub(super) fn frame(&mut self, at: Micros) {
        self.silent_since = at;
        self.pings = 0;
    }

    /// Notes that an event came.
    pub(super) fn event(&mut self, at: Micros) {
        self.last_event = at;
    }

    /// Notes a delivery: whether the message now in progress, if any, began with it, and whether
    /// any of its bytes came with it.
    pub(super) fn under_way(&mut self, at: Micros, begun: Option<bool>, touched: bool) {
        self.message_since = match begun {
            None => None,
            Some(true) => Some(at),
            Some(false) => self.message_since,
        };
        if touched {
            self.frame(at);
        }
    }

    /// Notes that a write is blocked.
    pub(super) fn blocked(&mut self, at: Micros) {
        self.blocked_since.get_or_insert(at);
        if self.next_ping() == Some(at) {
            self.pings += 1;
            self.stuck += 1;
        }
    }

    /// Notes that writes are no longer blocked.
    pub(super) fn freed(&mut self) {
        self.blocked_since = None;
    }

    /// Whether a write is blocked.
    fn is_blocked(&self) -> bool {
        self.blocked_since.is_some()
    }

    /// When the connection is lost, and why: of several losses at one instant, the first in this
    /// order.
    pub(super) fn lost_at(&self) -> Option<(Micros, Loss)> {
        let since = [
            (Some(self.silent_since), self.idle_timeout, Loss::Silent),
            (self.blocked_since, self.idle_timeout, Loss::WriteStalled),
            (
                self.message_since,
                self.message_timeout,
                Loss::MessageTooSlow,
            ),
            (Some(self.last_event), self.event_timeout, Loss::NoEvents),
        ];
        since
            .into_iter()
            .filter_map(|(since, timeout, loss)| Some((deadline(since?, timeout)?, loss)))
            .min_by_key(|(at, _)| *at)
    }

    fn next_ping(&self) -> Option<Micros> {
        if self.ping_interval == Micros::ZERO {
            return None;
        }
        let silence = self.ping_interval.0.checked_mul(self.pings + 1)?;
        let below = self.idle_timeout == Micros::ZERO || silence < self.idle_timeout.0;
        below.then(|| Micros(self.silent_since.0.saturating_add(silence)))
    }

    /// The next instant at which something is due.
    pub(super) fn next(&self) -> Option<Micros> {
        let lost = self.lost_at().map(|(at, _)| at);
        let ping = self.next_ping().filter(|_| !self.is_blocked());
        lost.into_iter().chain(ping).min()
    }

    /// Checks a Ping that the subscriber sent.
    pub(super) fn pinged(&mut self, at: Micros, findings: &mut Findings) {
        findings.held(Rule::R6);
        if self.stuck > 0 {
            self.stuck -= 1;
            return;
        }
        match self.next_ping() {
            Some(due) if due == at => self.pings += 1,
            Some(due) if due < at => {
                // Already reported as missing, or about to be.
                self.pings += 1;
                findings.broke(Rule::R6, at, || {
                    format!("expected a Ping at {due}, found it only now")
                });
            }
            due => findings.broke(Rule::R6, at, || {
                let due = due.map_or("none".to_owned(), |due| format!("the next at {due}"));
                format!(
                    "expected no Ping here ({due}), since silence began at {}; found one",
                    self.silent_since
                )
            }),
        }
    }

    /// Checks whether a Ping is missing.
    pub(super) fn look(&mut self, now: Micros, findings: &mut Findings) {
        while let Some(due) = self.next_ping().filter(|due| *due < now) {
            self.pings += 1;
            if self.blocked_since.is_none_or(|since| since > due) {
                findings.broke(Rule::R6, now, || {
                    format!(
                        "expected a Ping at {due}, since silence began at {}; found none",
                        self.silent_since
                    )
                });
            }
        }
    }
}

fn deadline(since: Micros, timeout: Micros) -> Option<Micros> {
    (timeout != Micros::ZERO).then(|| Micros(since.0.saturating_add(timeout.0)))
}

/// How long a shutdown waits for the answer to its Close (SPEC, reconnect rule 7).
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// A Ping after every second of silence; lost after three.
    fn liveness() -> Liveness {
        let settings = Settings {
            ping_interval: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(3),
            message_timeout: Duration::from_secs(7),
            ..Settings::default()
        };
        Liveness::new(&settings, Micros::ZERO)
    }

    fn at(ms: u64) -> Micros {
        Micros::from_ms(ms)
    }

    #[test]
    fn pings_are_due_at_every_multiple_below_the_idle_timeout_from_the_last_frame_on() {
        let (mut live, mut findings) = (liveness(), Findings::new());
        live.pinged(at(1_000), &mut findings);
        live.pinged(at(2_000), &mut findings);
        live.look(at(2_999), &mut findings);
        assert_eq!(live.next(), Some(at(3_000)), "lost, not pinged");
        live.frame(at(2_999));
        live.pinged(at(3_999), &mut findings);
        assert_eq!(findings.violations(), []);
    }

    #[test]
    fn a_ping_that_is_early_late_or_missing_is_told() {
        for (pinged, told) in [(999, 1), (1_000, 0), (1_001, 1)] {
            let (mut live, mut findings) = (liveness(), Findings::new());
            live.pinged(at(pinged), &mut findings);
            assert_eq!(findings.violations().len(), told, "{pinged}");
        }
        let (mut live, mut findings) = (liveness(), Findings::new());
        live.look(at(1_000), &mut findings);
        assert_eq!(
            findings.violations().len(),
            0,
            "it may come at that instant"
        );
        live.look(at(1_001), &mut findings);
        assert_eq!(findings.violations().len(), 1);
    }

    #[test]
    fn a_write_that_makes_no_progress_is_a_lost_connection_though_frames_come() {
        let (mut live, mut findings) = (liveness(), Findings::new());
        live.blocked(at(500));
        live.frame(at(3_000));
        assert_eq!(live.lost_at(), Some((at(3_500), Loss::WriteStalled)));
        live.look(at(4_500), &mut findings);
        assert_eq!(findings.violations(), [], "no Ping gets out");
        live.freed();
        assert_eq!(live.lost_at(), Some((at(6_000), Loss::Silent)));
    }

    #[test]
    fn bytes_of_a_message_end_a_silence_until_the_message_is_too_old() {
        let (mut live, mut findings) = (liveness(), Findings::new());
        live.under_way(at(100), Some(true), true);
        for second in 1..=6 {
            live.look(at(second * 1_000 + 99), &mut findings);
            live.under_way(at(second * 1_000 + 99), Some(false), true);
        }
        assert_eq!(findings.violations(), [], "no silence lasted a second");
        assert_eq!(live.lost_at(), Some((at(7_100), Loss::MessageTooSlow)));
        live.frame(at(7_000));
        assert_eq!(
            live.lost_at(),
            Some((at(7_100), Loss::MessageTooSlow)),
            "a Ping in between ends the silence alone"
        );
        live.under_way(at(7_050), None, false);
        assert_eq!(live.lost_at(), Some((at(10_000), Loss::Silent)));
    }

    #[test]
    fn where_events_are_bounded_nothing_else_makes_up_for_them() {
        let mut live = liveness();
        live.event_timeout = at(5_000);
        live.event(at(1_000));
        live.frame(at(5_999));
        live.under_way(at(5_999), Some(true), true);
        assert_eq!(live.lost_at(), Some((at(6_000), Loss::NoEvents)));
    }
}
