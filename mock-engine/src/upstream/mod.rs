//! A real engine behind the port instead of a tape: its traffic passes, and faults lie over it.
//!
//! ```text
//! client ◄─► pump ◄─► link ◄─► session ◄─► real engine
//!                      ▲          │
//!            faults ───┘          ├─ exchange: requests and answers, until one upgrades
//!            injected frames      └─ frames: whole ones, so that others fit between
//! ```
//!
//! Bytes pass as they came, but for the `Host` where that is to be rewritten. A frame of the real
//! engine's goes on once it is whole, so that what a tape sends never comes in the middle of one;
//! one that is too long for that goes on in parts. What the client says is read beside its way.
//!
//! - `stream`: what a dial gives, and who dials; `observer`: who is told what passed.
//! - `run`: connections taken; `session`: one of them, from its first request to its end.
//! - `exchange`: requests and answers; `respond`: answers of the tapes' own; `frames`: what follows
//!   an upgrade; `splitter`: the real engine's frames.
//! - `fits`: what can't be laid over a real engine.

mod exchange;
mod fits;
mod frames;
mod observer;
mod respond;
mod run;
mod session;
mod splitter;
mod stream;

use std::sync::Arc;

use bytes::Bytes;

pub(crate) use self::fits::misfit;
pub use self::observer::{ConnectionObserver, Observer};
pub(crate) use self::run::run;
pub use self::stream::{UpstreamDialer, UpstreamDialing, UpstreamStream};

/// A real engine that clients are passed on to.
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
    dialer: Arc<dyn UpstreamDialer>,
    host: Option<Bytes>,
    observer: Option<Arc<dyn Observer>>,
}

impl Upstream {
    /// The engine that this dialer reaches. Each client that is let through has a stream to it of
    /// its own, dialed at its first request.
    #[must_use]
    pub fn new(dialer: Arc<dyn UpstreamDialer>) -> Self {
        Self {
            dialer,
            host: None,
            observer: None,
        }
    }

    /// Makes this the `Host` of every request, as virtual hosts want it. Default: the clients' own.
    #[must_use]
    pub fn host(mut self, host: impl Into<Bytes>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Who is told what passes, such as a recording. Default: nobody.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }
}
