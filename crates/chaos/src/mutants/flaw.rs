//! The flaws that a mutant may have.

use std::fmt;
use std::str::FromStr;

use wstape_oracle::Rule;

use crate::fault::FaultKind;

macro_rules! flaws {
    ($(
        $(#[$doc:meta])* $flaw:ident = $name:literal, found by $($rule:ident)+
        $(, only under $($kind:ident)+)?;
    )*) => {
        /// What is wrong with a mutant: a flaw modelled on one of a real subscriber.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Flaw {
            $($(#[$doc])* $flaw,)*
        }

        impl Flaw {
            /// All flaws.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$flaw),*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$flaw => $name,)*
                }
            }

            /// The rules that it breaks; one of them must find it.
            #[must_use]
            pub fn breaks(self) -> &'static [Rule] {
                match self {
                    $(Self::$flaw => &[$(Rule::$rule),+],)*
                }
            }

            /// The kinds of faults that are needed to find it; empty if many do.
            #[must_use]
            pub fn only_under(self) -> &'static [FaultKind] {
                match self {
                    $(Self::$flaw => &[$($(FaultKind::$kind),+)?],)*
                }
            }
        }
    };
}

flaws! {
    // Backoff.

    /// The counter only ever rises: a link that drops often but works climbs to the largest delay
    /// and stays there.
    CounterNeverReset = "counter-never-reset", found by R4 R3;
    /// A transport connect resets the counter: a server that accepts and hangs up is hammered.
    ResetOnConnect = "reset-on-connect", found by R4 R3;
    /// The 101 resets the counter, before any frame has come.
    ResetOnUpgrade = "reset-on-upgrade", found by R4 R3;
    /// Only a Close resets the counter, not FIN, RST or silence.
    ResetOnCleanCloseOnly = "reset-on-clean-close-only", found by R4 R3;
    /// A connection that was up is retried at once: a peer that greets and hangs up makes it spin.
    HotLoop = "hot-loop", found by R3;
    /// A refusal is retried at once, as if it had nothing to do with the network.
    RefusalHotLoop = "refusal-hot-loop", found by R3;
    /// The full jitter that was asked for is not applied.
    JitterMissing = "jitter-missing", found by R15;
    /// All subscribers draw the same jitter: the seed is a constant.
    JitterShared = "jitter-shared", found by R15;
    /// Nine tenths of the delay are kept and one is drawn: the crowd comes back in a narrow wave.
    JitterNarrow = "jitter-narrow", found by R15;
    /// The draw is added to the delay instead of taken from it.
    JitterOnTop = "jitter-on-top", found by R3;
    /// The delay is capped before the last multiplication.
    CapBeforeMultiplier = "cap-before-multiplier", found by R3 R2;
    /// Delays are whole milliseconds: 999 µs become 0.
    MillisTruncated = "millis-truncated", found by R3;
    /// A multiplier of 0 makes every delay but the first zero.
    MultiplierZero = "multiplier-zero", found by R3;
    /// An initial delay above the largest is waited for in full.
    InitialAboveMax = "initial-above-max", found by R3 R2;
    /// The counter rises before the delay is computed from it.
    CounterFromOne = "counter-from-one", found by R3 R4;
    /// The delay starts once the old socket is finished, which its peer may draw out.
    DelayAfterFinish = "delay-after-finish", found by R3 R4;
    /// The first connect waits as if it were a retry.
    FirstConnectWaits = "first-connect-waits", found by R3;
    /// `Retry-After` is ignored.
    RetryAfterIgnored = "retry-after-ignored", found by R3, only under RetryAfter;
    /// `Retry-After` is waited for however long it is.
    RetryAfterUnbounded = "retry-after-unbounded", found by R3 R2 R11, only under RetryAfter;
    /// `Retry-After` as a date is ignored.
    RetryAfterDateIgnored = "retry-after-date-ignored", found by R3, only under RetryAfter;

    /// After five failures in a row it gives up, as if the engine would never come back.
    GivesUp = "gives-up", found by R2 R3 R11;
    /// A 4xx is taken as final.
    RefusalIsFinal = "refusal-is-final", found by R2 R3 R11;
    /// An untrusted certificate is taken as final: the next one may be right.
    TlsIsFinal = "tls-is-final", found by R2 R3 R11, only under Tls;
    /// Close 1000 is taken as final: a restarting server sends it too.
    NormalCloseIsFinal = "normal-close-is-final", found by R2 R3 R11, only under Close SlowClose;
    /// A Close with a code of the server's own, from 4000 on, is taken as final.
    KickedIsFinal = "kicked-is-final", found by R2 R3 R11, only under Close;

    // Connecting.

    /// Nothing bounds a connect.
    NoConnectTimeout = "no-connect-timeout", found by R10 R2 R3 R11;
    /// The timeout bounds the dial, but not the handshake after it.
    HandshakeUnbounded = "handshake-unbounded", found by R10 R2 R3 R11;
    /// The timeout bounds the handshake, but not the dial before it.
    DialUnbounded = "dial-unbounded", found by R10 R2 R3 R11, only under DialStall;
    /// An abandoned handshake goes on beside the next attempt, and what it brings late is applied.
    LateAnswerUsed = "late-answer-used", found by R1 R8 R9 R10 R13;
    /// A redirect is followed, with the token, wherever it leads.
    RedirectFollowed = "redirect-followed", found by R14 R3 R2, only under Redirect;
    /// 200 is taken for an upgrade.
    OkIsAnUpgrade = "ok-is-an-upgrade", found by R10 R2 R9 R3, only under Redirect;
    /// Any 101 is taken for an upgrade.
    UpgradeUnchecked = "upgrade-unchecked", found by R10 R2 R9, only under WrongUpgrade Unasked;
    /// It is not checked which handshake a 101 answers.
    AcceptKeyUnchecked = "accept-key-unchecked", found by R10 R2 R9, only under WrongUpgrade;
    /// A subprotocol or an extension that nobody asked for is accepted.
    UnaskedTaken = "unasked-taken", found by R10 R2 R9, only under Unasked;
    /// Frames that arrive in one segment with the 101 are lost.
    EarlyFramesLost = "early-frames-lost", found by R8 R9 R10;
    /// The connection counts as up once the transport is.
    ConnectedTooSoon = "connected-too-soon", found by R10;

    // Shutdown.

    /// A shutdown is not noticed until the dial ends.
    ShutdownUnseenInDial = "shutdown-unseen-in-dial", found by R5;
    /// A shutdown is not noticed until the handshake ends.
    ShutdownUnseenInHandshake = "shutdown-unseen-in-handshake", found by R5;
    /// A shutdown is not noticed until the delay has passed.
    ShutdownUnseenInSleep = "shutdown-unseen-in-sleep", found by R5;
    /// A shutdown drops the connection without a Close.
    ShutdownWithoutClose = "shutdown-without-close", found by R5;
    /// A shutdown waits for the answer to its Close, however long that takes.
    ShutdownWaitsForEver = "shutdown-waits-for-ever", found by R5;
    /// After a shutdown the mirror still says it is connected.
    ConnectedAfterShutdown = "connected-after-shutdown", found by R5 R10;
    /// Each connection starts a task that nobody ends.
    TaskLeftBehind = "task-left-behind", found by R5 R13;
    /// Dropping the handle ends the subscriber.
    EndsWithItsHandle = "ends-with-its-handle", found by R6 R2 R10 R11;

    // Liveness.

    /// Silence never counts as a loss.
    HalfOpenNeverSeen = "half-open-never-seen", found by R6 R11;
    /// A Pong is no sign of life: a quiet feed on a live link is cut off.
    IdleNotFedByPong = "idle-not-fed-by-pong", found by R6;
    /// Only whole frames are signs of life: a snapshot that takes longer than the idle timeout
    /// never arrives, however often it is requested.
    SlowMessageLost = "slow-message-lost", found by R6;
    /// A stalled feed behind a server that answers Pings is trusted, even if asked not to.
    EventStallNeverSeen = "event-stall-never-seen", found by R6;
    /// A message that is not an event passes for one: a stalled feed that chatters is trusted.
    EventsFedByAnyMessage = "events-fed-by-any-message", found by R6;
    /// Any byte is a sign of life, so that a byte a second keeps a dead feed alive.
    IdleFedByBytes = "idle-fed-by-bytes", found by R6;
    /// Old messages count as silence: a feed whose clock is behind is dropped, again and again.
    OldTimesAreSilence = "old-times-are-silence", found by R6 R2 R10, only under Clock;
    /// Only heartbeats count for its event timeout: a feed that sends data but no heartbeat is
    /// dropped.
    HeartbeatsAloneAreLife = "heartbeats-alone-are-life", found by R6;
    /// A reset in answer to a Ping is reported as the silence before it.
    ResetOfAPingIsSilence = "reset-of-a-ping-is-silence", found by R10 R6, only under IdleDrop;
    /// It waits for silence to end, and never sends a Ping.
    NeverPings = "never-pings", found by R6;
    /// It sends only one Ping per silence.
    PingsOnce = "pings-once", found by R6;
    /// Silence is counted from the start of the dial until the first frame.
    IdleFromDial = "idle-from-dial", found by R6;
    /// A blocked write doesn't count for liveness.
    WriteStallNeverSeen = "write-stall-never-seen", found by R6 R11, only under StopsReading PartitionFromClient;
    /// The part that a write did not take is assumed written.
    PartOfAWriteLost = "part-of-a-write-lost", found by R7, only under StopsReading PartitionFromClient;

    // What it sends.

    /// A Ping is answered with an empty Pong.
    PongEmpty = "pong-empty", found by R7;
    /// A Ping between the fragments of a message is not answered.
    PingInMessageUnanswered = "ping-in-message-unanswered", found by R7;
    /// A Close is not answered.
    CloseUnanswered = "close-unanswered", found by R7;
    /// The peer's end of the closing handshake is waited for, however long that takes.
    FinishUnbounded = "finish-unbounded", found by R3 R2 R11;
    /// The peer's error is not reported back to it.
    ErrorUnanswered = "error-unanswered", found by R7;
    /// Pongs that the peer does not take pile up.
    PongsUnbounded = "pongs-unbounded", found by R13;

    // One connection at a time.

    /// An error and the close that follows it each lead to a reconnect.
    TwoReconnects = "two-reconnects", found by R1 R2 R3;
    /// The reader of an abandoned connection goes on applying what comes.
    OldReaderApplies = "old-reader-applies", found by R1 R8 R9 R10 R13;

    // What it reads.

    /// The size of a message is unbounded.
    SizeUnbounded = "size-unbounded", found by R2 R10 R13;
    /// Text that is not UTF-8 is repaired.
    Utf8Repaired = "utf8-repaired", found by R2 R10 R12;
    /// A Ping between the fragments of a message ends that message.
    PingBreaksMessage = "ping-breaks-message", found by R6 R10;
    /// What comes after a Close is applied.
    ReadsBehindTheClose = "reads-behind-the-close", found by R8 R9 R10 R12, only under AfterClose;
    /// Any Close is accepted: of one byte, with an illegal code, or with a reason that is not
    /// UTF-8.
    CloseUnchecked = "close-unchecked", found by R10 R7, only under BadClose Corrupt;
    /// A masked frame is read like any other.
    MaskTaken = "mask-taken", found by R2 R6 R7 R10, only under IllegalFrame Corrupt;
    /// Reserved bits are ignored: a compressed message passes for an uncompressed one.
    ReservedBitsUnseen = "reserved-bits-unseen", found by R2 R6 R7 R10, only under IllegalFrame Corrupt;
    /// Fragments that don't make a message are skipped.
    FragmentsMended = "fragments-mended", found by R2 R6 R7 R10;
    /// A control frame is read at any length, and in fragments.
    ControlUnchecked = "control-unchecked", found by R2 R6 R7 R10, only under BadControl Corrupt;
    /// An event that reports an error ends the connection.
    ErrorEventEnds = "error-event-ends", found by R6 R10, only under ErrorThenClose;
    /// A message that is not an event ends the connection.
    UndecodableEnds = "undecodable-ends", found by R6 R10;
    /// A message that is not an event is dropped and not counted.
    UndecodableUncounted = "undecodable-uncounted", found by R12 R10;
    /// A binary message is ignored.
    BinaryIgnored = "binary-ignored", found by R8 R9 R12;

    // The mirror.

    /// A reading's value is replaced first, and its time a moment later.
    MirrorTorn = "mirror-torn", found by R9;
    /// A reading that came over HTTP moves the heartbeat, and hides that the feed has stalled.
    HeartbeatMovedByHttp = "heartbeat-moved-by-http", found by R9;
    /// The answer to its own Ping moves the heartbeat: a live link passes for a live feed.
    HeartbeatMovedByPong = "heartbeat-moved-by-pong", found by R9;
    /// A known event whose payload is not a reading of it wipes the mirror's field.
    BadPayloadWipes = "bad-payload-wipes", found by R9 R12;
    /// A sum without its list passes for positions: the list empties.
    SumIsPositions = "sum-is-positions", found by R12 R8 R9;
    /// `{}` and `{"error": …}` are read as defaults: a halted engine looks healthy.
    EmptyIsHealthy = "empty-is-healthy", found by R12 R8 R9;
    /// A message that is older than the mirror is ignored: a clock that steps back freezes it.
    OlderIgnored = "older-ignored", found by R9 R12;
    /// A time without an offset is read as local.
    NaiveIsLocal = "naive-is-local", found by R9;
    /// A time with an offset is read as if it had none.
    OffsetIgnored = "offset-ignored", found by R9;
    /// The mirror is emptied when the connection is lost.
    LossEmptiesMirror = "loss-empties-mirror", found by R9;

    // What makes a run unrepeatable.

    /// Ping payloads are drawn from an unseeded generator.
    Unseeded = "unseeded", found by R16;

    // Its receivers.

    /// Events of unknown kinds are not passed on.
    UnknownLost = "unknown-lost", found by R8;
    /// A slow receiver is not told what it missed.
    LagUntold = "lag-untold", found by R8;
    /// The subscriber waits for a slow receiver.
    SlowReceiverWaitedFor = "slow-receiver-waited-for", found by R6 R7 R9;

    // The connection's record.

    /// The count of attempts since the last success goes on once connected.
    AttemptsNotReset = "attempts-not-reset", found by R10;
    /// A lost connection is shown as up until the next dial.
    LossSeenLate = "loss-seen-late", found by R10 R6 R13;

    // Secrets.

    /// The request, token included, is written to the log.
    TokenLogged = "token-logged", found by R14;
    /// The URL, user info and query included, is written to the log.
    UrlLogged = "url-logged", found by R14;
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Flaw {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|flaw| flaw.name() == name)
            .ok_or(())
    }
}
