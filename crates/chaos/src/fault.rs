//! The kinds of faults that can be drawn.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal in $family:ident,)*) => {
        /// A kind of fault; its letter and number are those of the fault catalogue in the README.
        /// Serialises as its name.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum FaultKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl FaultKind {
            /// All kinds.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$kind),*];

            /// Its name, as a tape's `x-fault` has it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// The family it belongs to.
            #[must_use]
            pub fn family(self) -> Family {
                match self {
                    $(Self::$kind => Family::$family,)*
                }
            }
        }
    };
}

kinds! {
    /// C1, N7, L2: nobody listens for a while, and what was open is reset.
    Down = "down" in Connect,
    /// C2: a connect takes long, or never completes.
    DialStall = "dial-stall" in Connect,
    /// C3: accepted, then silence.
    Hang = "hang" in Connect,
    /// C4: accepted, then FIN or RST before the answer.
    EndBeforeAnswer = "end-before-answer" in Connect,
    /// C6: the answer comes late.
    SlowAnswer = "slow-answer" in Connect,
    /// C5: TLS fails.
    Tls = "tls" in Connect,
    /// N6: new connections are held, established ones live on.
    PartitionNew = "partition-new" in Connect,
    /// H1: another status.
    Status = "status" in Handshake,
    /// H2: 429 or 503 with `Retry-After`.
    RetryAfter = "retry-after" in Handshake,
    /// H3: 200, or a redirect.
    Redirect = "redirect" in Handshake,
    /// H4: a 101 without its headers, or with wrong ones.
    WrongUpgrade = "wrong-upgrade" in Handshake,
    /// H5: an extension or a subprotocol that nobody asked for.
    Unasked = "unasked" in Handshake,
    /// H6: an answer that is not HTTP, or only part of it.
    Garbage = "garbage" in Handshake,
    /// H7: a 101 that comes with the first frames.
    EarlyFrames = "early-frames" in Handshake,
    /// H8: 101, then an end at once.
    Flap = "flap" in Handshake,
    /// H9: the token is refused.
    WrongToken = "wrong-token" in Handshake,
    /// N1: RST.
    Reset = "reset" in Network,
    /// N2: FIN without Close.
    Fin = "fin" in Network,
    /// N1, N2: an end after an exact number of bytes.
    Cut = "cut" in Network,
    /// N3: the server's side ends, but it goes on reading.
    HalfClose = "half-close" in Network,
    /// N4: a partition both ways.
    Partition = "partition" in Network,
    /// N6: established connections are held, new ones live.
    PartitionEstablished = "partition-established" in Network,
    /// N5: a partition towards the client.
    PartitionToClient = "partition-to-client" in Network,
    /// N5: a partition from the client.
    PartitionFromClient = "partition-from-client" in Network,
    /// N8: latency.
    Latency = "latency" in Network,
    /// N8: bandwidth.
    Bandwidth = "bandwidth" in Network,
    /// N9: slices.
    Slices = "slices" in Network,
    /// N10: a peer that stops reading.
    StopsReading = "stops-reading" in Network,
    /// N12: an idle connection is forgotten on the way.
    IdleDrop = "idle-drop" in Network,
    /// N13: flipped bits.
    Corrupt = "corrupt" in Network,
    /// W1: Close.
    Close = "close" in Frames,
    /// W2: an illegal Close.
    BadClose = "bad-close" in Frames,
    /// W3: something after the Close.
    AfterClose = "after-close" in Frames,
    /// N11: a Close after which the end comes late, or never.
    SlowClose = "slow-close" in Frames,
    /// W4: text that is not UTF-8.
    BadUtf8 = "bad-utf8" in Frames,
    /// W5, W10: a masked, reserved or compressed frame.
    IllegalFrame = "illegal-frame" in Frames,
    /// W6: legal fragments.
    Fragments = "fragments" in Frames,
    /// W7: fragments that don't make a message.
    BrokenFragments = "broken-fragments" in Frames,
    /// W8: a fragmented or overlong control frame.
    BadControl = "bad-control" in Frames,
    /// W9: a message over the limit.
    TooLarge = "too-large" in Frames,
    /// W11: Pings.
    Pings = "pings" in Frames,
    /// W11: Pongs that nobody asked for.
    StrayPongs = "stray-pongs" in Frames,
    /// W11: Pings are not answered.
    PongsWithheld = "pongs-withheld" in Frames,
    /// W11: Pings are answered late.
    PongsLate = "pongs-late" in Frames,
    /// W12: Binary messages.
    Binary = "binary" in Frames,
    /// A1: messages that are not JSON, or are strange JSON.
    Malformed = "malformed" in Events,
    /// A2: missing, null or wrongly typed fields; unknown events.
    WrongFields = "wrong-fields" in Events,
    /// A3: strange timestamps.
    Timestamps = "timestamps" in Events,
    /// L6: the engine's clock jumps and drifts.
    Clock = "clock" in Events,
    /// A4: duplicate or reordered events.
    Replayed = "replayed" in Events,
    /// A6: a burst.
    Burst = "burst" in Events,
    /// A7: an error event, then Close.
    ErrorThenClose = "error-then-close" in Events,
}

/// A family of faults; tests are reported by rule and family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// No transport connection, or none that answers.
    Connect,
    /// No 101, or a wrong one.
    Handshake,
    /// The network, once established.
    Network,
    /// WebSocket frames.
    Frames,
    /// What the messages say.
    Events,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 5] = [
        Self::Connect,
        Self::Handshake,
        Self::Network,
        Self::Frames,
        Self::Events,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::Network => "network",
            Self::Frames => "frames",
            Self::Events => "events",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FaultKind {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or(())
    }
}
