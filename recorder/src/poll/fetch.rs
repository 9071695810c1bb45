//! GETs over one kept-alive connection, using hyper.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use engine_client::{Clock, DialError, Dialer, Transport};
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;

use super::base::Base;
use crate::error::PollError;

/// The longest head of an answer, in bytes; more is an error.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// The maximum number of header fields in an answer; more is an error.
const MAX_HEADERS: usize = 128;
/// The longest body of an answer, in bytes: its line in a tape takes several times that.
const MAX_BODY_BYTES: usize = 16 << 20;

/// The answer headers that a client acts on. The others differ from answer to answer (dates,
/// traces) or may hold secrets.
const KEPT_HEADERS: [header::HeaderName; 2] = [header::CONTENT_TYPE, header::RETRY_AFTER];
/// The content type that needs no mention.
const JSON: &str = "application/json";

/// The answer to a GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The headers that a client acts on, except the content type that a tape assumes.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Answer {
    /// Whether it is a reading, not an error or redirect.
    pub(super) fn is_reading(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Silence {
    /// Nobody listens, or the network can't reach it.
    #[error("{0}")]
    Gone(io::Error),
    /// The listener could not be trusted.
    #[error("tls failed: {0}")]
    Tls(io::Error),
    /// It took too long.
    #[error("no {} within {}", if *.dialed { "answer" } else { "connection" }, humantime::format_duration(*.after))]
    Timeout { after: Duration, dialed: bool },
    /// The connection ended before the answer did.
    #[error("the connection ended before the answer")]
    Ended,
    /// What came is not an HTTP answer.
    #[error("the answer is not HTTP: {0}")]
    NotHttp(hyper::Error),
    /// The body is too long.
    #[error("the answer's body has more than {} MiB", MAX_BODY_BYTES >> 20)]
    TooLong,
}

impl Silence {
    /// Whether nobody is there, so that the other paths need not be tried.
    pub(super) fn is_gone(&self) -> bool {
        matches!(
            self,
            Self::Gone(_) | Self::Tls(_) | Self::Timeout { dialed: false, .. }
        )
    }

    fn of_hyper(error: hyper::Error) -> Self {
        if error.is_parse() {
            Self::NotHttp(error)
        } else {
            Self::Ended
        }
    }
}

/// The `Authorization` header (RFC 6750, 2.1), marked so that nothing prints it.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, PollError> {
    let mut value =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| PollError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// GETs one path after another.
#[derive(Debug)]
pub(super) struct Fetcher {
    base: Base,
    authorization: Option<HeaderValue>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    dialer: Arc<dyn Dialer>,
    line: Option<Line>,
    /// Whether the current GET has a connection.
    dialed: bool,
}

type Http = Connection<TokioIo<Box<dyn Transport>>, Empty<Bytes>>;

/// A connection that may carry further requests.
struct Line {
    sender: SendRequest<Empty<Bytes>>,
    connection: Option<Pin<Box<Http>>>,
    /// How the connection failed: the cause of any later error.
    failed: Option<hyper::Error>,
}

impl Fetcher {
    pub(super) fn new(
        base: Base,
        authorization: Option<HeaderValue>,
        timeout: Duration,
        clock: Arc<dyn Clock>,
        dialer: Arc<dyn Dialer>,
    ) -> Self {
        Self {
            base,
            authorization,
            timeout,
            clock,
            dialer,
            line: None,
            dialed: false,
        }
    }

    /// Returns the answer to a GET of `path`, bounded in time and size. Redirects are answers like
    /// any other: the token goes to no other host.
    pub(super) async fn get(&mut self, path: &str) -> Result<Answer, Silence> {
        let after = self.timeout;
        let deadline = self
            .clock
            .sleep_until(self.clock.now().saturating_add(after));
        self.dialed = false;
        tokio::select! {
            biased;
            answer = self.ask(path) => return answer,
            () = deadline => {}
        }
        Err(Silence::Timeout {
            after,
            dialed: self.dialed,
        })
    }

    async fn ask(&mut self, path: &str) -> Result<Answer, Silence> {
        // The line is taken out of `self` while in use, so that it is dropped if the deadline comes
        // first.
        if let Some(mut line) = self.line.take() {
            self.dialed = true;
            match line.get(self.request(path)?).await {
                // The kept connection ended while the request was on its way. A GET may be
                // repeated.
                Err(Silence::Ended) => self.dialed = false,
                got => return self.keep(line, got),
            }
        }
        let stream = self.dialer.dial(self.base.target()).await;
        let stream = stream.map_err(|error| match error {
            DialError::Tls(error) => Silence::Tls(error),
            DialError::Connect(error) => Silence::Gone(error),
            other => Silence::Gone(io::Error::other(other)),
        })?;
        self.dialed = true;
        let mut line = Line::open(stream).await?;
        let got = line.get(self.request(path)?).await;
        self.keep(line, got)
    }

    /// Keeps a connection for the next request if the answer was read to its end.
    fn keep(&mut self, line: Line, got: Result<Answer, Silence>) -> Result<Answer, Silence> {
        if got.is_ok() {
            self.line = Some(line);
        }
        got
    }

    fn request(&self, path: &str) -> Result<Request<Empty<Bytes>>, Silence> {
        let bad = |error: http::Error| Silence::Gone(io::Error::other(error));
        let mut request = Request::builder()
            .method(Method::GET)
            .uri(self.base.uri(path).map_err(|error| bad(error.into()))?)
            .header(header::HOST, self.base.host())
            .header(header::ACCEPT, JSON);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.body(Empty::new()).map_err(bad)
    }
}

impl Line {
    async fn open(stream: Box<dyn Transport>) -> Result<Self, Silence> {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Silence::of_hyper)?;
        Ok(Self {
            sender,
            connection: Some(Box::pin(connection)),
            failed: None,
        })
    }

    async fn get(&mut self, request: Request<Empty<Bytes>>) -> Result<Answer, Silence> {
        let Self {
            sender,
            connection,
            failed,
        } = self;
        let mut drive = Drive { connection, failed };
        drive.until(sender.ready()).await?;
        let response = drive.until(sender.send_request(request)).await?;
        let (parts, mut incoming) = response.into_parts();
        let mut body = BytesMut::new();
        loop {
            let frame = drive.until(async {
                // The end of the body is not an error.
                incoming.frame().await.transpose()
            });
            let Some(frame) = frame.await? else { break };
            if let Some(data) = frame.data_ref() {
                if body.len() + data.len() > MAX_BODY_BYTES {
                    return Err(Silence::TooLong);
                }
                body.extend_from_slice(data);
            }
        }
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: kept(&parts.headers),
            body: body.freeze(),
        })
    }
}

/// Polls the connection together with what waits for it, so that dropping both leaves no task
/// behind.
struct Drive<'a> {
    connection: &'a mut Option<Pin<Box<Http>>>,
    failed: &'a mut Option<hyper::Error>,
}

impl Drive<'_> {
    async fn until<T>(
        &mut self,
        wanted: impl Future<Output = Result<T, hyper::Error>>,
    ) -> Result<T, Silence> {
        let mut wanted = pin!(wanted);
        poll_fn(|cx| {
            if let Some(connection) = &mut self.connection
                && let Poll::Ready(ended) = connection.as_mut().poll(cx)
            {
                *self.connection = None;
                *self.failed = ended.err();
            }
            let result = ready!(wanted.as_mut().poll(cx));
            Poll::Ready(
                result.map_err(|error| Silence::of_hyper(self.failed.take().unwrap_or(error))),
            )
        })
        .await
    }
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    KEPT_HEADERS
        .iter()
        .filter_map(|name| Some((name, headers.get(name)?.to_str().ok()?)))
        .filter(|&(_, value)| value != JSON)
        .map(|(name, value)| (name.as_str().to_owned(), value.to_owned()))
        .collect()
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}
