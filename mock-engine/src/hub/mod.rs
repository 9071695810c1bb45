//! The hub: everything an engine shares between its tasks.
//!
//! All state is behind one lock, and every step is performed in one go under it, so that the order
//! of events is exact. Links and journal have locks of their own, always taken inside; nothing is
//! awaited while one is held.

mod between;
mod connection;
mod connection_map;
mod connections;
mod core;
mod expectations;
mod handshake;
mod held;
mod numbers;
mod outbox;
mod phase;
mod ports;
mod prologue;
mod routes;
mod schedule;
mod shared;
mod strangers;
mod triggers;
mod watches;

pub(crate) use self::connection::Attached;
pub use self::core::CLOSE_WAIT;
pub(crate) use self::core::{Core, Counts, Listed, Setup, Untaken};
pub(crate) use self::handshake::Decision;
pub use self::held::{HELD_CLOSE_WAIT, MAX_HELD_BYTES, MAX_HELD_CONNECTIONS, MAX_HELD_TOTAL_BYTES};
pub(crate) use self::schedule::StartTrigger;
pub(crate) use self::shared::Hub;
