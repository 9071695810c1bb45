//! Dials like tokio's [`TcpStream`](tokio::net::TcpStream), and inside a scenario connects to the
//! mock engine.
//!
//! A program that is to be tested in virtual time makes its connections through this crate, in its
//! ordinary code. Outside a scenario [`dial`] is a plain TCP connect. The thread that plays a
//! scenario has [entered](enter) a [`Network`], and every dial on that thread goes there.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `dial` | `dial`: connects over TCP or, inside a scenario, to the mock engine |
//! | `stream` | what it returns: a TCP stream or a scenario's |
//! | `network` | what a scenario puts in place of the network |
//! | `websocket` | `connect_async` of tokio-tungstenite 0.30 (feature `tungstenite`) |
//! | `connector` | a connector for hyper-util's client (feature `hyper`) |
//!
//! With any version of any WebSocket library that takes a stream:
//!
//! ```
//! use tokio::io::AsyncWriteExt;
//!
//! async fn greet(host: &str, port: u16) -> std::io::Result<()> {
//!     let mut stream = wstape_dial::dial(host, port).await?;
//!     stream.write_all(b"hello").await
//! }
//! ```

#[cfg(feature = "hyper")]
mod connector;
mod dial;
mod network;
mod stream;
#[cfg(feature = "tungstenite")]
mod websocket;

#[cfg(feature = "hyper")]
pub use connector::{Connector, HyperStream};
pub use dial::dial;
pub use network::{Dialing, Entered, Network, Transport, enter};
pub use stream::Stream;
#[cfg(feature = "tungstenite")]
pub use websocket::connect_async;
