//! What a subscriber's handle wishes for.

use tokio::sync::watch;

/// Returns once shutdown is wished for; never where the handle was dropped without.
pub(super) async fn wished(wish: &mut watch::Receiver<bool>) {
    if wish.wait_for(|wished| *wished).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Returns once the handle was dropped.
pub(super) async fn gone(mut wish: watch::Receiver<bool>) {
    while wish.changed().await.is_ok() {}
}
