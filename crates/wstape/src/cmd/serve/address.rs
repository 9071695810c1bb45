//! Addresses to listen on.

use std::net::{SocketAddr, ToSocketAddrs as _};

use super::error::ServeError;

/// Parses `HOST:PORT`, unchanged.
pub(super) fn host_and_port(text: &str) -> Result<String, String> {
    let is = text
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if is {
        return Ok(text.to_owned());
    }
    Err("expected HOST:PORT, such as 127.0.0.1:8765 or localhost:0".to_owned())
}

/// The addresses of a name, which may have several.
pub(super) async fn resolve(name: &str) -> Result<(SocketAddr, Vec<SocketAddr>), ServeError> {
    let no_address = |reason: String| ServeError::NoAddress {
        name: name.to_owned(),
        reason,
    };
    let found = tokio::net::lookup_host(name).await;
    let mut addresses = found.map_err(|error| no_address(error.to_string()))?;
    match addresses.next() {
        Some(first) => Ok((first, addresses.collect())),
        None => Err(no_address("the name has no address".to_owned())),
    }
}

/// The first address of a name.
pub(super) fn resolve_now(name: &str) -> Result<SocketAddr, ServeError> {
    let no_address = |reason: String| ServeError::NoAddress {
        name: name.to_owned(),
        reason,
    };
    let mut found = name
        .to_socket_addrs()
        .map_err(|error| no_address(error.to_string()))?;
    found
        .next()
        .ok_or_else(|| no_address("the name has no address".to_owned()))
}
