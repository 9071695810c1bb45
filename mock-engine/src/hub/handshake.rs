//! The outcome of a handshake.

use std::sync::Arc;

use tokio::sync::Notify;
use wstape_tape::{Accept, Refusal};

/// How a handshake is answered.
#[derive(Debug)]
pub(crate) enum Decision {
    Refuse(Refusal),
    Accept(Accept),
    /// Not by HTTP: it got something else, or is over already.
    Nothing,
    /// Not yet: ask again when notified.
    Wait(Arc<Notify>),
}
