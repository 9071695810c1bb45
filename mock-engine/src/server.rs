//! The HTTP side: upgrades, and answers to requests of other paths.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::serve::IncomingStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use wstape_tape::{Accept, Refusal};

use crate::accepted::Accepted;
use crate::authorization::Authorization;
use crate::connection;
use crate::deflate::Terms;
use crate::http_date::http_date;
use crate::hub::{Decision, Hub};
use crate::ids::ConnId;
use crate::journal::RequestHead;
use crate::log::Log;
use crate::paths::Paths;

/// The bytes of a decoded `Sec-WebSocket-Key` (RFC 6455, 4.1).
const KEY_BYTES: usize = 16;

/// Tells a request that an upgrade is required, if it asks for none, or for another version.
const NOT_ASKED_FOR: &str = "this is a WebSocket, version 13\n";
/// Tells a request that an upgrade is required, if it is too old to ask for one.
const TOO_OLD: &str = "a WebSocket's handshake is HTTP/1.1 or newer (RFC 6455, 4.1), not HTTP/1.0";

/// Where the server takes its connections from, in memory and on TCP alike.
#[derive(Debug)]
struct Arrivals(mpsc::Receiver<Accepted>);

impl axum::serve::Listener for Arrivals {
    type Io = Accepted;
    type Addr = ConnId;

