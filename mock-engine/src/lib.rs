//! A mock engine: plays tapes to subscribers over WebSocket, with every fault a network and a
//! server have, in memory and virtual time or over TCP.
//!
//! # Layout
//! - [`Engine`], [`EngineBuilder`]: a running engine with its live controls, and how to get one.
//! - [`Clock`]: the one source of time, virtual or real.
//! - [`Layer`], [`Speed`], [`StartAt`], [`PlayEnd`]: the tapes and how they are played.
//! - [`link`]: the bytes in flight, with latency, bandwidth, partitions and cuts.
//! - [`MemoryNet`]: dials an engine without a socket.
//! - [`Journal`], [`Entry`], [`JournalKind`]: what happened, in order.
//! - [`ClientFrame`], [`FrameKind`]: what clients sent.
//!
//! Inside, `hub` holds all state behind one lock and performs steps, `layers` knows which faults
//! hold, `player` takes steps off the tapes, `server` and `connection` speak HTTP and WebSocket,
//! `tcp` joins sockets to links.
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

mod builder;
mod clock;
mod connection;
mod control;
mod engine;
mod frame;
mod hub;
mod journal;
mod layer;
mod layers;
pub mod link;
mod memory;
mod player;
mod server;
mod speed;
mod tcp;
mod timestamps;

use wstape_tape::Micros;

pub use builder::{EngineBuilder, EngineError};
pub use clock::Clock;
pub use engine::Engine;
pub use frame::{ClientFrame, FrameKind, KEPT_PAYLOAD_BYTES, MAX_CLIENT_FRAME_BYTES};
pub use journal::{Entry, Journal, JournalKind, Retention};
pub use layer::Layer;
pub use memory::MemoryNet;
pub use player::{PlayEnd, StartAt};
pub use speed::{BadSpeed, Speed};
pub use timestamps::Timestamps;

/// How long a client may take to answer the engine's Close before the engine ends the transport
/// (RFC 6455, 7.1.1).
pub const CLOSE_WAIT: Micros = Micros::from_ms(1_000);

/// How long a tape whose answers are held has to answer a client's Close before the engine does:
/// less than the second that clients commonly wait.
pub const HELD_CLOSE_WAIT: Micros = Micros::from_ms(500);

/// Most bytes that are held for a connection whose 101 is still to come.
pub const MAX_HELD_BYTES: usize = 64 << 20;

/// Most bytes that are held for all such connections together.
pub const MAX_HELD_TOTAL_BYTES: usize = 256 << 20;

/// Most connections for which anything is held at one time.
pub const MAX_HELD_CONNECTIONS: usize = 4_096;
