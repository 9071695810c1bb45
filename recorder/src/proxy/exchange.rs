//! Turns the requests and answers of a connection before its upgrade into steps.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use wstape_tape::{
    Accept, Action, End, FINAL_STATUSES, Garbage, HttpAnswer, Micros, Received, ReceivedKind,
    Refusal, Step,
};
use wstape_wire::http1::{self, Answer, Framing, Headers, Parsed, Request};
use wstape_wire::is_own_header;

use super::body::Body;
use super::bounds::MAX_HEAD_BYTES;
use super::inflate::Agreement;
use super::step::{Steps, conn_step, extension};

/// The maximum number of requests that may wait for their answers.
const MAX_PENDING: usize = 64;
/// The key for the extensions of a 101 that are left out of its headers.
const EXTENSIONS_KEY: &str = "x-extensions";
/// The key for a request's method, unless it is GET.
const METHOD_KEY: &str = "x-method";
/// The key for the length of bytes that are not kept.
const BYTES_KEY: &str = "x-bytes";
/// Words in header names that suggest a secret, for heads that could not be parsed.
const SECRET_WORDS: [&str; 6] = ["auth", "cookie", "key", "secret", "session", "token"];

/// The requests and answers of one connection.
#[derive(Debug)]
pub(super) struct Exchange {
    conn: u64,
    asking: Asking,
    asked: BytesMut,
    /// The requests that have no answer yet.
    pending: VecDeque<Pending>,
    answering: Answering,
    answered: BytesMut,
}

/// A request that waits for its answer.
#[derive(Debug)]
struct Pending {
    upgrade: bool,
    method: String,
    /// Its path without the query.
    path: String,
}

#[derive(Debug)]
enum Asking {
    Head,
    Body(Body),
    /// Not HTTP.
    Anything,
}

#[derive(Debug)]
enum Answering {
    Head,
    Body(Body, Kept),
    /// Not HTTP.
    Anything,
}

/// How an answer is recorded once its body is complete.
#[derive(Debug)]
enum Kept {
    Nothing,
    /// As the answer that any client gets for this path.
    Answer(HttpAnswer),
    Refusal(Refusal),
}

/// The upgrade of a connection to WebSocket.
#[derive(Debug)]
pub(super) struct Upgraded {
    /// How messages are compressed, if they are.
    pub(super) agreement: Option<Agreement>,
    /// What the client had already sent after its request.
    pub(super) from_client: Bytes,
    /// What the engine had already sent after its answer.
    pub(super) from_engine: Bytes,
}

impl Exchange {
    pub(super) fn new(conn: u64) -> Self {
        Self {
            conn,
            asking: Asking::Head,
            asked: BytesMut::new(),
            pending: VecDeque::new(),
            answering: Answering::Head,
            answered: BytesMut::new(),
        }
    }

    /// Takes bytes from the client.
    pub(super) fn client_sent(&mut self, at: Micros, bytes: &[u8], out: &mut impl Steps) {
        self.asked.extend_from_slice(bytes);
        self.ask(at, out);
    }

    fn ask(&mut self, at: Micros, out: &mut impl Steps) {
        while !self.asked.is_empty() {
            match &mut self.asking {
                Asking::Anything => return self.unread(at, out),
                Asking::Body(body) => match body.take(&mut self.asked) {
                    Ok(true) => self.asking = Asking::Head,
                    Ok(false) => return,
                    Err(_) => self.asking = Asking::Anything,
                },
                // Whether a frame or another request follows a request for an upgrade is known only
                // once that is answered.
                Asking::Head if self.pending.back().is_some_and(|last| last.upgrade) => {
                    if self.asked.len() > MAX_HEAD_BYTES {
                        self.asking = Asking::Anything;
                        continue;
                    }
                    return;
                }
                Asking::Head => match http1::request(&self.asked) {
                    Parsed::Short => return,
                    Parsed::Whole(request, len) if self.pending.len() < MAX_PENDING => {
                        let _head = self.asked.split_to(len);
                        self.request(at, request, out);
                    }
                    _ => self.asking = Asking::Anything,
                },
            }
        }
    }

