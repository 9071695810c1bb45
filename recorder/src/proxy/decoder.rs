//! Turns the frames of one direction of an upgraded connection into steps.

use bytes::{Bytes, BytesMut};
use wstape_tape::{Action, CloseFrame, Micros, RawFrame, Received, ReceivedKind, Step};
use wstape_wire::opcode::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
use wstape_wire::{MAX_CONTROL_BYTES, close_parts};

use super::bounds::MAX_MESSAGE_BYTES;
use super::inflate::{Inflater, NotPlain};
use super::observation::Peer;
use super::splitter::{Frame, FrameSplitter, Piece, is_event};
use super::step::{Steps, conn_step, extension};

/// RSV1 alone: the message is compressed (RFC 7692, 6).
const COMPRESSED: u8 = 4;
/// RSV1 in a frame's first byte.
const COMPRESSED_BIT: u8 = 0x40;
/// The maximum number of fragments held of a compressed message.
const MAX_FRAGMENTS: usize = 4096;

/// The key for the number of fragments that a compressed message came in.
const FRAGMENTS_KEY: &str = "x-fragments";

/// Decodes the frames of one peer.
#[derive(Debug)]
pub(super) struct FrameDecoder {
    conn: u64,
    peer: Peer,
    splitter: FrameSplitter,
    /// Present if compression was agreed on.
    inflater: Option<Inflater>,
    /// Whether a message has begun without its last fragment.
    in_message: bool,
    /// The fragments of a compressed message that is not complete yet.
    compressed: Vec<Frame>,
    compressed_bytes: usize,
    /// Whether the tape already says that messages are left out.
    told: bool,
    /// The number of messages left out since the last call of [`left_out`](Self::left_out), and
    /// their bytes.
    left_out: (u64, u64),
}

impl FrameDecoder {
    pub(super) fn new(conn: u64, peer: Peer, inflater: Option<Inflater>) -> Self {
        Self {
            conn,
            peer,
            splitter: FrameSplitter::default(),
            inflater,
            in_message: false,
            compressed: Vec::new(),
            compressed_bytes: 0,
            told: false,
            left_out: (0, 0),
        }
    }

    /// The number of messages left out since the last call, and their bytes on the wire.
    pub(super) fn left_out(&mut self) -> (u64, u64) {
        std::mem::take(&mut self.left_out)
    }

    /// Takes bytes from the peer.
    pub(super) fn take(&mut self, at: Micros, bytes: Bytes, out: &mut impl Steps) {
        self.splitter.push(bytes);
        loop {
            if self.peer == Peer::Engine && !self.in_message && self.compressed.is_empty() {
                let conn = self.conn;
                self.splitter
                    .events(|message, of| out.message(conn, at, message, of));
            }
            let Some(cut) = self.splitter.next() else {
                return;
            };
            match cut {
                Piece::Bytes(bytes) => out.push(self.bytes(at, bytes)),
                Piece::Frame(frame) => self.frame(at, frame, out),
            }
        }
    }

    /// Takes the end of the stream.
    pub(super) fn end(&mut self, at: Micros, out: &mut impl Steps) {
        if let Some(begun) = self.unfinished(at) {
            out.push(begun);
        }
        let torn = self.splitter.rest();
        if torn.is_empty() {
            return;
        }
        let torn = if self.inflater.is_some() {
            // The tape's 101 does not negotiate compression, so no frame may be marked as
            // compressed.
            let mut plain = BytesMut::from(&torn[..]);
            plain[0] &= !COMPRESSED_BIT;
            plain.freeze()
        } else {
            torn
        };
        out.push(self.bytes(at, torn));
    }

    /// Resumes at the start of a message, after a loss.
    pub(super) fn resume(&mut self, at: Micros, out: &mut impl Steps) {
        self.lose(at, out);
        if let Some(inflater) = &mut self.inflater {
            inflater.missed();
        }
    }

    /// Takes the start of a loss.
    pub(super) fn lose(&mut self, at: Micros, out: &mut impl Steps) {
        if let Some(begun) = self.unfinished(at) {
            out.push(begun);
        }
        self.splitter.restart();
        if std::mem::take(&mut self.in_message) && self.peer == Peer::Engine {
            // An unfinished message must be ended, or the next one can't begin.
            let last = RawFrame {
                fin: true,
                rsv: 0,
                opcode: CONTINUATION,
                mask: None,
                payload: Bytes::new(),
                declared_len: None,
            };
            let mut step = conn_step(self.conn, at, Action::Frame(last));
            step.note = Some("ended by the recorder: the rest of the message was lost".to_owned());
            out.push(step);
        }
    }

