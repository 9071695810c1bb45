//! Requests and answers, until one upgrades.

use std::sync::Arc;

use axum::response::Response;
use bytes::BytesMut;
use http::{Method, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::Notify;
use wstape_tape::End;
use wstape_wire::http1::{self, Answer, BodyCursor, Framing, Parsed, Request, with_host};

use super::observer::Watch;
use super::respond::bytes_of;
use super::session::{Compression, MAX_AHEAD_BYTES, Next, Over, Session};
use super::stream::UpstreamStream;
use crate::accepted::Accepted;
use crate::deflate::Terms;
use crate::hub::{Decision, Hub};
use crate::ids::ConnId;
use crate::journal::RequestHead;
use crate::server;
use crate::toxics::{Poisoned, Tap};

impl Session {
    /// Reads the next request, and carries it and its answer.
    pub(super) async fn request(&mut self) -> Next {
        let (request, len) = match self.head().await {
            Err(over) => return Next::Over(over),
            Ok(Parsed::Whole(request, len)) => (request, len),
            Ok(Parsed::Short | Parsed::NotHttp) => {
                self.hub.log().note(self.id, "not HTTP: passed on unread");
                return match self.reach().await {
                    Ok(()) => Next::Raw,
                    Err(over) => Next::Over(over),
                };
            }
        };
        let head = self.ahead.split_to(len);
        let asked = self.ask(&request).await;
        let carried = match asked {
            Err(over) => Err(over),
            Ok(Asked::Answered) => return Next::Request,
            Ok(Asked::Engine) => self.reach().await,
        };
        if let Err(over) = carried {
            return Next::Over(over);
        }
        self.carry_request(&request, head).await
    }

    /// Reads the head of the next request. Meanwhile the engine may send something, or end the
    /// connection.
    async fn head(&mut self) -> Result<Parsed<Request>, Over> {
        loop {
            match http1::request(&self.ahead) {
                Parsed::Short if self.client_fin => return Err(Over::Otherwise),
                Parsed::Short => {}
                found => return Ok(found),
            }
            let from_engine = async {
                match &mut self.stream {
                    Some(stream) => stream.read_buf(&mut self.behind).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                read = self.io.read_buf(&mut self.ahead) => match read {
                    Ok(0) => self.client_fin = true,
                    Ok(_) => {}
                    Err(_) => return Err(Over::ClientReset),
                },
                read = from_engine => {
                    if let Some(end) = end_of(&read) {
                        self.watch.engine_ended(end);
                        engine_over(&self.hub, self.id, end, &self.taps.downstream);
                        return Err(self.see_off().await);
                    }
                    let bytes = self.behind.split().freeze();
                    self.watch.engine_sent(&bytes);
                    self.send(&bytes).await?;
                }
            }
        }
    }

    /// Journals a request, and answers it if the tapes do.
    async fn ask(&mut self, request: &Request) -> Result<Asked, Over> {
        let (hub, id) = (Arc::clone(&self.hub), self.id);
        hub.core().requested(id, RequestHead::of_stream(request));
        let (path, query) = match request.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (request.path.as_str(), None),
        };
        if request.upgrade {
            let decision = {
                let mut core = hub.core();
                core.asks(id, path, query);
                core.decide(id)
            };
            return match decision {
                Decision::Accept(_) => Ok(Asked::Engine),
                Decision::Refuse(refusal) => {
                    let response = server::refused(hub.log(), id, &refusal);
                    hub.core().refused(id, response.status().as_u16());
                    self.answer(response, false).await?;
                    Err(self.see_off().await)
                }
                // It got something that is not HTTP, or waits for ever.
                Decision::Nothing | Decision::Wait(_) => Err(self.swallow().await),
            };
        }
        hub.core().pulls(id, path, query);
        let Ok(method) = Method::from_bytes(request.method.as_bytes()) else {
            return Ok(Asked::Engine);
        };
        let Some(response) = server::canned(&hub, id, path, &method) else {
            return Ok(Asked::Engine);
        };
        let status = response.status().as_u16();
        let name = method.as_str();
        hub.core().http_answered(id, name, path.to_owned(), status);
        self.skip_body(request.framing).await?;
        self.answer(response, method == Method::HEAD).await?;
        Ok(Asked::Answered)
    }

    async fn answer(&mut self, mut response: Response, to_head: bool) -> Result<(), Over> {
        server::date(self.hub.log(), &mut response);
        let bytes = bytes_of(response, to_head).await;
        self.send(&bytes).await
    }

    /// Skips the body of a request that the engine does not get.
    async fn skip_body(&mut self, framing: Framing) -> Result<(), Over> {
        let mut body = BodyCursor::new(framing);
        loop {
            let taken = body.pass(&self.ahead, |_| {});
            let taken = taken.map_err(|_| Over::Otherwise)?;
            let _skipped = self.ahead.split_to(taken);
            if body.is_done() {
                return Ok(());
            }
            match self.io.read_buf(&mut self.ahead).await {
                Ok(1..) => {}
                Ok(0) => return Err(Over::Otherwise),
                Err(_) => return Err(Over::ClientReset),
            }
        }
    }

    /// Carries a request to the engine, and the answer back.
    async fn carry_request(&mut self, request: &Request, head: BytesMut) -> Next {
        let Some(stream) = &mut self.stream else {
            return Next::Over(Over::Otherwise);
        };
        let (client_read, client_write) = tokio::io::split(&mut self.io);
        let (engine_read, engine_write) = tokio::io::split(stream);
        let head = head.freeze();
        self.watch.client_sent(&head);
        let head = match &self.upstream.host {
            Some(host) => with_host(&head, host),
            None => head,
        };
        let sent = Notify::new();
        let upward = Upward {
            client: client_read,
            engine: engine_write,
            ahead: &mut self.ahead,
            fin: &mut self.client_fin,
            watch: &self.watch,
            sent: &sent,
            stuck: false,
        };
        let downward = Downward {
            hub: &self.hub,
            id: self.id,
            client: client_write,
            engine: engine_read,
            behind: &mut self.behind,
            watch: &self.watch,
            tap: &self.taps.downstream,
            request,
        };
        let mut upward = std::pin::pin!(upward.carry(&head, request.framing));
        let next = tokio::select! {
            biased;
            () = &mut upward => return Next::Over(Over::ClientReset),
            next = downward.carry() => next,
        };
        if matches!(next, Next::Request | Next::Frames(_)) {
            // The engine may answer before it has the whole request: send the rest first.
            tokio::select! {
                biased;
                () = upward => return Next::Over(Over::ClientReset),
                () = sent.notified() => {}
            }
        }
        next
    }
}

/// The stream to the real engine.
type Engine = Poisoned<Box<dyn UpstreamStream>>;

/// Who answers a request.
enum Asked {
    /// The tapes; they have answered it.
    Answered,
    /// The real engine.
    Engine,
}

/// How a stream has ended, by the result of a read; `None` if it has not.
pub(super) fn end_of(read: &std::io::Result<usize>) -> Option<End> {
    match read {
        Ok(0) => Some(End::Fin),
        Ok(_) => None,
        // TLS that ends without saying so still counts as a FIN.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Some(End::Fin),
        Err(_) => Some(End::Reset),
    }
}

/// Ends a connection whose stream from the real engine is over, by itself or by a toxic's limit.
pub(super) fn engine_over(hub: &Hub, id: ConnId, end: End, tap: &Tap) {
    if tap.is_spent() {
        hub.core().cut(id, End::Fin, LIMIT);
    } else {
        hub.core().upstream_ended(id, end);
    }
}

/// What the journal says of a connection that a limit ends.
pub(super) const LIMIT: &str = "limit_data toxic";

/// Carries a request from the client to the engine.
struct Upward<'a, R, W> {
    client: R,
    engine: W,
    ahead: &'a mut BytesMut,
    fin: &'a mut bool,
    watch: &'a Watch,
    /// Notified once the request is whole.
    sent: &'a Notify,
    /// Whether the engine takes nothing more; what it still says counts.
    stuck: bool,
}

