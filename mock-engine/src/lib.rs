//! A mock engine: plays tapes to subscribers over WebSocket, with every fault a network and a
//! server have, in memory and virtual time or over TCP.
//!
//! # Layout
//! - [`Engine`], [`EngineBuilder`]: a running engine with its live controls, and how to get one.
//! - [`Clock`]: the one source of time, virtual or real.
//! - [`Layer`], [`Speed`], [`StartAt`], [`PlayEnd`]: the tapes and how they are played.
//! - [`link`]: the bytes in flight, with latency, bandwidth, partitions and cuts.
//! - [`field`]: what real servers and proxies were seen to do, as overlays by name.
//! - [`MemoryNet`]: dials an engine without a socket.
//! - [`Journal`], [`Entry`], [`JournalKind`]: what happened, in order.
//! - [`Upstream`]: a real engine behind the port instead of a tape, with faults over its traffic.
//! - [`Control`]: steers the engine over HTTP, from any language; [`Toxiproxy`]: lets that
//!   program's clients do so.
//! - [`Drawing`]: a run drawn as one HTML file; the control port serves the same page live.
//! - [`ClientFrame`], [`FrameKind`]: what clients sent; [`Wanted`], [`Verdict`]: what they were
//!   expected to, and whether they did.
//!
//! Inside, `hub` holds all state behind one lock: owners with private fields, and a core that
//! performs steps on them. `dialogue` decides what tapes answer to what clients say, `faults` keeps
//! the faults that hold, `ahead` reads the tapes, `playback` takes steps off them and `driver`
//! plays them in time, `acceptor` numbers dials, `server` and `connection` speak HTTP and
//! WebSocket, `upstream` carries connections to a real engine instead, `deflate` compresses
//! messages, `control` steers the engine over HTTP, `page` shows it in a browser, `tcp` takes
//! sockets off a port, `pump` joins them to links. Files use only what is below them.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! use futures_util::StreamExt;
//! use wstape_mock_engine::Engine;
//!
//! let tape = wstape_tape::Tape::parse("example", concat!(
//!     r#"{"tape":1}"#, "\n",
//!     r#"{"on_connect":"each","after_frames":0,"emit":{"event":"heartbeat"}}"#, "\n",
//!     r#"{"at_ms":90000,"drop":"reset"}"#, "\n",
//! )).unwrap();
//! let (engine, net) = Engine::builder().layer(tape).in_memory().unwrap();
//! engine.start();
//!
//! let socket = net.connect().await.unwrap();
//! let (mut socket, _) = tokio_tungstenite::client_async(engine.url(), socket).await.unwrap();
//! let message = socket.next().await.unwrap().unwrap();
//! assert_eq!(message.to_text().unwrap(), r#"{"event":"heartbeat"}"#);
//! assert!(socket.next().await.unwrap().is_err(), "reset after 90 virtual seconds");
//! assert_eq!(engine.journal().lines().last().unwrap().trim(), "90.000000 #1 reset");
//! # }
//! ```

mod accepted;
mod acceptor;
mod ahead;
mod audience;
mod authorization;
mod builder;
mod chance;
mod clock;
mod connection;
mod control;
mod controls;
mod deflate;
mod dialogue;
mod driver;
mod encryption;
mod engine;
mod error;
mod expect;
mod faults;
pub mod field;
mod frame;
mod http_date;
mod hub;
mod ids;
mod journal;
mod layer;
pub mod link;
mod log;
mod memory;
mod misfit;
mod page;
mod paths;
mod playback;
mod plug;
mod pointer;
mod port;
mod pump;
mod read;
mod server;
mod sought;
mod speed;
mod start;
mod tcp;
mod timestamps;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_socket;
mod toxics;
mod upstream;
mod urls;

pub use builder::EngineBuilder;
pub use clock::{Clock, Timer};
pub use control::{
    Control, ControlError, MAX_BODY_WAIT, MAX_CONTROL_CONNECTIONS, MAX_FOLLOWERS, MAX_HEAD_WAIT,
    MAX_PROXIES, MAX_REQUEST_BYTES, MAX_TAPE_BYTES, MAX_TOXICS, MAX_WAIT, OWN_PROXY, Toxiproxy,
};
pub use dialogue::{
    MAX_JSONPATH_DEPTH, MAX_JSONPATH_STEPS, MAX_LOOKED_AT_BYTES, MAX_MESSAGE_VALUES, MAX_SCENES,
    MAX_WAITING_BYTES,
};
pub use engine::Engine;
pub use error::EngineError;
pub use expect::{Outcome, Verdict, Wanted, WantedMessage};
pub use frame::{ClientFrame, FrameKind, KEPT_PAYLOAD_BYTES, MAX_CLIENT_FRAME_BYTES};
pub use hub::{
    CLOSE_WAIT, HELD_CLOSE_WAIT, MAX_HELD_BYTES, MAX_HELD_CONNECTIONS, MAX_HELD_TOTAL_BYTES,
};
pub use journal::{
    Answer, Attempt, AttemptEnd, Attempts, Entry, JOURNAL_VERSION, Journal, JournalError,
    JournalHeader, JournalKind, JournalLine, JournalReader, JournalTime, MAX_ATTEMPTS,
    MAX_HEADERS_BYTES, MAX_JOURNAL_LINE_BYTES, MAX_MARKS, MAX_SHOWN_BYTES, MAX_TARGET_BYTES,
    PassedMark, Redact, Repeats, RequestHead, Retention, Said, Shown,
};
pub use layer::Layer;
pub use memory::MemoryNet;
pub use page::{Drawing, HtmlText, MAX_DRAWN_CHUNK_BYTES};
pub use playback::PlayEnd;
pub use speed::{BadSpeed, Speed};
pub use start::StartAt;
pub use timestamps::Timestamps;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
pub use upstream::{
    ConnectionObserver, Observer, Upstream, UpstreamDialer, UpstreamDialing, UpstreamStream,
};
pub use urls::Urls;
