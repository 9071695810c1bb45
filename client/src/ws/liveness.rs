//! When a connection that nobody has ended counts as lost, and when to ask it for a sign of life.

use std::time::Duration;

use super::message_clock::Underway;
use crate::EndReason;

/// How long each sign of life may be missing; zero is for ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// Silence before each Ping; zero sends none.
    pub(crate) ping_interval: Duration,
    /// Silence, or a blocked write, that ends the connection.
    pub(crate) idle: Duration,
    /// From a message's first byte to its last.
    pub(crate) message: Duration,
    /// Time without an event.
    pub(crate) event: Duration,
}

/// What the timers look at: the connection as it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// The message that is coming in.
    pub(super) underway: Option<Underway>,
    /// Since when a write has made no progress.
    pub(super) write_blocked_since: Option<Duration>,
    /// When the latest event came, or else the 101.
    pub(super) last_event: Duration,
}

/// What the timers ask for at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    End(EndReason),
    Ping,
}

/// The timers of one connection.
#[derive(Debug)]
pub(super) struct Liveness {
    timeouts: Timeouts,
    silent_since: Duration,
    /// Pings sent in the present silence.
    pings: u32,
}

impl Liveness {
    /// Timers of a connection whose handshake ended `now`.
    pub(super) fn new(timeouts: Timeouts, now: Duration) -> Self {
        Self {
            timeouts,
            silent_since: now,
            pings: 0,
        }
    }

    /// Notes that a whole frame came.
    #[inline]
    pub(super) fn frame(&mut self, at: Duration) {
        self.silent_since = at;
        self.pings = 0;
    }

    /// Notes that bytes of an incomplete message came: they end a silence as a frame does.
    pub(super) fn bytes(&mut self, underway: Option<Underway>) {
        if let Some(Underway { last_byte, .. }) = underway
            && last_byte > self.silent_since
        {
            self.frame(last_byte);
        }
    }

    /// Notes that a Ping goes out.
    pub(super) fn pinged(&mut self) {
        self.pings = self.pings.saturating_add(1);
    }

    /// The next instant at which something must be decided.
    pub(super) fn deadline(&self, standing: Standing) -> Option<Duration> {
        let losses = self.losses(standing);
        let losses = losses.into_iter().filter_map(|(at, _)| at);
        losses.chain(self.next_ping()).min()
    }

    /// What is due `now`; a loss comes before a Ping.
    pub(super) fn due(&self, now: Duration, standing: Standing) -> Due {
        for (at, reason) in self.losses(standing) {
            if at.is_some_and(|at| at <= now) {
                return Due::End(reason);
            }
        }
        if self.next_ping().is_some_and(|at| at <= now) {
            Due::Ping
        } else {
            Due::Nothing
        }
    }

    /// When the connection is lost, for each possible reason.
    fn losses(&self, standing: Standing) -> [(Option<Duration>, EndReason); 4] {
        let Timeouts {
            idle,
            message,
            event,
            ..
        } = self.timeouts;
        let after = |since: Option<Duration>, timeout: Duration| {
            since
                .filter(|_| !timeout.is_zero())
                .map(|since| since.saturating_add(timeout))
        };
        let begun = standing.underway.map(|underway| underway.begun);
        [
            (after(Some(self.silent_since), idle), EndReason::Idle),
            (
                after(standing.write_blocked_since, idle),
                EndReason::WriteStalled,
            ),
            (after(begun, message), EndReason::MessageTimeout),
            (
                after(Some(standing.last_event), event),
                EndReason::EventTimeout,
            ),
        ]
    }

