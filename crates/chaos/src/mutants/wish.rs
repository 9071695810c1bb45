//! What a subscriber's handle asks for.

use tokio::sync::watch;

/// Returns once shutdown is asked for; never if the handle was dropped without asking.
pub(super) async fn wished(wish: &mut watch::Receiver<bool>) {
    if wish.wait_for(|wished| *wished).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Returns once the handle was dropped.
pub(super) async fn gone(mut wish: watch::Receiver<bool>) {
    while wish.changed().await.is_ok() {}
}
