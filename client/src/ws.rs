//! The subscriber: dial, handshake, liveness, folding, reconnect.
//!
//! ```text
//! builder ─► subscriber (the handle)
//!              └─ reconnect (the task: SPEC's rules)
//!                   ├─ dial ─► handshake ─► socket   (bytes, upgrade, frames)
//!                   ├─ connection ─► liveness        (reading, closing; what is overdue)
//!                   └─ feed                          (decode, mirror, receivers, observer)
//! ```
//!
//! Time comes from the [`Clock`] and bytes from the [`Dialer`] that it was handed; the defaults
//! are the machine's own.

mod builder;
mod clock;
mod connection;
mod dial;
mod error;
mod events;
mod feed;
mod handshake;
mod liveness;
mod message_clock;
mod mirror;
mod observer;
mod reconnect;
mod retry_after;
mod shutdown;
mod socket;
mod subscriber;
mod target;

pub use crate::backoff::{JitterMode, ReconnectConfig, apply_jitter, exp_backoff_cap};
pub use crate::event::EngineEvent;
pub use builder::{
    CONNECT_TIMEOUT, EVENTS_CAPACITY, IDLE_TIMEOUT, MAX_MESSAGE_BYTES, MESSAGE_TIMEOUT,
    PING_INTERVAL, SubscriberBuilder,
};
pub use clock::{Clock, Sleep, SystemClock};
pub use dial::{DialError, Dialer, Dialing, NetDialer, NetStream, Transport};
pub use error::WsError;
pub use observer::{Observed, Observer};
pub use subscriber::WsSubscriber;
pub use target::Target;