    /// When the next Ping is due: one at every multiple of the interval of silence, below the idle
    /// timeout.
    fn next_ping(&self) -> Option<Duration> {
        let Timeouts {
            ping_interval,
            idle,
            ..
        } = self.timeouts;
        if ping_interval.is_zero() {
            return None;
        }
        let silence = ping_interval.checked_mul(self.pings.checked_add(1)?)?;
        (idle.is_zero() || silence < idle).then(|| self.silent_since.saturating_add(silence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Standing = Standing {
        underway: None,
        write_blocked_since: None,
        last_event: Duration::ZERO,
    };

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A Ping after every 2 s of silence, lost after 5; messages within 20, no bound on events.
    fn liveness() -> Liveness {
        let timeouts = Timeouts {
            ping_interval: s(2),
            idle: s(5),
            message: s(20),
            event: Duration::ZERO,
        };
        Liveness::new(timeouts, s(100))
    }

    #[test]
    fn pings_are_due_at_every_multiple_of_the_interval_and_a_loss_at_the_timeout() {
        let mut live = liveness();
        let mut told = Vec::new();
        while let Some(at) = live.deadline(QUIET) {
            let before = at.saturating_sub(Duration::from_nanos(1));
            assert_eq!(live.due(before, QUIET), Due::Nothing);
            let due = live.due(at, QUIET);
            told.push((at.as_secs(), due));
            if due != Due::Ping {
                break;
            }
            live.pinged();
        }
        let idle = Due::End(EndReason::Idle);
        assert_eq!(told, [(102, Due::Ping), (104, Due::Ping), (105, idle)]);
    }

    #[test]
    fn at_the_same_instant_a_loss_comes_before_a_ping() {
        let mut live = liveness();
        live.timeouts.ping_interval = s(5);
        assert_eq!(live.deadline(QUIET), Some(s(105)));
        assert_eq!(live.due(s(105), QUIET), Due::End(EndReason::Idle));
        live.timeouts.idle = Duration::ZERO;
        assert_eq!(live.due(s(105), QUIET), Due::Ping);
    }

    #[test]
    fn bytes_of_a_message_end_a_silence_until_the_message_is_too_old() {
        let mut live = liveness();
        live.pinged();
        for second in 101..120 {
            let standing = Standing {
                underway: Some(Underway {
                    begun: s(100),
                    last_byte: s(second),
                }),
                ..QUIET
            };
            live.bytes(standing.underway);
            assert_eq!(live.due(s(second), standing), Due::Nothing);
            let next = (second + 2).min(120);
            assert_eq!(live.deadline(standing), Some(s(next)), "at {second}");
            assert_eq!(
                live.due(s(120), standing),
                if second <= 115 {
                    Due::End(EndReason::Idle)
                } else {
                    Due::End(EndReason::MessageTimeout)
                }
            );
        }
    }

    #[test]
    fn bytes_from_before_the_last_frame_end_no_silence() {
        let mut live = liveness();
        live.frame(s(103));
        live.pinged();
        live.bytes(Some(Underway {
            begun: s(101),
            last_byte: s(103),
        }));
        assert_eq!(live.deadline(QUIET), Some(s(107)), "the second Ping");
    }

    #[test]
    fn a_write_that_makes_no_progress_is_a_loss_though_frames_come() {
        let mut live = liveness();
        live.frame(s(104));
        let stalled = Standing {
            write_blocked_since: Some(s(101)),
            ..QUIET
        };
        assert_eq!(live.due(s(105), stalled), Due::Nothing);
        assert_eq!(live.due(s(106), stalled), Due::End(EndReason::WriteStalled));
        assert_eq!(live.deadline(stalled), Some(s(106)));
    }

    #[test]
    fn frames_without_events_are_a_loss_only_where_events_were_bounded() {
        let mut live = liveness();
        live.frame(s(1_000));
        let standing = Standing {
            last_event: s(990),
            ..QUIET
        };
        assert_eq!(live.due(s(1_001), standing), Due::Nothing);
        live.timeouts.event = s(11);
        assert_eq!(live.deadline(standing), Some(s(1_001)));
        assert_eq!(
            live.due(s(1_001), standing),
            Due::End(EndReason::EventTimeout)
        );
    }

    #[test]
    fn without_timeouts_nothing_is_ever_due() {
        let mut live = liveness();
        live.timeouts = Timeouts {
            ping_interval: Duration::ZERO,
            idle: Duration::ZERO,
            message: Duration::ZERO,
            event: Duration::ZERO,
        };
        let standing = Standing {
            underway: Some(Underway {
                begun: s(100),
                last_byte: s(100),
            }),
            write_blocked_since: Some(s(100)),
            ..QUIET
        };
        assert_eq!(live.deadline(standing), None);
        assert_eq!(live.due(Duration::MAX, standing), Due::Nothing);
    }
}
