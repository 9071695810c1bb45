//! The opening handshake.

use std::io;
use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use std::future::poll_fn;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::flaw::Flaw;
use wstape_harness::Transport;
use wstape_oracle::EndReason;
use wstape_oracle::wire::{Answer, Opening};

/// The most bytes of one read.
const READ_BYTES: usize = 4 * 1024;

/// The result of a handshake.
pub(super) enum Handshake {
    /// The connection is open: the stream, and the bytes that came after the 101.
    Open(Box<dyn Transport>, Vec<u8>),
    /// Another status, and what `Retry-After` and `Location` say.
    Refused {
        status: u16,
        retry_after: Option<String>,
        location: Option<String>,
    },
    Failed(EndReason),
}

/// What the request contains.
pub(super) struct Ask {
    pub(super) flaw: Option<Flaw>,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) token: Option<String>,
}

impl Ask {
    fn request(&self, rng: &mut ChaCha8Rng) -> String {
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let key = STANDARD.encode(nonce);
        let authorization = self.token.as_ref().map_or_else(String::new, |token| {
            format!("authorization: Bearer {token}\r\n")
        });
        format!(
            "GET {} HTTP/1.1\r\nhost: {}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n{authorization}\r\n",
            self.path, self.host
        )
    }

    /// Whether the mutant accepts a 101 that is invalid in this way.
    fn takes(&self, what: &str) -> bool {
        match self.flaw {
            Some(Flaw::UpgradeUnchecked) => what.starts_with("a 101"),
            Some(Flaw::AcceptKeyUnchecked) => what.contains("Sec-WebSocket-Accept"),
            Some(Flaw::UnaskedTaken) => what.ends_with("nobody asked for"),
            _ => false,
        }
    }

    /// Requests the upgrade on `stream`.
    pub(super) async fn perform(
        &self,
        mut stream: Box<dyn Transport>,
        rng: &mut ChaCha8Rng,
    ) -> Handshake {
        let request = self.request(rng);
        if self.flaw == Some(Flaw::TokenLogged) {
            tracing::trace!(%request, "client handshake");
        }
        let mut opening = Opening::new();
        opening.push_client(request.as_bytes());
        let mut rest = request.as_bytes();
        let mut head = Vec::new();
        loop {
            let mut bytes = [0; READ_BYTES];
            let mut buf = ReadBuf::new(&mut bytes);
            let read: io::Result<()> = poll_fn(|cx| {
                while !rest.is_empty() {
                    match Pin::new(&mut stream).poll_write(cx, rest) {
                        std::task::Poll::Ready(Ok(taken)) => rest = &rest[taken..],
                        std::task::Poll::Ready(Err(error)) => {
                            return std::task::Poll::Ready(Err(error));
                        }
                        std::task::Poll::Pending => break,
                    }
                }
                Pin::new(&mut stream).poll_read(cx, &mut buf)
            })
            .await;
            match read {
                Ok(()) if buf.filled().is_empty() => return Handshake::Failed(EndReason::Fin),
                Ok(()) => {}
                Err(_) => return Handshake::Failed(EndReason::Reset),
            }
            head.extend_from_slice(buf.filled());
            let early = opening.push_server(buf.filled()).to_vec();
            match opening.answer() {
                None => {}
                Some(Answer::Upgraded { .. }) => {
                    let early = if self.flaw == Some(Flaw::EarlyFramesLost) {
                        Vec::new()
                    } else {
                        early
                    };
                    return Handshake::Open(stream, early);
                }
                Some(Answer::Refused { status: 200, .. })
                    if self.flaw == Some(Flaw::OkIsAnUpgrade) =>
                {
                    return Handshake::Open(stream, early);
                }
                Some(Answer::Refused {
                    status,
                    retry_after,
                    ..
                }) => {
                    return Handshake::Refused {
                        status: *status,
                        retry_after: retry_after.clone(),
                        location: location(&head),
                    };
                }
                Some(Answer::Failed { what, .. }) => {
                    if self.takes(what) {
                        return Handshake::Open(stream, early);
                    }
                    return Handshake::Failed(EndReason::HandshakeFailed);
                }
            }
        }
    }
}

/// Returns where a redirect points.
fn location(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    let (name, value) = head.lines().find_map(|line| {
        line.split_once(':')
            .filter(|(name, _)| name.eq_ignore_ascii_case("location"))
    })?;
    debug_assert!(!name.is_empty());
    Some(value.trim().to_owned())
}