    fn request(&mut self, at: Micros, request: Request, out: &mut impl Steps) {
        self.pending.push_back(Pending {
            upgrade: request.upgrade,
            path: request.path.split('?').next().unwrap_or("/").to_owned(),
            method: request.method.clone(),
        });
        if request.framing != Framing::Length(0) {
            self.asking = Asking::Body(Body::new(request.framing));
        }
        let mut open = Received::new(ReceivedKind::Open);
        open.path = Some(request.path);
        open.headers = kept(request.headers);
        let mut step = conn_step(self.conn, at, Action::Received(open));
        if request.method != "GET" {
            step.extensions.push(extension(METHOD_KEY, &request.method));
        }
        out.push(step);
    }

    /// Records only the length of bytes that are not a request, because nobody can tell what is
    /// secret in them.
    fn unread(&mut self, at: Micros, out: &mut impl Steps) {
        let received = Received::new(ReceivedKind::Bytes);
        let mut step = conn_step(self.conn, at, Action::Received(received));
        step.extensions
            .push(extension(BYTES_KEY, &self.asked.len()));
        out.push(step);
        self.asked.clear();
    }

    /// Takes bytes from the engine. Returns the upgrade if they accept it.
    pub(super) fn engine_sent(
        &mut self,
        at: Micros,
        bytes: &Bytes,
        out: &mut impl Steps,
    ) -> Option<Upgraded> {
        self.answered.extend_from_slice(bytes);
        while !self.answered.is_empty() {
            match &mut self.answering {
                Answering::Anything => {
                    let bytes = self.answered.split().freeze();
                    out.push(conn_step(self.conn, at, Action::Bytes(bytes)));
                }
                Answering::Body(body, _) => match body.take(&mut self.answered) {
                    Ok(false) => return None,
                    Ok(true) => self.body_is_whole(at, out),
                    Err(_) => {
                        self.cut(at, out);
                        self.answering = Answering::Anything;
                    }
                },
                Answering::Head => match http1::answer(&self.answered) {
                    Parsed::Short => return None,
                    Parsed::NotHttp => {
                        let garbage = Garbage {
                            bytes: without_secrets(&self.answered.split()),
                            repeat: 1,
                            then: None,
                        };
                        let action = Action::Garbage(Some(garbage));
                        out.push(conn_step(self.conn, at, action));
                        self.answering = Answering::Anything;
                    }
                    Parsed::Whole(answer, len) => {
                        let _head = self.answered.split_to(len);
                        if answer.status == StatusCode::SWITCHING_PROTOCOLS.as_u16() {
                            return Some(self.upgrade(at, answer, out));
                        }
                        self.answer(at, answer, out);
                    }
                },
            }
        }
        None
    }

    fn upgrade(&mut self, at: Micros, answer: Answer, out: &mut impl Steps) -> Upgraded {
        let agreement = answer.extensions.as_deref().and_then(Agreement::parse);
        let mut headers = kept(answer.headers);
        let mut own = Vec::new();
        if agreement.is_some() {
            // Messages are recorded uncompressed, so that the tape plays to any client.
            headers.retain(|(name, _)| name != "sec-websocket-extensions");
            own.push(extension(EXTENSIONS_KEY, &answer.extensions));
        }
        let accept = Accept {
            headers,
            ..Accept::default()
        };
        let mut step = conn_step(self.conn, at, Action::Accept(Some(accept)));
        step.extensions = own;
        out.push(step);
        Upgraded {
            agreement,
            from_client: self.asked.split().freeze(),
            from_engine: self.answered.split().freeze(),
        }
    }

