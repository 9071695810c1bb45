//! What is claimed of each flaw: the cases that it fails, or why none can see it.

use std::time::Duration;

use wstape_chaos::mutants::Flaw;
use wstape_harness::Settings;
use wstape_oracle::JitterMode;
use wstape_referee::Verdict;

/// Cases that every mutant passes unless its claim names them: its flaw has no part in them.
pub(crate) const PASSED: [&str; 3] = ["R1", "L3", "P1"];

/// What is claimed of a flaw.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Claim {
    /// The flaw shows: each of these cases comes to this verdict.
    Shows(&'static [(&'static str, Verdict)]),
    /// Neither the wire nor the process shows the flaw, or the referee asks for no such thing.
    Hidden(&'static str),
}

const IN_ITS_MIRROR: Claim = Claim::Hidden("only its mirror shows it");
const IN_ITS_RECORD: Claim = Claim::Hidden("only its record of the connection shows it");
const TO_ITS_RECEIVERS: Claim = Claim::Hidden("only its receivers see it");
const A_CONTRACT_OF_ITS_OWN: Claim =
    Claim::Hidden("within what any client may do: only a contract that says how long fails it");

/// Returns what is claimed of this flaw.
pub(crate) fn claim(flaw: Flaw) -> Claim {
    reconnecting(flaw)
        .or_else(|| connecting(flaw))
        .or_else(|| connected(flaw))
        .unwrap_or_else(|| hidden(flaw))
}

/// Claims of flaws in when the subscriber dials.
fn reconnecting(flaw: Flaw) -> Option<Claim> {
    use Verdict::{Fail, Warn};
    Some(Claim::Shows(match flaw {
        Flaw::CounterNeverReset | Flaw::ResetOnCleanCloseOnly => &[("R3", Fail), ("R8", Warn)],
        Flaw::ResetOnConnect | Flaw::MultiplierZero => &[("R2", Fail), ("H3", Fail), ("H4", Fail)],
        Flaw::HotLoop => &[("R4", Fail), ("R5", Fail), ("E1", Warn), ("C1", Warn)],
        Flaw::RefusalHotLoop => &[("H3", Fail), ("H4", Fail)],
        Flaw::JitterMissing | Flaw::JitterShared | Flaw::JitterNarrow => &[("C1", Warn)],
        Flaw::CapBeforeMultiplier => &[("R2", Warn)],
        Flaw::InitialAboveMax => &[("R1", Fail), ("R9", Fail), ("E2", Fail), ("E4", Fail)],
        Flaw::RetryAfterIgnored | Flaw::RetryAfterDateIgnored => &[("H5", Warn)],
        Flaw::GivesUp => &[("R1", Fail), ("R2", Fail), ("R6", Fail), ("H4", Fail)],
        Flaw::RefusalIsFinal => &[("H3", Fail), ("H5", Fail)],
        Flaw::TwoReconnects => &[("X4", Fail)],
        _ => return None,
    }))
}

/// Claims of flaws in dial, handshake and shutdown.
fn connecting(flaw: Flaw) -> Option<Claim> {
    use Verdict::{Fail, Warn};
    Some(Claim::Shows(match flaw {
        Flaw::NoConnectTimeout | Flaw::HandshakeUnbounded => &[("H1", Fail), ("H2", Fail)],
        Flaw::RedirectFollowed => &[("H6", Warn)],
        Flaw::UpgradeUnchecked => &[("H8", Fail)],
        Flaw::EarlyFramesLost => &[("H10", Fail)],
        Flaw::ShutdownUnseenInHandshake
        | Flaw::ShutdownUnseenInSleep
        | Flaw::ShutdownWaitsForEver => &[("X2", Fail)],
        Flaw::ShutdownWithoutClose => &[("X1", Warn)],
        Flaw::TokenLogged | Flaw::UrlLogged => &[("K1", Fail)],
        _ => return None,
    }))
}

/// Claims of flaws in an established connection.
fn connected(flaw: Flaw) -> Option<Claim> {
    use Verdict::{Fail, Warn};
    Some(Claim::Shows(match flaw {
        Flaw::HalfOpenNeverSeen => &[("L1", Fail), ("L2", Fail), ("L5", Fail)],
        Flaw::IdleNotFedByPong | Flaw::NeverPings => &[("L3", Warn)],
        Flaw::PongEmpty => &[("L4", Fail), ("P1", Fail)],
        Flaw::PingInMessageUnanswered | Flaw::PingBreaksMessage => &[("P1", Fail)],
        Flaw::CloseUnanswered => &[("E1", Fail)],
        Flaw::ErrorUnanswered => &[("P2", Warn)],
        Flaw::PongsUnbounded => &[("P4", Fail)],
        Flaw::SizeUnbounded => &[("P3", Fail)],
        Flaw::Utf8Repaired => &[("P2", Fail)],
        Flaw::SlowReceiverWaitedFor => &[("L4", Fail), ("P1", Fail), ("X1", Fail)],
        _ => return None,
    }))
}

