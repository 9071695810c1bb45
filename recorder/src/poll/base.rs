//! The base URL of the polled surface, with nothing secret left in it to print.

use std::fmt;

use engine_client::Target;
use http::{HeaderValue, Uri};
use url::Url;

use crate::error::PollError;

/// An engine's base URL, split into parts.
#[derive(Debug, Clone)]
pub(super) struct Base {
    target: Target,
    host: HeaderValue,
    /// The part before each path: empty, or starting with a slash and not ending in one.
    prefix: String,
    /// Sent with each request, shown nowhere.
    query: Option<Query>,
}

/// A query, which may hold a token.
#[derive(Clone)]
struct Query(String);

impl Base {
    /// Parses an `http` or `https` URL. User info and fragment are dropped.
    pub(super) fn parse(text: &str) -> Result<Self, PollError> {
        let bad = |why: &str| PollError::Url(why.to_owned());
        let mut url = Url::parse(text).map_err(|error| {
            PollError::Url(format!(
                "{error}; expected one such as http://127.0.0.1:8765"
            ))
        })?;
        let scheme = match url.scheme() {
            "http" => "ws",
            "https" => "wss",
            // Without a scheme, the text before the first colon may be a user's name: only known
            // schemes are repeated.
            known @ ("ws" | "wss") => {
                return Err(PollError::Url(format!(
                    "expected scheme http or https, found {known}; record a WebSocket with \
                     `wstape tap`"
                )));
            }
            _ => return Err(bad("expected scheme http or https, found another")),
        };
        let Some(name) = url.host_str() else {
            return Err(bad("it names no host"));
        };
        let host = match url.port() {
            Some(port) => HeaderValue::try_from(format!("{name}:{port}")),
            None => HeaderValue::try_from(name),
        };
        let host = host.map_err(|_| bad("its host is not allowed in a header"))?;
        let prefix = url.path().trim_end_matches('/').to_owned();
        let query = url.query().map(|query| Query(query.to_owned()));
        // The dialer expects WebSocket URLs: the same host, port and TLS.
        url.set_scheme(scheme)
            .map_err(|()| bad("it names no host"))?;
        let target = Target::parse(url.as_str()).map_err(|_| bad("it names no host"))?;
        Ok(Self {
            target,
            host,
            prefix,
            query,
        })
    }

    /// Where to dial.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// The `Host` header.
    pub(super) fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// The request target for `path`.
    pub(super) fn uri(&self, path: &str) -> Result<Uri, http::uri::InvalidUri> {
        match &self.query {
            Some(Query(query)) => format!("{}{path}?{query}", self.prefix).parse(),
            None => format!("{}{path}", self.prefix).parse(),
        }
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Query(…)")
    }
}

impl fmt::Display for Base {
    /// Scheme, host, port and path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.target.tls() { "https" } else { "http" };
        let (host, port) = (self.target.host(), self.target.port());
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}{}", self.prefix)
        } else {
            write!(f, "{scheme}://{host}:{port}{}", self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Base;

    #[test]
    fn paths_are_put_behind_the_base_and_its_query_behind_them() {
        for (base, shown, uri, host) in [
            ("http://h", "http://h:80", "/risk", "h"),
            ("http://h:81/", "http://h:81", "/risk", "h:81"),
            (
                "https://ada:pw@h/api/v1/?token=s3cret#x",
                "https://h:443/api/v1",
                "/api/v1/risk?token=s3cret",
                "h",
            ),
            ("http://[::1]:82", "http://[::1]:82", "/risk", "[::1]:82"),
        ] {
            let parsed = Base::parse(base).unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert_eq!(parsed.uri("/risk").unwrap(), uri);
            assert_eq!(parsed.host(), host);
            let debug = format!("{parsed:?}");
            assert!(
                !debug.contains("s3cret") && !debug.contains("pw"),
                "{debug}"
            );
        }
    }

    #[test]
    fn anything_but_http_and_https_is_refused_without_repeating_it() {
        for (url, why) in [
            ("ws://u:pw@h/ws", "expected scheme http or https, found ws"),
            ("u:pw@h", "expected scheme http or https, found another"),
            ("h/ws", "relative URL without a base"),
            ("http://", "empty host"),
        ] {
            let error = Base::parse(url).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(!error.contains("pw"), "{error}");
        }
    }
}
