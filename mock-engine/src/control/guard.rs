//! Who may make requests.
//!
//! Without a token the port can be reached only from this machine. A page of another site could
//! still reach it from a browser here. Such a page gives its origin in `Origin`, and if it reached
//! the port through a name of its own (DNS rebinding), that name is in `Host`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, StatusCode, header};

use super::problem::Problem;

/// What is demanded of each request.
#[derive(Clone)]
pub(super) struct Guard {
    token: Option<Arc<str>>,
}

impl Guard {
    pub(super) fn new(token: Option<String>) -> Self {
        Self {
            token: token.map(Into::into),
        }
    }

    /// Checks that a request that needs no token names this machine, and that one from a browser's
    /// page comes from the port's own page.
    fn admit_site(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let host = host(headers)?;
        if self.token.is_none() && !is_this_machine(&host) {
            let error = format!("Host {host} does not name this machine, and no token is set");
            return Err(Problem::new(StatusCode::FORBIDDEN, error));
        }
        if let Some(origin) = headers.get(header::ORIGIN) {
            let own = format!("http://{host}");
            if origin.as_bytes() != own.as_bytes() {
                let error = "pages of other sites are not allowed (Origin is not this port)";
                return Err(Problem::new(StatusCode::FORBIDDEN, error));
            }
        }
        Ok(())
    }

    fn admit(&self, headers: &HeaderMap) -> Result<(), Problem> {
        self.admit_site(headers)?;
        match &self.token {
            Some(token) if !wstape_wire::admits(headers, token) => {
                let error = "the header `Authorization: Bearer TOKEN` must bring the control \
                             port's token";
                Err(Problem::new(StatusCode::UNAUTHORIZED, error))
            }
            _ => Ok(()),
        }
    }
}

/// The request's `Host`, of which there must be exactly one.
fn host(headers: &HeaderMap) -> Result<Authority, Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        _ => None,
    };
    host.ok_or_else(|| Problem::bad("a request must have one Host"))
}

/// Whether the host names this machine in a way that no other site can own.
fn is_this_machine(host: &Authority) -> bool {
    let name = host.host();
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match bare.unwrap_or(name).parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback(),
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    }
}

/// Lets a request through, or says why not.
pub(super) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.admit(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Like `check`, but asks for no token: for a page that holds no data.
pub(super) async fn check_site(
    State(guard): State<Guard>,
    request: Request,
    next: Next,
) -> Response {
    match guard.admit_site(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers, and the status that refuses them, if one does.
    type Row<'a> = (&'a [(&'a str, &'a str)], Option<StatusCode>);

    fn admitted(token: Option<&str>, headers: &[(&str, &str)]) -> Option<StatusCode> {
        let guard = Guard::new(token.map(str::to_owned));
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    name.parse::<http::HeaderName>().unwrap(),
                    value.parse().unwrap(),
                )
            })
            .collect();
        let refused = guard.admit(&headers).err();
        refused.map(|problem| problem.into_response().status())
    }

    #[test]
    fn only_this_machine_and_its_own_page_may_ask_without_a_token() {
        let forbidden = Some(StatusCode::FORBIDDEN);
        let (host, origin) = ("host", "origin");
        let table: &[Row<'_>] = &[
            (&[(host, "127.0.0.1:80")], None),
            (&[(host, "[::1]:80")], None),
            (&[(host, "LocalHost:80")], None),
            (
                &[(host, "127.0.0.1:80"), (origin, "http://127.0.0.1:80")],
                None,
            ),
            (&[(host, "evil.example:80")], forbidden),
            (&[(host, "127.0.0.1.evil.example")], forbidden),
            (&[(host, "10.0.0.1:80")], forbidden),
            (
                &[(host, "127.0.0.1:80"), (origin, "http://evil.example")],
                forbidden,
            ),
            (
                &[(host, "127.0.0.1:80"), (origin, "http://127.0.0.1:81")],
                forbidden,
            ),
            (&[(host, "127.0.0.1:80"), (origin, "null")], forbidden),
            (&[], Some(StatusCode::BAD_REQUEST)),
            (&[(host, "a"), (host, "b")], Some(StatusCode::BAD_REQUEST)),
        ];
        for &(headers, refused) in table {
            assert_eq!(admitted(None, headers), refused, "{headers:?}");
        }
    }

    #[test]
    fn with_a_token_whoever_brings_it_may_ask_and_still_no_other_sites_page() {
        let auth = ("authorization", "Bearer t0k");
        let host = ("host", "engine.example:80");
        let denied = Some(StatusCode::UNAUTHORIZED);
        let table: &[Row<'_>] = &[
            (&[host, auth], None),
            (&[host], denied),
            (&[host, ("authorization", "Bearer t0l")], denied),
            (
                &[host, auth, ("origin", "http://other.example")],
                Some(StatusCode::FORBIDDEN),
            ),
        ];
        for &(headers, refused) in table {
            assert_eq!(admitted(Some("t0k"), headers), refused, "{headers:?}");
        }
    }
}
