//! What an end may be called.

use crate::end_reason::EndReason;

/// Reasons that an end may be given; several if nothing tells them apart.
pub(super) type Reasons = &'static [EndReason];

/// What an end may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Called {
    /// Any of these.
    Any(Reasons),
    /// This one only.
    Exactly(EndReason),
    /// This one, or a shutdown.
    OrShutdown(EndReason),
    /// This one, or a failed handshake.
    OrFailedHandshake(EndReason),
    /// A Close with a code that is illegal on the wire (RFC 6455, 7.4): named by that code, or as
    /// the protocol error that it is.
    IllegalClose(Option<u16>),
}

/// The code for a protocol error (RFC 6455, 7.4.1).
const PROTOCOL_ERROR: u16 = 1002;

impl Called {
    /// Whether it is the peer's Close.
    pub(super) fn is_close(&self) -> bool {
        matches!(
            self,
            Self::Exactly(EndReason::Closed { .. })
                | Self::OrShutdown(EndReason::Closed { .. })
                | Self::IllegalClose(_)
        )
    }

    /// Whether a record may give this reason for it.
    pub(super) fn fits(&self, reason: Option<EndReason>) -> bool {
        let Some(reason) = reason else { return false };
        match self {
            Self::Any(reasons) => reasons.contains(&reason),
            Self::Exactly(exactly) => *exactly == reason,
            Self::OrShutdown(other) => reason == *other || reason == EndReason::Shutdown,
            Self::OrFailedHandshake(other) => {
                reason == *other || reason == EndReason::HandshakeFailed
            }
            Self::IllegalClose(code) => match reason {
                EndReason::Closed { code: found } => {
                    found == *code || found == Some(PROTOCOL_ERROR)
                }
                other => matches!(other, EndReason::Protocol | EndReason::Shutdown),
            },
        }
    }
}
