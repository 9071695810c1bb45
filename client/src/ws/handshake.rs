//! The opening handshake (RFC 6455, section 4), spoken by hyper.
//!
//! Why hyper, not tungstenite's own client: a refusal's status, headers and `Retry-After` are at
//! hand, header sizes are bounded, an answer may drip in byte by byte, and nothing writes the
//! request, token included, to a log.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use super::dial::Transport;
use super::error::WsError;
use super::target::Target;
use crate::EndReason;

/// Most bytes of a response head; more is an error.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Most header fields of a response; more is an error.
const MAX_HEADERS: usize = 128;
/// Headers of the handshake itself. Callers can't change them, so no server is offered an
/// unsupported extension.
const OWN_HEADERS: [header::HeaderName; 6] = [
    header::HOST,
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_EXTENSIONS,
];

/// The headers of every upgrade request of a subscriber, checked once at construction.
pub(crate) struct Upgrade {
    uri: http::Uri,
    host: HeaderValue,
    authorization: Option<HeaderValue>,
    /// Those that the caller adds.
    headers: HeaderMap,
    /// Subprotocols offered.
    subprotocols: Vec<String>,
}

/// The stream as hyper sees it.
type Io = TokioIo<Box<dyn Transport>>;

/// Why there was no usable answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("{0}")]
    Request(#[from] http::Error),
    #[error("the {0}")]
    Answer(&'static str),
}

/// How a handshake ended.
pub(crate) enum Handshake {
    /// 101: the stream, the bytes already read off it, and the headers.
    Open(Box<dyn Transport>, Bytes, HeaderMap),
    /// Any other status.
    Refused(StatusCode, HeaderMap),
    /// No usable answer.
    Failed(EndReason, String),
}

impl Upgrade {
    /// Checks `token` and prepares the request for `target`, adding `headers` to its own.
    pub(crate) fn new(
        target: &Target,
        token: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Self, WsError> {
        let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let names = offers.filter_map(|offer| offer.to_str().ok());
        let names = names.flat_map(|offer| offer.split(','));
        Ok(Self {
            uri: target.request_uri()?,
            host: target.host_header()?,
            authorization: token.map(bearer).transpose()?,
            headers: headers.clone(),
            subprotocols: names.map(|name| name.trim().to_owned()).collect(),
        })
    }

    fn request(&self, key: &str) -> Result<Request<Empty<Bytes>>, http::Error> {
        let mut request = Request::builder()
            .method(Method::GET)
            .uri(self.uri.clone())
            .body(Empty::new())?;
        let own = [
            (header::HOST, self.host.clone()),
            (header::CONNECTION, HeaderValue::from_static("Upgrade")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (
                header::SEC_WEBSOCKET_VERSION,
                HeaderValue::from_static("13"),
            ),
            (header::SEC_WEBSOCKET_KEY, HeaderValue::try_from(key)?),
        ];
        let token = self.authorization.clone();
        let token = token.map(|token| (header::AUTHORIZATION, token));
        let headers = request.headers_mut();
        for (name, value) in own.into_iter().chain(token) {
            headers.insert(name, value);
        }
        for (name, value) in &self.headers {
            if !OWN_HEADERS.contains(name) {
                headers.append(name, value.clone());
            }
        }
        Ok(request)
    }

    /// Asks for the upgrade on `stream`. Unbounded in time: the caller bounds it.
    pub(crate) async fn perform(&self, stream: Box<dyn Transport>) -> Handshake {
        let key = generate_key();
        match self.exchange(stream, &key).await {
            Ok(handshake) => handshake,
            Err(failure) => Handshake::Failed(failure.end(), failure.to_string()),
        }
    }

    async fn exchange(&self, stream: Box<dyn Transport>, key: &str) -> Result<Handshake, Failure> {
        let request = self.request(key)?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await?;
        // The connection is driven here, not in a task of its own: dropping this future leaves
        // nothing behind.
        let mut driver = Driver::new(connection.with_upgrades());
        let response = driver.drive(sender.send_request(request)).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let (parts, _body) = response.into_parts();
            return Ok(Handshake::Refused(parts.status, parts.headers));
        }
        check(&response, key)?;
        self.check_subprotocol(response.headers())?;
        let headers = response.headers().clone();
        let upgraded = driver.drive(hyper::upgrade::on(response)).await?;
        let parts = upgraded
            .downcast::<Io>()
            .map_err(|_| Failure::Answer("upgraded stream is of another type"))?;
        Ok(Handshake::Open(
            parts.io.into_inner(),
            parts.read_buf,
            headers,
        ))
    }

    /// Checks that the server chose one of the subprotocols offered, or none (RFC 6455, 4.1, point
    /// 6).
    fn check_subprotocol(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let mut chosen = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let offered = |name: &HeaderValue| {
            let mut offered = self.subprotocols.iter();
            offered.any(|offered| name.as_bytes() == offered.as_bytes())
        };
        match (chosen.next(), chosen.next()) {
            (None, _) => Ok(()),
            (Some(name), None) if offered(name) => Ok(()),
            _ => Err(Failure::Answer("101 names a subprotocol nobody asked for")),
        }
    }
}

/// The `Authorization` header (RFC 6750, 2.1), marked so that nothing prints it.
fn bearer(token: &str) -> Result<HeaderValue, WsError> {
    if let Some(at) = token.bytes().position(|b| !(0x20..0x7f).contains(&b)) {
        return Err(WsError::InvalidToken(format!(
            "byte {} is not printable ASCII, so it is not allowed in a header",
            at + 1
        )));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| WsError::InvalidToken("it is not allowed in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Checks what a client must verify in a 101 (RFC 6455, 4.1, the numbered list at its end).
fn check(response: &Response<Incoming>, key: &str) -> Result<(), Failure> {
    let headers = response.headers();
    let is = |name, expected: &str| {
        headers.get(name).is_some_and(|value: &HeaderValue| {
            value.as_bytes().eq_ignore_ascii_case(expected.as_bytes())
        })
    };
    if !is(header::UPGRADE, "websocket") {
        return Err(Failure::Answer("101 does not upgrade to websocket"));
    }
    let upgrades = headers.get_all(header::CONNECTION).iter().any(|value| {
        value.to_str().is_ok_and(|list| {
            list.split(',')
                .any(|item| item.trim().eq_ignore_ascii_case("upgrade"))
        })
    });
    if !upgrades {
        return Err(Failure::Answer("101 has no Connection: Upgrade"));
    }
    let accept = headers.get(header::SEC_WEBSOCKET_ACCEPT);
    if accept.map(HeaderValue::as_bytes) != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(Failure::Answer("101 has a wrong Sec-WebSocket-Accept"));
    }
    if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err(Failure::Answer("101 names an extension nobody asked for"));
    }
    Ok(())
}

impl Failure {
    /// How the transport ended during the handshake, if it did.
    fn end(&self) -> EndReason {
        let Self::Http(error) = self else {
            return EndReason::HandshakeFailed;
        };
        // The cause of a canceled request is the connection's error, unless the connection just
        // ended. Such an error means bytes that came before the request, which are no answer to it.
        let cause = error.source().and_then(|cause| cause.downcast_ref());
        let error: &hyper::Error = cause.unwrap_or(error);
        // Canceled without such a cause: the stream had ended before the request was out.
        if error.is_incomplete_message() || error.is_canceled() {
            return EndReason::Fin;
        }
        let io = error.source().and_then(|cause| cause.downcast_ref());
        io.map_or(EndReason::HandshakeFailed, EndReason::of_io)
    }
}

/// Polls the HTTP connection along with the future that waits for it.
struct Driver<C> {
    connection: Option<Pin<Box<C>>>,
    /// How the connection failed: the cause of whatever fails after it.
    failed: Option<hyper::Error>,
}

impl<C: Future<Output = Result<(), hyper::Error>>> Driver<C> {
    fn new(connection: C) -> Self {
        Self {
            connection: Some(Box::pin(connection)),
            failed: None,
        }
    }

    async fn drive<T>(
        &mut self,
        wanted: impl Future<Output = Result<T, hyper::Error>>,
    ) -> Result<T, hyper::Error> {
        let mut wanted = pin!(wanted);
        poll_fn(|cx| {
            if let Some(connection) = &mut self.connection
                && let Poll::Ready(ended) = connection.as_mut().poll(cx)
            {
                self.connection = None;
                self.failed = ended.err();
            }
            let result = ready!(wanted.as_mut().poll(cx));
            Poll::Ready(result.map_err(|error| self.failed.take().unwrap_or(error)))
        })
        .await
    }
}