    async fn accept(&mut self) -> (Accepted, ConnId) {
        match self.0.recv().await {
            Some(accepted) => {
                let id = accepted.id();
                (accepted, id)
            }
            // The engine is gone; something else stops the server.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<ConnId> {
        Ok(ConnId::new(0))
    }
}

/// The connection's number, as a handler receives it.
#[derive(Debug, Clone, Copy)]
struct Number(ConnId);

impl Connected<IncomingStream<'_, Arrivals>> for Number {
    fn connect_info(stream: IncomingStream<'_, Arrivals>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// What a handler needs.
#[derive(Clone)]
struct Site {
    hub: Arc<Hub>,
    authorization: Authorization,
    paths: Paths,
}

impl Site {
    /// Whether a request is for the WebSocket: it is for the WebSocket's own path, or an upgrade at
    /// another allowed path that no tape answers.
    fn is_upgrade(&self, request: &Request) -> bool {
        let path = request.uri().path();
        if path == self.paths.own() {
            return true;
        }
        let asks = lists(request.headers(), &header::UPGRADE, "websocket");
        asks && self.paths.take(path) && self.hub.core().methods(path).is_empty()
    }
}

/// Serves `arrivals` until `stop` fires and every connection that is not upgraded is done.
pub(crate) async fn run(
    hub: Arc<Hub>,
    authorization: Authorization,
    paths: Paths,
    arrivals: mpsc::Receiver<Accepted>,
    stop: oneshot::Receiver<()>,
) {
    let arrivals = Arrivals(arrivals);
    let site = Site {
        hub,
        authorization,
        paths,
    };
    let router = Router::new().fallback(answer).with_state(site);
    let service = router.into_make_service_with_connect_info::<Number>();
    let served = axum::serve(arrivals, service).with_graceful_shutdown(async {
        // If the sender is gone, that means the same.
        let _ = stop.await;
    });
    // Infallible with this listener: it ends only when told to.
    let _ = served.await;
}

async fn answer(
    State(site): State<Site>,
    ConnectInfo(Number(id)): ConnectInfo<Number>,
    request: Request,
) -> Response {
    site.hub.core().requested(id, RequestHead::of(&request));
    let mut response = if site.is_upgrade(&request) {
        upgrade_or_refuse(&site, id, request).await
    } else {
        pull(&site.hub, id, &request)
    };
    date(site.hub.log(), &mut response);
    response
}

/// Adds the date to an answer that has none.
pub(crate) fn date(log: &Log, response: &mut Response) {
    if !response.headers().contains_key(header::DATE)
        && let Ok(date) = HeaderValue::try_from(http_date(log.wall()))
    {
        response.headers_mut().insert(header::DATE, date);
    }
}

/// Answers a request of any other path.
fn pull(hub: &Hub, id: ConnId, request: &Request) -> Response {
    let (path, method) = (request.uri().path(), request.method());
    hub.core().pulls(id, path, request.uri().query());
    let answer = canned(hub, id, path, method);
    let mut core = hub.core();
    let mut response = answer.unwrap_or_else(|| not_there(&core.methods(path)));
    let status = response.status().as_u16();
    core.http_answered(id, method.as_str(), path.to_owned(), status);
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

/// The tapes' answer to a plain request; `None` if they have none.
pub(crate) fn canned(hub: &Hub, id: ConnId, path: &str, method: &Method) -> Option<Response> {
    // A HEAD is a GET without the body (RFC 9110, 9.3.2), unless the tape has a HEAD of its own.
    let get = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    let answer = {
        let core = hub.core();
        let answer = core.http(id, path, method.as_str());
        answer.or_else(|| core.http(id, path, get))?
    };
    let mut response = Response::new(Body::from(answer.body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    *response.status_mut() = status(hub.log(), id, answer.status);
    set_headers(response.headers_mut(), &answer.headers);
    Some(response)
}

/// The answer where a path has nothing for this method, or for any.
fn not_there(methods: &BTreeSet<String>) -> Response {
    if methods.is_empty() {
        return plain(StatusCode::NOT_FOUND, "nothing at this path\n");
    }
    let allowed: Vec<&str> = methods.iter().map(String::as_str).collect();
    let allowed = allowed.join(", ");
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, format!("{allowed} only\n"));
    if let Ok(allowed) = HeaderValue::try_from(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

async fn upgrade_or_refuse(site: &Site, id: ConnId, mut request: Request) -> Response {
    let hub = &site.hub;
    let uri = request.uri();
    hub.core().asks(id, uri.path(), uri.query());
    let outcome = match decided(hub, id).await {
        Err(refusal) => Err(Box::new(refused(hub.log(), id, &refusal))),
        Ok(accept) => negotiate(site, id, &request, &accept),
    };
    let mut core = hub.core();
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let ((response, terms), on_upgrade) = match (outcome, on_upgrade) {
        (Ok(agreed), Some(on_upgrade)) => (agreed, on_upgrade),
        (Ok(_), None) => {
            core.refused(id, StatusCode::UPGRADE_REQUIRED.as_u16());
            return upgrade_required(NOT_ASKED_FOR);
        }
        (Err(response), _) => {
            core.refused(id, response.status().as_u16());
            return *response;
        }
    };
    if let Some(terms) = terms {
        core.deflate(id, terms);
    }
    let name = header::SEC_WEBSOCKET_PROTOCOL;
    if request.headers().contains_key(&name) && !response.headers().contains_key(&name) {
        core.unchosen_subprotocol(id);
    }
    drop(core);
    let upgraded = Arc::clone(hub);
    hub.spawn(async move {
        // If the client left in the meantime, its stream has journalled that.
        let Ok(stream) = on_upgrade.await else { return };
        let Ok(parts) = upgrade::downcast::<TokioIo<Accepted>>(stream) else {
            return;
        };
        connection::run(upgraded, parts.io.into_inner(), parts.read_buf, terms).await;
    });
    response
}

/// Waits until it is known how to answer the handshake. Never completes if the answer is not HTTP
/// or the connection is over: the server drops it when the client leaves.
async fn decided(hub: &Hub, id: ConnId) -> Result<Accept, Refusal> {
    loop {
        let decision = hub.core().decide(id);
        match decision {
            Decision::Accept(accept) => return Ok(accept),
            Decision::Refuse(refusal) => return Err(refusal),
            Decision::Nothing => std::future::pending().await,
            Decision::Wait(told) => told.notified().await,
        }
    }
}

/// Makes the 101 and agrees on compression, or makes the answer that refuses (RFC 6455, 4.2.1).
fn negotiate(
    site: &Site,
    id: ConnId,
    request: &Request,
    accept: &Accept,
) -> Result<(Response, Option<Terms>), Box<Response>> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(Box::new(plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "GET only\n",
        )));
    }
    if request.version() < Version::HTTP_11 {
        site.hub.log().note(id, format!("refused: {TOO_OLD}"));
        return Err(Box::new(upgrade_required(&format!("{TOO_OLD}\n"))));
    }
    if !lists(headers, &header::CONNECTION, "upgrade")
        || !lists(headers, &header::UPGRADE, "websocket")
    {
        return Err(Box::new(upgrade_required(NOT_ASKED_FOR)));
    }
    if headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        return Err(Box::new(upgrade_required(NOT_ASKED_FOR)));
    }
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    if !BASE64
        .decode(key)
        .is_ok_and(|decoded| decoded.len() == KEY_BYTES)
    {
        return Err(Box::new(plain(
            StatusCode::BAD_REQUEST,
            "Sec-WebSocket-Key must be 16 bytes in base64\n",
        )));
    }
    if !site.authorization.admits(headers, accept.token.as_deref()) {
        let mut response = plain(StatusCode::UNAUTHORIZED, "");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return Err(Box::new(response));
    }
    if let Some(code) = accept
        .status
        .filter(|&code| code != StatusCode::SWITCHING_PROTOCOLS.as_u16())
    {
        let refusal = Refusal {
            status: code,
            headers: accept.headers.clone(),
            body: accept.body.clone(),
        };
        return Err(Box::new(refused(site.hub.log(), id, &refusal)));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let out = response.headers_mut();
    out.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    out.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept_key) = HeaderValue::try_from(derive_accept_key(key)) {
        out.insert(header::SEC_WEBSOCKET_ACCEPT, accept_key);
    }
    let terms = accept
        .deflate
        .and_then(|wanted| Terms::agree(wanted, headers));
    if let Some(terms) = terms {
        out.insert(header::SEC_WEBSOCKET_EXTENSIONS, terms.header());
    }
    set_headers(out, &accept.headers);
    Ok((response, terms))
}

/// Whether a header of comma-separated tokens lists `token`, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn upgrade_required(why: &str) -> Response {
    let mut response = plain(StatusCode::UPGRADE_REQUIRED, why.to_owned());
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(
        header::SEC_WEBSOCKET_VERSION,
        HeaderValue::from_static("13"),
    );
    response
}

/// Makes the answer that refuses a handshake.
pub(crate) fn refused(log: &Log, id: ConnId, refusal: &Refusal) -> Response {
    let mut response = plain(status(log, id, refusal.status), refusal.body.clone());
    if !refusal.body.is_empty() {
        let json = serde_json::from_slice::<&RawValue>(&refusal.body).is_ok();
        let kind = if json {
            "application/json"
        } else {
            "text/plain; charset=utf-8"
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    set_headers(response.headers_mut(), &refusal.headers);
    response
}

/// An answer that closes its connection.
fn plain(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The status with this code. HTTP has none outside 100 to 999, and one below 200 doesn't end an
/// exchange: such a code becomes 500, and the journal says so.
fn status(log: &Log, id: ConnId, code: u16) -> StatusCode {
    let status = StatusCode::from_u16(code).ok();
    if let Some(status) = status.filter(|status| !status.is_informational()) {
        return status;
    }
    let text = format!("status {code} is not a final one (200 to 999): 500 sent instead");
    log.note(id, text);
    StatusCode::INTERNAL_SERVER_ERROR
}

/// Sets each header; an empty value removes one, and an illegal header is left out.
fn set_headers(headers: &mut HeaderMap, new: &[(String, String)]) {
    let mut set = Vec::new();
    for (name, value) in new {
        let Ok(name) = HeaderName::try_from(name.as_str()) else {
            continue;
        };
        if value.is_empty() {
            headers.remove(&name);
        } else if let Ok(value) = HeaderValue::try_from(value.as_str()) {
            // The same name twice in one step makes two headers; one that was there before is
            // replaced.
            if set.contains(&name) {
                headers.append(name, value);
            } else {
                headers.insert(name.clone(), value);
                set.push(name);
            }
        }
    }
}
