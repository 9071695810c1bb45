//! Connects to a host: over TCP or, inside a scenario, to the mock engine.

use std::future::Future;
use std::io;

use tokio::net::TcpStream;

use crate::network::{self, Dialing};
use crate::stream::Stream;

/// Connects to `host` at `port`: over TCP, or inside a scenario to the mock engine.
///
/// `host` is a name or an address; an IPv6 address may be in brackets. The future is `Send`, as
/// [`TcpStream::connect`]'s is. Whether it goes to TCP or to the engine is settled when this is
/// called, by the calling thread.
///
/// # Errors
/// As [`TcpStream::connect`]; inside a scenario, as the tape says.
///
/// # Panics
/// Outside a scenario, if the future is polled without a tokio runtime that has IO enabled.
pub fn dial(host: &str, port: u16) -> impl Future<Output = io::Result<Stream>> + Send + 'static {
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let scenario: Option<Dialing> = network::entered().map(|network| network.dial(&host, port));
    async move {
        match scenario {
            Some(dialing) => dialing.await.map(Stream::in_scenario),
            None => TcpStream::connect((host, port)).await.map(Stream::from),
        }
    }
}
