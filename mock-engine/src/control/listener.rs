//! Connections of the control port.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

/// The most connections at a time; further ones are closed at once.
pub const MAX_CONTROL_CONNECTIONS: usize = 512;

/// How long a request's head may take to arrive.
pub const MAX_HEAD_WAIT: Duration = Duration::from_secs(10);

/// The most bytes of one connection that may wait to be parsed, or to be written.
const MAX_BUFFER_BYTES: usize = 64 << 10;

/// The pause after a failed accept (mostly for want of descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long answers under way may take once the port closes.
const CLOSE_WAIT: Duration = Duration::from_millis(500);

/// Serves until `stop` fires or its sender is gone.
pub(super) async fn serve(listener: TcpListener, router: Router, mut stop: oneshot::Receiver<()>) {
    let places = Arc::new(Semaphore::new(MAX_CONTROL_CONNECTIONS));
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        while tasks.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        // This only saves a delay; a socket that refuses it works all the same.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        tasks.spawn(async move {
            let _place = place;
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(MAX_HEAD_WAIT)
                .max_buf_size(MAX_BUFFER_BYTES)
                .serve_connection(TokioIo::new(stream), service);
            // A client that breaks off or talks nonsense ends only its own connection.
            let _ = served.await;
        });
    }
    drop(listener);
    let done = async { while tasks.join_next().await.is_some() {} };
    // Followers never end by themselves.
    let _ = tokio::time::timeout(CLOSE_WAIT, done).await;
}