    fn frame(&mut self, at: Micros, frame: Frame, out: &mut impl Steps) {
        let opcode = frame.opcode();
        if opcode < CLOSE && (!self.compressed.is_empty() || self.begins_compressed(&frame)) {
            return self.fragment(at, frame, out);
        }
        let whole = frame.fin() && frame.rsv() == 0 && self.is_masked_as_due(&frame);
        let step = match opcode {
            TEXT | BINARY if whole && !self.in_message => {
                self.message(at, opcode, &frame.payload())
            }
            CLOSE | PING | PONG if whole => self.control(at, opcode, &frame.payload()),
            _ => None,
        };
        if opcode == CLOSE && step.is_some() {
            // Frames after a Close are a protocol violation (RFC 6455, 5.5.1).
            self.splitter.give_up();
        }
        if opcode < CLOSE {
            self.in_message = !frame.fin();
        }
        out.push(step.unwrap_or_else(|| self.raw(at, &frame)));
    }

    /// Whether the frame is masked as it must be: clients mask, engines don't (RFC 6455, 5.1).
    fn is_masked_as_due(&self, frame: &Frame) -> bool {
        frame.mask().is_some() == (self.peer == Peer::Client)
    }

    /// The step for a complete message; `None` for a text that is not UTF-8.
    fn message(&self, at: Micros, opcode: u8, payload: &Bytes) -> Option<Step> {
        let action = match (self.peer, opcode) {
            (Peer::Engine, BINARY) => Action::Binary(payload.clone()),
            // An event that can't be written as one in a line becomes an equivalent text.
            (Peer::Engine, _) if is_event(payload) => Action::Emit(payload.clone()),
            (Peer::Engine, _) => Action::Text(std::str::from_utf8(payload).ok()?.to_owned()),
            (Peer::Client, BINARY) => {
                let mut received = Received::new(ReceivedKind::Binary);
                received.binary = Some(payload.clone());
                Action::Received(received)
            }
            (Peer::Client, _) => {
                let mut received = Received::new(ReceivedKind::Text);
                received.text = Some(std::str::from_utf8(payload).ok()?.to_owned());
                Action::Received(received)
            }
        };
        Some(conn_step(self.conn, at, action))
    }

    /// The step for a control frame; `None` if only a raw frame can express it.
    fn control(&self, at: Micros, opcode: u8, payload: &Bytes) -> Option<Step> {
        if payload.len() > MAX_CONTROL_BYTES {
            return None;
        }
        let action = match (opcode, self.peer) {
            (PING, Peer::Engine) => Action::Ping(payload.clone()),
            (PONG, Peer::Engine) => Action::Pong(payload.clone()),
            (CLOSE, Peer::Engine) if payload.is_empty() => Action::Close(None),
            (CLOSE, Peer::Engine) => Action::Close(Some(close(payload)?)),
            (CLOSE, Peer::Client) => {
                let mut received = Received::new(ReceivedKind::Close);
                if !payload.is_empty() {
                    let CloseFrame { code, reason } = close(payload)?;
                    received.code = Some(code);
                    received.reason = (!reason.is_empty()).then_some(reason);
                }
                Action::Received(received)
            }
            (_, Peer::Client) => {
                let kind = if opcode == PING {
                    ReceivedKind::Ping
                } else {
                    ReceivedKind::Pong
                };
                Action::Received(with_payload(kind, payload))
            }
            _ => return None,
        };
        Some(conn_step(self.conn, at, action))
    }

    /// The raw step for any frame.
    fn raw(&self, at: Micros, frame: &Frame) -> Step {
        let payload = frame.payload();
        let action = match self.peer {
            Peer::Engine => Action::Frame(RawFrame {
                fin: frame.fin(),
                rsv: frame.rsv(),
                opcode: frame.opcode(),
                mask: frame.mask(),
                payload,
                declared_len: None,
            }),
            Peer::Client => Action::Received(Received {
                fin: Some(frame.fin()),
                rsv: Some(frame.rsv()),
                opcode: Some(frame.opcode()),
                ..with_payload(ReceivedKind::Frame, &payload)
            }),
        };
        conn_step(self.conn, at, action)
    }

    fn bytes(&self, at: Micros, bytes: Bytes) -> Step {
        let action = match self.peer {
            Peer::Engine => Action::Bytes(bytes),
            Peer::Client => {
                let mut received = Received::new(ReceivedKind::Bytes);
                received.binary = Some(bytes);
                Action::Received(received)
            }
        };
        conn_step(self.conn, at, action)
    }

    fn begins_compressed(&self, frame: &Frame) -> bool {
        self.inflater.is_some()
            && matches!(frame.opcode(), TEXT | BINARY)
            && frame.rsv() == COMPRESSED
            && self.is_masked_as_due(frame)
            && !self.in_message
    }

