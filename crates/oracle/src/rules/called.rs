//! How an end may be called.

use crate::end_reason::EndReason;

/// Reasons by which an end may be called; where nothing tells them apart, several.
pub(super) type Reasons = &'static [EndReason];

/// How an end may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Called {
    /// By one of these.
    Any(Reasons),
    /// By this one.
    Exactly(EndReason),
    /// By this one, or as a shutdown.
    OrShutdown(EndReason),
    /// By this one, or as a handshake that failed.
    OrFailedHandshake(EndReason),
    /// A Close with a code that is illegal on the wire (RFC 6455, 7.4): by that code, or as the
    /// breach of the protocol that it is.
    IllegalClose(Option<u16>),
}

/// The code that a breach of the protocol goes by (RFC 6455, 7.4.1).
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

    /// Whether a record may call it by this reason.
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
