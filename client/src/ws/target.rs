//! Where to connect: a WebSocket URL taken apart, with nothing secret left in it to print.

use std::fmt;

use http::{HeaderValue, Uri};
use url::Url;

use super::error::WsError;

/// The peer of a subscriber: host, port, and whether it speaks TLS.
///
/// Its `Display` names scheme, host, port and path; user info and query never leave the type.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    host: String,
    port: u16,
    tls: bool,
    path: String,
    query: Option<String>,
    default_port: bool,
}

impl Target {
    /// Takes a `ws` or `wss` URL apart. User info and fragment are dropped.
    ///
    /// # Errors
    /// [`WsError::InvalidUrl`] for anything else; its text never repeats the URL.
    pub fn parse(url: &str) -> Result<Self, WsError> {
        let url = Url::parse(url).map_err(|error| {
            WsError::InvalidUrl(format!(
                "{error}; expected one such as ws://127.0.0.1:8765/ws"
            ))
        })?;
        let tls = match url.scheme() {
            "ws" => false,
            "wss" => true,
            // Without a scheme, the text before the first colon may be a user's name: only a known
            // scheme is repeated.
            known @ ("http" | "https") => {
                return Err(WsError::InvalidUrl(format!(
                    "expected scheme ws or wss, found {known}"
                )));
            }
            _ => {
                return Err(WsError::InvalidUrl(
                    "expected scheme ws or wss, found another".to_owned(),
                ));
            }
        };
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(WsError::InvalidUrl("it names no host".to_owned()));
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            tls,
            path: url.path().to_owned(),
            query: url.query().map(ToOwned::to_owned),
            default_port: url.port().is_none(),
        })
    }

    /// Host name or address; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
    }

    /// TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is to speak TLS.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// The target in the request line (RFC 9112, 3.2.1).
    pub(crate) fn request_uri(&self) -> Result<Uri, WsError> {
        let text = match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        };
        text.parse()
            .map_err(|_| WsError::InvalidUrl("its path is no request target".to_owned()))
    }

    /// The `Host` header, with the port only if it is not the scheme's own (RFC 6455, 4.1).
    ///
    /// # Errors
    /// [`WsError::InvalidUrl`] if the host can't stand in a header.
    pub fn host_header(&self) -> Result<HeaderValue, WsError> {
        let text = if self.default_port {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        };
        HeaderValue::try_from(text)
            .map_err(|_| WsError::InvalidUrl("its host is not allowed in a header".to_owned()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "wss" } else { "ws" };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.path)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn user_info_and_query_are_never_shown() {
        let target = Target::parse("wss://ada:pw@host.example/ws?token=s3cret#f").unwrap();
        for text in [target.to_string(), format!("{target:?}")] {
            assert!(!text.contains("ada") && !text.contains("pw") && !text.contains("s3cret"));
        }
        assert_eq!(target.to_string(), "wss://host.example:443/ws");
        assert_eq!(target.request_uri().unwrap(), "/ws?token=s3cret");
        assert_eq!(target.host_header().unwrap(), "host.example");
    }

    #[test]
    fn an_ipv6_host_keeps_its_brackets_in_the_header_alone() {
        let target = Target::parse("ws://[::1]:8765/ws").unwrap();
        assert_eq!(target.host(), "::1");
        assert_eq!(target.host_header().unwrap(), "[::1]:8765");
    }

    #[test]
    fn anything_but_ws_and_wss_is_refused_without_repeating_it() {
        for url in ["http://u:pw@h/", "h", "", "ws://", "ws://:80/", "file:///x"] {
            let error = Target::parse(url).unwrap_err().to_string();
            assert!(!error.contains("pw"), "{error}");
        }
    }
}