/// Says why none of the cases can see the flaw.
fn hidden(flaw: Flaw) -> Claim {
    match flaw {
        Flaw::ConnectedTooSoon
        | Flaw::ConnectedAfterShutdown
        | Flaw::UndecodableUncounted
        | Flaw::AttemptsNotReset
        | Flaw::LossSeenLate => IN_ITS_RECORD,
        Flaw::UnknownLost | Flaw::LagUntold => TO_ITS_RECEIVERS,
        Flaw::ResetOnUpgrade
        | Flaw::JitterOnTop
        | Flaw::MillisTruncated
        | Flaw::CounterFromOne
        | Flaw::DelayAfterFinish
        | Flaw::FirstConnectWaits
        | Flaw::RetryAfterUnbounded => A_CONTRACT_OF_ITS_OWN,
        Flaw::EventStallNeverSeen | Flaw::EventsFedByAnyMessage => {
            Claim::Hidden("L6 tells of it and does not judge")
        }
        Flaw::SlowMessageLost | Flaw::IdleFedByBytes | Flaw::IdleFromDial => {
            Claim::Hidden("no case has bytes that trickle on an open connection")
        }
        Flaw::PingsOnce => Claim::Hidden("a Ping that is answered is enough for every case"),
        Flaw::WriteStallNeverSeen => Claim::Hidden("L2 tells of it and does not judge"),
        Flaw::ShutdownUnseenInDial => Claim::Hidden("on loopback a dial is over at once"),
        Flaw::TaskLeftBehind => Claim::Hidden("its tasks end with the process"),
        Flaw::EndsWithItsHandle => Claim::Hidden("the process keeps the handle"),
        Flaw::OldReaderApplies => Claim::Hidden("the old connection is silent on the wire"),
        Flaw::UndecodableEnds => Claim::Hidden("what the healthy tape says can be decoded"),
        Flaw::Unseeded => Claim::Hidden("no run of the referee's is repeated to the byte"),
        _ => IN_ITS_MIRROR,
    }
}

/// Returns the mutant's settings: quick ones, so that its cases are short. Some flaws only show
/// with settings of their own.
pub(crate) fn settings_for(flaw: Option<Flaw>) -> Settings {
    let quick = Settings {
        initial_backoff: Duration::from_millis(400),
        max_backoff: Duration::from_secs(8),
        ping_interval: Duration::from_secs(4),
        idle_timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(5),
        jitter: JitterMode::Full,
        ..Settings::default()
    };
    match flaw {
        // Delays of zero after the first one only show if the first one is not small.
        Some(Flaw::MultiplierZero) => Settings {
            multiplier: 0,
            initial_backoff: Duration::from_millis(800),
            jitter: JitterMode::None,
            ..quick
        },
        // So short that eight attempts always come within the time of a storm, whatever is drawn.
        Some(Flaw::ResetOnConnect) => Settings {
            initial_backoff: Duration::from_millis(250),
            ..quick
        },
        // The flaw turns a delay of 40 s into one of 64 s, which is longer than R2 allows.
        Some(Flaw::CapBeforeMultiplier) => Settings {
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(40),
            jitter: JitterMode::None,
            ..quick
        },
        Some(Flaw::InitialAboveMax) => Settings {
            initial_backoff: Duration::from_secs(100),
            jitter: JitterMode::None,
            ..quick
        },
        // Longer than a client may take to exit.
        Some(Flaw::ShutdownUnseenInHandshake) => Settings {
            connect_timeout: Duration::from_secs(30),
            ..quick
        },
        Some(Flaw::ShutdownUnseenInSleep) => Settings {
            initial_backoff: Duration::from_secs(15),
            max_backoff: Duration::from_secs(15),
            multiplier: 1,
            jitter: JitterMode::None,
            ..quick
        },
        // If nobody reads what a mutant writes, it drops the connection after its idle timeout, and
        // the Pongs with it. A million of them take longer than the usual timeout.
        Some(Flaw::PongsUnbounded) => Settings {
            idle_timeout: Duration::from_secs(100),
            ..quick
        },
        Some(Flaw::SlowReceiverWaitedFor) => Settings {
            events_capacity: 1,
            ..quick
        },
        _ => quick,
    }
}
