//! A port that nobody should connect to: records whoever does, and whether the token comes along.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wstape_mock_engine::Clock;
use wstape_tape::Micros;

/// The most bytes of a request that are read.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// The port, watched until it is dropped.
#[derive(Debug)]
pub(super) struct OtherPort {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<(Micros, bool)>>>,
    watch: JoinHandle<()>,
}

impl OtherPort {
    pub(super) async fn open(clock: Clock, token: String) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let watch = tokio::spawn(watch(listener, clock, token, Arc::clone(&seen)));
        Ok(Self { addr, seen, watch })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/ws", self.addr)
    }

    /// Who connected, and whether with the token.
    pub(super) fn seen(&self) -> Vec<(Micros, bool)> {
        self.seen.lock().clone()
    }
}

impl Drop for OtherPort {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

async fn watch(
    listener: TcpListener,
    clock: Clock,
    token: String,
    seen: Arc<Mutex<Vec<(Micros, bool)>>>,
) {
    // An accept that failed was ended by the client itself.
    while let Ok((mut socket, _)) = listener.accept().await {
        let mut request = Vec::new();
        let mut part = [0; 4096];
        while !request.windows(4).any(|it| it == b"\r\n\r\n") && request.len() < MAX_REQUEST_BYTES {
            match socket.read(&mut part).await {
                Ok(0) | Err(_) => break,
                Ok(n) => request.extend_from_slice(&part[..n]),
            }
        }
        let brought = request
            .windows(token.len())
            .any(|it| it == token.as_bytes());
        seen.lock().push((clock.now(), brought));
    }
}
