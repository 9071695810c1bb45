//! Frames on a stream: reading and writing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::flaw::Flaw;
use wstape_harness::{Clock, Transport};
use wstape_oracle::EndReason;
use wstape_oracle::wire::{Frames, Messages, Opcode, Seen, Sender};

/// The most bytes of one read.
const READ_BYTES: usize = 16 * 1024;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const CLOSE: u8 = 0x88;

/// An established connection's stream, as frames.
pub(super) struct Socket {
    flaw: Option<Flaw>,
    stream: Box<dyn Transport>,
    clock: Arc<dyn Clock>,
    rng: ChaCha8Rng,
    messages: Messages,
    /// A second reader, for what comes after a Close.
    frames: Frames,
    max_message_bytes: usize,
    /// The bytes still to be written.
    out: Vec<u8>,
    /// The next Pong to send: the answer to the latest Ping covers earlier ones (RFC 6455, 5.5.3).
    pong: Option<Vec<u8>>,
    /// Since when a write has been pending.
    pub(super) blocked_since: Option<Duration>,
    write_failed: bool,
    closed: bool,
    /// When bytes last came.
    pub(super) last_bytes: Duration,
    /// When the first and the latest byte of the message in progress came.
    under_way: Option<(Duration, Duration)>,
    /// The stream offset at which the latest bytes begin.
    new_from: u64,
}

impl Socket {
    pub(super) fn new(
        flaw: Option<Flaw>,
        stream: Box<dyn Transport>,
        early: &[u8],
        max_message_bytes: usize,
        clock: Arc<dyn Clock>,
        rng: ChaCha8Rng,
    ) -> Self {
        let max_message_bytes = if flaw == Some(Flaw::SizeUnbounded) {
            usize::MAX
        } else {
            max_message_bytes
        };
        let mut messages = Messages::new(Sender::Server, max_message_bytes);
        messages.push(early);
        let mut frames = Frames::new();
        if flaw == Some(Flaw::ReadsBehindTheClose) {
            frames.push(early);
        }
        let last_bytes = clock.now();
        Self {
            flaw,
            stream,
            clock,
            rng,
            messages,
            frames,
            max_message_bytes,
            out: Vec::new(),
            pong: None,
            blocked_since: None,
            write_failed: false,
            closed: false,
            last_bytes,
            under_way: None,
            new_from: 0,
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// The next item, or how the stream ended.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Seen, EndReason>> {
        // What can't be written yet is written by later polls.
        let _ = self.poll_write(cx);
        loop {
            if let Some(seen) = self.messages.next() {
                return Poll::Ready(Ok(seen));
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(EndReason::Fin)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(EndReason::Reset)),
                // What came before a write failed still counts.
                Poll::Pending if self.write_failed => {
                    return Poll::Ready(Err(EndReason::Reset));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Reads once, and returns how many bytes came.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [0; READ_BYTES];
        let mut buf = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut buf);
        read.map_ok(|()| {
            self.last_bytes = self.clock.now();
            self.new_from = self.messages.received();
            self.messages.push(buf.filled());
            if self.has(Flaw::ReadsBehindTheClose) {
                self.frames.push(buf.filled());
            }
            buf.filled().len()
        })
    }

    /// The texts that came after the first Close.
    pub(super) fn behind_the_close(&mut self) -> Vec<String> {
        let mut closed = false;
        let mut texts = Vec::new();
        while let Some(frame) = self.frames.next() {
            if closed && frame.fin && frame.opcode == Opcode::Text {
                texts.extend(String::from_utf8(frame.payload));
            }
            closed |= frame.opcode == Opcode::Close;
        }
        texts
    }

    /// Reads to the end of the stream, discarding everything.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // What can't be written yet is written by later polls.
        let _ = self.poll_write(cx);
        loop {
            match self.poll_read(cx) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Writes what is queued; ready once nothing is left.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.out.is_empty() {
                let Some(pong) = self.pong.take() else {
                    return Poll::Ready(());
                };
                self.queue(PONG, &pong);
            }
            if self.write_failed {
                self.out.clear();
                self.pong = None;
                return Poll::Ready(());
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.out) {
                Poll::Ready(Ok(_)) if self.has(Flaw::PartOfAWriteLost) => {
                    self.blocked_since = None;
                    self.out.clear();
                }
                Poll::Ready(Ok(taken)) => {
                    self.blocked_since = None;
                    self.out.drain(..taken);
                }
                Poll::Ready(Err(_)) => {
                    self.blocked_since = None;
                    self.write_failed = true;
                }
                Poll::Pending => {
                    self.blocked_since.get_or_insert_with(|| self.clock.now());
                    return Poll::Pending;
                }
            }
        }
    }

    /// Appends a frame to what is written, masked (RFC 6455, 5.3).
    fn queue(&mut self, first: u8, payload: &[u8]) {
        // A Close is the last frame that is sent.
        if self.closed {
            return;
        }
        self.closed = first == CLOSE;
        let len = u8::try_from(payload.len()).unwrap_or(125).min(125);
        let mask = self.rng.next_u32().to_le_bytes();
        self.out.extend([first, 0x80 | len]);
        self.out.extend(mask);
        let masked = payload.iter().zip(mask.iter().cycle()).take(len.into());
        self.out.extend(masked.map(|(byte, mask)| byte ^ mask));
    }

    /// When the first and the latest byte of the message in progress came. Call this once
    /// everything that came is read.
    pub(super) fn under_way(&mut self) -> Option<(Duration, Duration)> {
        let way = self.messages.under_way();
        self.under_way = way.map(|way| {
            let (begun, latest) = self.under_way.unwrap_or_default();
            let begun = if way.start >= self.new_from {
                self.last_bytes
            } else {
                begun
            };
            let latest = if way.end > self.new_from {
                self.last_bytes
            } else {
                latest
            };
            (begun, latest)
        });
        self.under_way
    }

    /// Whether a message has begun that isn't complete.
    pub(super) fn is_in_message(&self) -> bool {
        self.messages.is_in_message()
    }

    /// Goes on reading after what should have been the end.
    pub(super) fn read_on(&mut self) {
        self.messages = Messages::new(Sender::Server, self.max_message_bytes);
    }

    pub(super) fn ping(&mut self, payload: &[u8]) {
        self.queue(PING, payload);
    }

    /// Answers a Ping.
    pub(super) fn pong(&mut self, payload: Vec<u8>) {
        if self.has(Flaw::PongsUnbounded) {
            self.queue(PONG, &payload);
        } else if self.has(Flaw::PongEmpty) {
            self.pong = Some(Vec::new());
        } else if !self.has(Flaw::PingInMessageUnanswered) || !self.is_in_message() {
            self.pong = Some(payload);
        }
    }

    pub(super) fn close(&mut self, code: Option<u16>) {
        // Pongs still waiting are not owed any more (RFC 6455, 5.5.2).
        self.pong = None;
        let payload = code.map(u16::to_be_bytes);
        self.queue(CLOSE, payload.as_ref().map_or(&[], |code| code.as_slice()));
    }
}
