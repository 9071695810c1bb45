//! The paths of the WebSocket, and the URL that clients dial.

use std::net::SocketAddr;
use std::sync::Arc;

/// The path of the WebSocket if nothing sets another.
const WS_PATH: &str = "/ws";

/// The paths of the WebSocket.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    own: Arc<str>,
    /// The only paths allowed; if empty, any is.
    only: Arc<[String]>,
}

impl Paths {
    /// Allows `only` these paths, or any if there are none; `played` is the one that the tape is
    /// for.
    pub(crate) fn new(only: Vec<String>, played: Option<&str>) -> Self {
        let own = only.first().map(String::as_str).or(played);
        Self {
            own: own.unwrap_or(WS_PATH).into(),
            only: only.into(),
        }
    }

    /// The path in the engine's URL.
    pub(crate) fn own(&self) -> &str {
        &self.own
    }

    /// Where clients connect. In memory the host is a name that nothing else resolves.
    pub(crate) fn url(&self, addr: Option<SocketAddr>, scheme: &str) -> String {
        let path = &self.own;
        match addr {
            Some(addr) => format!("{scheme}://{addr}{path}"),
            None => format!("ws://mock-engine{path}"),
        }
    }

    /// Whether an upgrade at this path is a WebSocket.
    pub(crate) fn take(&self, path: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == path)
    }
}
