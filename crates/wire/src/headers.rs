//! Headers that belong to one connection.

/// Headers that belong to one connection (RFC 9110, 7.6.1; RFC 6455, 11.3): whoever plays or
/// forwards the connection writes new ones. `Sec-WebSocket-Key` is one of them because it is a
/// nonce.
const OWN_HEADERS: [&str; 10] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "sec-websocket-accept",
    "sec-websocket-key",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header belongs to one connection, whatever the case of its name: it says nothing about
/// the connection's content, and would be wrong on another one.
#[must_use]
pub fn is_own_header(name: &str) -> bool {
    OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use super::is_own_header;

    #[test]
    fn a_hops_headers_are_its_own_and_a_servers_are_not() {
        for own in ["Connection", "TE", "sec-websocket-KEY"] {
            assert!(is_own_header(own), "{own}");
        }
        for other in ["host", "sec-websocket-protocol", "set-cookie", ""] {
            assert!(!is_own_header(other), "{other}");
        }
    }
}
