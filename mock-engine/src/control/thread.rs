//! An HTTP port with a thread of its own, so that it answers whatever the engine's clients do.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::error::ControlError;
use super::listener;

/// A port that is served. Dropping it closes the port.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Listens, and serves `router` on a thread of this name.
pub(super) fn serve(
    name: &str,
    addr: SocketAddr,
    router: impl FnOnce() -> Router,
) -> Result<Served, ControlError> {
    let listen = |source| ControlError::Listen { addr, source };
    let socket = std::net::TcpListener::bind(addr).map_err(listen)?;
    socket.set_nonblocking(true).map_err(listen)?;
    let bound = socket.local_addr().map_err(listen)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ControlError::Start)?;
    let router = router();
    let (stop, stopped) = oneshot::channel();
    let serve = async move {
        // If this fails, clients find the port closed.
        if let Ok(listener) = TcpListener::from_std(socket) {
            listener::serve(listener, router, stopped).await;
        }
    };
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || runtime.block_on(serve))
        .map_err(ControlError::Start)?;
    Ok(Served {
        addr: bound,
        stop: Some(stop),
        thread: Some(thread),
    })
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends within the time allowed for answers under way, and does not panic.
            let _ = thread.join();
        }
    }
}
