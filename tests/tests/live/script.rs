//! A server that answers by a script, for a poll to ask.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use engine_client::{DialError, Dialer, Dialing, Target, Transport};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use wstape_mock_engine::Clock;

/// The most bytes of a scripted answer that wait to be read.
const PIPE_BYTES: usize = 64 << 10;

/// How a scripted server reacts to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    /// Writes this, and keeps the connection.
    Write(&'static str),
    /// Writes this, and ends the connection.
    Last(&'static str),
    /// Ends the connection without an answer.
    End,
    /// Never answers.
    Silence,
    /// Writes a body of this many bytes.
    Long(usize),
}

/// Reacts to requests in order, over any number of connections; records when and what was asked.
#[derive(Debug)]
pub(crate) struct Script {
    replies: Mutex<VecDeque<Reply>>,
    pub(crate) seen: Mutex<Vec<String>>,
    clock: Clock,
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"count\":1}";
pub(crate) const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{\"co\r\n7\r\nunt\":1}\r\n0\r\n\r\n";
pub(crate) const OLD: &str =
    "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{\"count\":1}";
pub(crate) const MOVED: &str =
    "HTTP/1.1 302 Found\r\nlocation: http://elsewhere.example/\r\ncontent-length: 0\r\n\r\n";

impl Script {
    pub(crate) fn new(clock: &Clock, replies: &[Reply]) -> Arc<Self> {
        Arc::new(Self {
            replies: Mutex::new(replies.iter().copied().collect()),
            seen: Mutex::default(),
            clock: clock.clone(),
        })
    }

    async fn serve(self: Arc<Self>, mut stream: DuplexStream, connection: usize) {
        let mut head = Vec::new();
        loop {
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            let text = String::from_utf8(std::mem::take(&mut head)).expect("a request");
            let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
            let at = self.clock.now();
            self.seen.lock().push(format!("{at} #{connection} {path}"));
            assert!(
                text.contains("authorization: Bearer t0ken-0123456789abcdef\r\n"),
                "{text}"
            );
            let reply = self.replies.lock().pop_front().unwrap_or(Reply::Write(OK));
            let written = match reply {
                Reply::Write(text) => stream.write_all(text.as_bytes()).await,
                Reply::Last(text) => {
                    // A client that has read enough may be gone.
                    let _ = stream.write_all(text.as_bytes()).await;
                    return;
                }
                Reply::End => return,
                Reply::Silence => std::future::pending().await,
                Reply::Long(len) => {
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n");
                    let _ = stream.write_all(head.as_bytes()).await;
                    stream.write_all(&vec![b' '; len]).await
                }
            };
            if written.is_err() {
                return;
            }
        }
    }
}

/// A dialer that reaches the script this many times; then nobody listens.
#[derive(Debug)]
pub(crate) struct ScriptDialer {
    pub(crate) script: Arc<Script>,
    pub(crate) dials: Mutex<usize>,
    pub(crate) most: usize,
}

impl Dialer for ScriptDialer {
    fn dial<'a>(&'a self, _target: &'a Target) -> Dialing<'a> {
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
            let mut dials = self.dials.lock();
            *dials += 1;
            if *dials > self.most {
                return Err(DialError::Connect(io::ErrorKind::ConnectionRefused.into()));
            }
            tokio::spawn(Arc::clone(&self.script).serve(theirs, *dials));
            Ok(Box::new(ours) as Box<dyn Transport>)
        })
    }
}

pub(crate) fn dialer(script: &Arc<Script>) -> Arc<ScriptDialer> {
    Arc::new(ScriptDialer {
        script: Arc::clone(script),
        dials: Mutex::default(),
        most: usize::MAX,
    })
}
