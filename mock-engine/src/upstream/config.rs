//! What an engine knows of the real one behind it.

use std::sync::Arc;

use bytes::Bytes;

use super::observer::Observer;
use super::stream::UpstreamDialer;

/// A real engine to which clients are passed on.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// # use std::sync::Arc;
/// use futures_util::StreamExt;
/// use wstape_mock_engine::{Engine, Upstream};
///
/// // An engine in memory stands for the real one.
/// let tape = wstape_tape::Tape::parse("example", concat!(
///     r#"{"tape":1}"#, "\n",
///     r#"{"on_connect":"each","after_frames":0,"text":"real"}"#, "\n",
/// )).unwrap();
/// let (real, net) = Engine::builder().layer(tape).in_memory().unwrap();
/// let upstream = Upstream::new(Arc::new(net));
/// let (between, net) = Engine::builder().upstream(upstream).in_memory().unwrap();
///
/// let socket = net.connect().await.unwrap();
/// let (mut socket, _) = tokio_tungstenite::client_async(between.url(), socket).await.unwrap();
/// assert_eq!(socket.next().await.unwrap().unwrap().to_text().unwrap(), "real");
/// between.drop_connections(wstape_tape::End::Reset);
/// assert!(socket.next().await.unwrap().is_err());
/// # drop(real);
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Upstream {
    pub(super) dialer: Arc<dyn UpstreamDialer>,
    pub(super) host: Option<Bytes>,
    pub(super) observer: Option<Arc<dyn Observer>>,
}

impl Upstream {
    /// The engine that this dialer reaches. Each client let through has a stream of its own to it,
    /// dialled at the client's first request.
    #[must_use]
    pub fn new(dialer: Arc<dyn UpstreamDialer>) -> Self {
        Self {
            dialer,
            host: None,
            observer: None,
        }
    }

    /// Makes this the `Host` of every request, as virtual hosts need it. Default: the clients' own.
    #[must_use]
    pub fn host(mut self, host: impl Into<Bytes>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Who is told what passes, such as a recorder. Default: nobody.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }
}