    fn answer(&mut self, at: Micros, answer: Answer, out: &mut impl Steps) {
        let (status, headers) = (answer.status, kept(answer.headers));
        if status < 200 {
            // An interim answer (RFC 9110, 15.2): the final one is still to come.
            return;
        }
        let pending = self.pending.pop_front();
        let bodiless = matches!(status, 204 | 304)
            || pending.as_ref().is_some_and(|asked| asked.method == "HEAD");
        let framing = if bodiless {
            Framing::Length(0)
        } else {
            answer.framing
        };
        let kept = match pending {
            Some(asked) if !asked.upgrade => {
                if asked.method == "GET" && FINAL_STATUSES.contains(&status) {
                    Kept::Answer(HttpAnswer {
                        path: asked.path,
                        method: None,
                        status,
                        headers,
                        body: Bytes::new(),
                    })
                } else {
                    Kept::Nothing
                }
            }
            // Includes the answer to an unreadable request.
            _ => Kept::Refusal(Refusal {
                headers,
                ..Refusal::new(status)
            }),
        };
        self.answering = Answering::Body(Body::new(framing), kept);
        if bodiless || framing == Framing::Length(0) {
            self.body_is_whole(at, out);
        }
        // What the client has already sent may be the next request.
        self.ask(at, out);
    }

    fn body_is_whole(&mut self, at: Micros, out: &mut impl Steps) {
        let Answering::Body(body, kept) = std::mem::replace(&mut self.answering, Answering::Head)
        else {
            return;
        };
        match (kept, body.kept()) {
            (Kept::Answer(mut answer), Some(body)) if answer.path.starts_with('/') => {
                answer.body = body;
                out.push(Step::at(at, Action::Http(answer)));
            }
            (Kept::Refusal(mut refusal), body) => {
                // If a refusal can't have its status, it is written as raw bytes, which are not
                // searched for secrets.
                if FINAL_STATUSES.contains(&refusal.status) {
                    refusal.body = body.unwrap_or_default();
                }
                out.push(conn_step(self.conn, at, Action::refusing(refusal, None)));
            }
            (Kept::Answer(_) | Kept::Nothing, _) => {}
        }
    }

    /// Ends an incomplete answer: a refusal is recorded without its body.
    pub(super) fn cut(&mut self, at: Micros, out: &mut impl Steps) {
        if let Answering::Body(_, kept) = &mut self.answering
            && let Kept::Refusal(refusal) = std::mem::replace(kept, Kept::Nothing)
        {
            out.push(conn_step(self.conn, at, Action::refusing(refusal, None)));
        }
    }

    /// Takes the end of the client's side.
    pub(super) fn client_ended(&mut self, at: Micros, out: &mut impl Steps) {
        if !self.asked.is_empty() {
            self.unread(at, out);
        }
    }

    /// Takes the end of the engine's side. Returns `false` if the steps already contain it.
    pub(super) fn engine_ended(&mut self, at: Micros, how: End, out: &mut impl Steps) -> bool {
        match &self.answering {
            Answering::Body(body, _) if body.ends_with_the_connection() => {
                self.body_is_whole(at, out);
            }
            Answering::Body(..) => self.cut(at, out),
            // An incomplete head.
            Answering::Head if !self.answered.is_empty() => {
                let garbage = Garbage {
                    bytes: without_secrets(&self.answered.split()),
                    repeat: 1,
                    then: Some(how),
                };
                let action = Action::Garbage(Some(garbage));
                out.push(conn_step(self.conn, at, action));
                return false;
            }
            _ => {}
        }
        true
    }
}

/// The headers that are kept in a tape.
fn kept(mut headers: Headers) -> Headers {
    headers.retain(|(name, _)| !is_own_header(name));
    headers
}

/// An unparsed answer without the lines that may hold a secret.
fn without_secrets(answer: &[u8]) -> Bytes {
    if !answer.starts_with(b"HTTP/") {
        return Bytes::copy_from_slice(answer);
    }
    let is_safe = |line: &&[u8]| {
        let name = line.split(|b| *b == b':').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        !SECRET_WORDS.iter().any(|word| name.contains(word))
    };
    let lines = answer.split_inclusive(|b| *b == b'\n').filter(is_safe);
    lines.flatten().copied().collect()
}