    /// Takes a fragment of a compressed message. The message is recorded decompressed and in one
    /// piece.
    fn fragment(&mut self, at: Micros, frame: Frame, out: &mut impl Steps) {
        let first = self.compressed.is_empty();
        let fits = self.compressed_bytes + frame.payload().len() <= MAX_MESSAGE_BYTES
            && self.compressed.len() < MAX_FRAGMENTS;
        let belongs = first || (frame.opcode() == CONTINUATION && frame.rsv() == 0);
        if !belongs || !fits {
            // Later messages may refer to what is left out here.
            if let Some(inflater) = &mut self.inflater {
                inflater.missed();
            }
            self.leave_out(at, out);
            self.compressed_bytes = 0;
            self.in_message = !frame.fin();
            if belongs {
                self.left_out.1 += frame.payload().len() as u64;
            } else {
                out.push(self.raw(at, &frame));
            }
            return;
        }
        self.compressed_bytes += frame.payload().len();
        if !frame.fin() {
            // The rest may take long to come. Until then this must not keep alive the whole buffer
            // that it was read into.
            self.compressed.push(frame.detached());
            return;
        }
        self.compressed.push(frame);
        let opcode = self.compressed[0].opcode();
        let message = match self.inflate(MAX_MESSAGE_BYTES) {
            Ok(plain) => self.message(at, opcode, &plain).or_else(|| {
                // A text that is not UTF-8.
                let raw = RawFrame {
                    fin: true,
                    rsv: 0,
                    opcode,
                    mask: None,
                    payload: plain,
                    declared_len: None,
                };
                (self.peer == Peer::Engine).then(|| conn_step(self.conn, at, Action::Frame(raw)))
            }),
            Err(_) => None,
        };
        match message {
            Some(mut step) => {
                if self.compressed.len() > 1 {
                    let fragments = self.compressed.len();
                    step.extensions.push(extension(FRAGMENTS_KEY, &fragments));
                }
                self.compressed.clear();
                self.compressed_bytes = 0;
                out.push(step);
            }
            None => self.leave_out(at, out),
        }
    }

    fn inflate(&mut self, most: usize) -> Result<Bytes, NotPlain> {
        let payloads: Vec<Bytes> = self.compressed.iter().map(Frame::payload).collect();
        match &mut self.inflater {
            Some(inflater) => inflater.message(payloads.iter().map(|bytes| &bytes[..]), most),
            None => Err(NotPlain::Corrupt),
        }
    }

    /// Leaves out a compressed message that can't be decompressed. Its frames are of no use in a
    /// tape, because a client that the tape plays to has not agreed on compression.
    fn leave_out(&mut self, at: Micros, out: &mut impl Steps) {
        if !std::mem::replace(&mut self.told, true) {
            let text = format!(
                "connection {}: from here on, compressed messages of the {} are left out if they \
                 are too long or damaged, or refer to lost data",
                self.conn,
                self.peer.word()
            );
            out.push(Step::at(at, Action::Mark(text)));
        }
        self.left_out.0 += 1;
        self.left_out.1 += std::mem::take(&mut self.compressed_bytes) as u64;
        self.compressed.clear();
    }

    /// The step for what has come of a compressed message that will not be completed: an unfinished
    /// message.
    fn unfinished(&mut self, at: Micros) -> Option<Step> {
        let opcode = self.compressed.first()?.opcode();
        let plain = self.inflate(MAX_MESSAGE_BYTES).ok();
        self.compressed.clear();
        self.compressed_bytes = 0;
        self.in_message = true;
        let action = match self.peer {
            Peer::Engine => Action::Frame(RawFrame {
                fin: false,
                rsv: 0,
                opcode,
                mask: None,
                payload: plain?,
                declared_len: None,
            }),
            Peer::Client => Action::Received(Received {
                fin: Some(false),
                opcode: Some(opcode),
                ..with_payload(ReceivedKind::Frame, &plain?)
            }),
        };
        Some(conn_step(self.conn, at, action))
    }
}

/// A received frame with its payload as text if it is UTF-8, otherwise as bytes.
fn with_payload(kind: ReceivedKind, payload: &Bytes) -> Received {
    let mut received = Received::new(kind);
    match std::str::from_utf8(payload) {
        Ok("") => {}
        Ok(text) => received.text = Some(text.to_owned()),
        Err(_) => received.binary = Some(payload.clone()),
    }
    received
}

/// The code and reason of a Close; `None` if they are invalid (RFC 6455, 5.5.1).
fn close(payload: &[u8]) -> Option<CloseFrame> {
    close_parts(payload).map(|(code, reason)| CloseFrame { code, reason })
}
