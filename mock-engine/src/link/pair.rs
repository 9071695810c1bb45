//! Makes a new link.

use std::sync::Arc;

use tokio::sync::Notify;

use super::budget::Budget;
use super::client_end::ClientEnd;
use super::engine_end::{EngineEnd, LinkHandle};
use super::lanes::Shared;
use crate::clock::Clock;

/// Makes a new link: the engine's end, the client's, and the handle that steers it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// use tokio::io::AsyncReadExt;
/// let clock = wstape_mock_engine::Clock::virtual_at(chrono::DateTime::UNIX_EPOCH);
/// let (_engine, mut client, link) = wstape_mock_engine::link::pair(clock);
/// link.push("hello".into());
/// let mut buf = [0; 5];
/// client.read_exact(&mut buf).await.unwrap();
/// assert_eq!(&buf, b"hello");
/// # }
/// ```
#[must_use]
pub fn pair(clock: Clock) -> (EngineEnd, ClientEnd, LinkHandle) {
    pair_with(clock, Arc::new(Notify::new()), Budget::default())
}

/// Like [`pair`], but also notifies `drained` when the client has caught up, and counts what waits
/// for it in `budget`.
pub(crate) fn pair_with(
    clock: Clock,
    drained: Arc<Notify>,
    budget: Budget,
) -> (EngineEnd, ClientEnd, LinkHandle) {
    let shared = Arc::new(Shared::new(clock, drained, budget));
    (
        EngineEnd::new(Arc::clone(&shared)),
        ClientEnd::new(Arc::clone(&shared)),
        LinkHandle::new(shared),
    )
}