impl<'s> Upward<'_, ReadHalf<&'s mut Poisoned<Accepted>>, WriteHalf<&'s mut Engine>> {
    /// Carries the request, then watches for the client's end. Returns if the client resets.
    async fn carry(mut self, head: &[u8], framing: Framing) {
        let mut body = BodyCursor::new(framing);
        self.write(head).await;
        let (mut told, mut shut) = (false, false);
        loop {
            let taken = body.pass(self.ahead, |_| {}).unwrap_or_else(|_| {
                // Not a chunk: only the engine can tell where the request ends.
                body = BodyCursor::new(Framing::UntilEnd);
                self.ahead.len()
            });
            if taken > 0 {
                let bytes = self.ahead.split_to(taken).freeze();
                self.watch.client_sent(&bytes);
                self.write(&bytes).await;
            }
            if !told && body.is_done() {
                told = true;
                self.sent.notify_one();
            }
            if *self.fin && !shut {
                shut = true;
                self.watch.client_ended(End::Fin);
                // If this fails, the engine is gone.
                let _ = self.engine.shutdown().await;
            }
            if *self.fin || self.ahead.len() >= MAX_AHEAD_BYTES {
                std::future::pending::<()>().await;
            }
            match self.client.read_buf(self.ahead).await {
                Ok(0) => *self.fin = true,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}

impl<R, W: AsyncWrite + Unpin> Upward<'_, R, W> {
    async fn write(&mut self, bytes: &[u8]) {
        if !self.stuck {
            let written = self.engine.write_all(bytes).await;
            self.stuck = written.is_err() || self.engine.flush().await.is_err();
        }
    }
}

/// Carries an answer from the engine to the client.
struct Downward<'a, R, W> {
    hub: &'a Hub,
    id: ConnId,
    client: W,
    engine: R,
    behind: &'a mut BytesMut,
    watch: &'a Watch,
    tap: &'a Tap,
    request: &'a Request,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Downward<'_, R, W> {
    /// Carries the answer to a request.
    async fn carry(mut self) -> Next {
        match self.answer().await {
            Ok(next) => next,
            Err(end) => {
                self.watch.engine_ended(end);
                engine_over(self.hub, self.id, end, self.tap);
                // A link accepts an end whatever came before.
                let _ = self.client.shutdown().await;
                Next::Over(Over::Otherwise)
            }
        }
    }

    async fn answer(&mut self) -> Result<Next, End> {
        let Some(answer) = self.head().await? else {
            return Ok(Next::Raw);
        };
        let status = answer.status;
        if status == StatusCode::SWITCHING_PROTOCOLS.as_u16() {
            self.hub.core().upgrade(self.id);
            return Ok(Next::Frames(Compression::of(&answer)));
        }
        {
            let mut core = self.hub.core();
            if self.request.upgrade {
                core.refused(self.id, status);
            } else {
                let path = self.request.path.split('?').next().unwrap_or_default();
                core.http_answered(self.id, &self.request.method, path.to_owned(), status);
            }
        }
        let bodiless = matches!(status, 204 | 304) || self.request.method == "HEAD";
        let framing = if bodiless {
            Framing::Length(0)
        } else {
            answer.framing
        };
        let mut body = BodyCursor::new(framing);
        loop {
            // Not a chunk: only the end of the stream can end the body.
            let taken = body.pass(self.behind, |_| {}).unwrap_or_else(|_| {
                body = BodyCursor::new(Framing::UntilEnd);
                self.behind.len()
            });
            let bytes = self.behind.split_to(taken);
            self.send(&bytes).await?;
            if body.is_done() {
                return Ok(Next::Request);
            }
            self.read().await?;
        }
    }

    /// Reads the head of the final answer, and passes it on; `None` if the answer is not HTTP.
    async fn head(&mut self) -> Result<Option<Answer>, End> {
        // How much of the head has been passed on.
        let mut passed = 0;
        loop {
            let (whole, len) = match http1::answer(self.behind) {
                Parsed::Whole(answer, len) => (Some(answer), len),
                Parsed::Short => (None, self.behind.len()),
                Parsed::NotHttp => {
                    let bytes = self.behind.len();
                    let text = format!("the engine's answer is not HTTP ({bytes} bytes so far)");
                    self.hub.log().note(self.id, text);
                    // What has been passed on must not be passed on again.
                    let _passed = self.behind.split_to(passed);
                    return Ok(None);
                }
            };
            let bytes = self.behind[passed..len].to_vec();
            self.send(&bytes).await?;
            passed = len;
            match whole {
                Some(answer) => {
                    let _head = self.behind.split_to(len);
                    passed = 0;
                    let interim = answer.status < 200;
                    if !interim || answer.status == StatusCode::SWITCHING_PROTOCOLS.as_u16() {
                        return Ok(Some(answer));
                    }
                }
                None => self.read().await?,
            }
        }
    }

    async fn read(&mut self) -> Result<(), End> {
        let had = self.behind.len();
        let read = self.engine.read_buf(self.behind).await;
        if let Some(end) = end_of(&read) {
            return Err(end);
        }
        let bytes = bytes::Bytes::copy_from_slice(&self.behind[had..]);
        self.watch.engine_sent(&bytes);
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), End> {
        // This can't fail: a link discards what is written after its end.
        let sent = self.client.write_all(bytes).await;
        sent.map_err(|_| End::Fin)
    }
}

impl Compression {
    fn of(answer: &Answer) -> Self {
        match answer.extensions.as_deref() {
            None => Self::None,
            Some(extensions) => Terms::agreed(extensions).map_or(Self::Unknown, Self::Agreed),
        }
    }
}
