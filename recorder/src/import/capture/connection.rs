//! Turns the segments of one connection in a capture into what a proxy would have seen.

use std::net::SocketAddr;

use bytes::Bytes;
use wstape_tape::End;

use super::opening::{self, MAX_OPENING_BYTES, Opening};
use super::segment::Segment;
use super::stream::{Chunk, Stream};
use crate::import::wall::Wall;
use crate::proxy::{Cursor, Event, Peer};

/// How many segments are examined to find out what a connection with a missing beginning is.
const MAX_LOOKS: u32 = 256;

/// The first byte of a TLS record: its content type.
const TLS_RECORDS: std::ops::RangeInclusive<u8> = 0x14..=0x18;

/// What a segment told about its connection.
#[derive(Debug)]
pub(super) enum Told {
    /// The client sent a SYN, for the first time or again.
    Dialed,
    /// Nobody listens at the dialed address.
    Refused,
    /// The client requests an upgrade to WebSocket.
    Opened { path: String, host: Option<String> },
    /// The connection is already a WebSocket; its handshake was not captured.
    Midway,
    /// The engine accepts a request that was not captured.
    Unasked,
    /// The client sends frames after a request whose answer was not captured.
    Unanswered,
    /// The connection is TLS, to this host, and can't be read.
    Tls(Option<String>),
    /// The connection is something else.
    Other,
    /// Something that a proxy would have seen.
    Event(Event),
    /// This many of a peer's bytes were not captured.
    Hole(Peer, u64),
    /// The connection is over.
    Over,
}

#[derive(Debug)]
enum Kind {
    /// A SYN without an answer so far.
    Dialing,
    /// The client's first bytes so far, not recognized yet.
    Opening(Vec<u8>),
    /// The beginning is missing; this many segments have been examined.
    Midway(u32),
    WebSocket,
    Unread,
}

/// One direction of a connection: what one peer sends.
#[derive(Debug)]
struct Side {
    stream: Option<Stream>,
    cursor: Cursor,
    /// Bytes are missing, and no frame boundary has been found since.
    lost: bool,
    ended: bool,
}

impl Side {
    fn new() -> Self {
        Self {
            stream: None,
            cursor: Cursor::new(),
            lost: false,
            ended: false,
        }
    }
}

/// A connection. In every pair the client comes first.
#[derive(Debug)]
pub(super) struct Connection {
    /// Its number, in the order of the capture.
    pub(super) serial: u64,
    pub(super) begin: Wall,
    ends: [SocketAddr; 2],
    sides: [Side; 2],
    kind: Kind,
    packets: u64,
    /// Which peers the capture has packets from.
    heard: [bool; 2],
    over: bool,
}

/// The peer at an index of a pair.
fn peer(side: usize) -> Peer {
    if side == 0 {
        Peer::Client
    } else {
        Peer::Engine
    }
}

impl Connection {
    /// A connection that begins with this segment, or of which this is the first segment captured.
    pub(super) fn new(serial: u64, begin: Wall, first: &Segment) -> Self {
        let answers = first.syn && first.ack.is_some();
        let ends = if answers {
            [first.to, first.from]
        } else {
            [first.from, first.to]
        };
        let kind = if answers {
            Kind::Opening(Vec::new())
        } else if first.syn {
            Kind::Dialing
        } else {
            Kind::Midway(0)
        };
        Self {
            serial,
            begin,
            ends,
            sides: [Side::new(), Side::new()],
            kind,
            packets: 0,
            heard: [false; 2],
            over: false,
        }
    }

    /// The address that was dialed.
    pub(super) fn server(&self) -> SocketAddr {
        self.ends[1]
    }

    /// The only peer whose packets the capture has.
    pub(super) fn only(&self) -> Option<Peer> {
        match self.heard {
            [true, false] => Some(Peer::Client),
            [false, true] => Some(Peer::Engine),
            _ => None,
        }
    }

    /// Whether the connection is over.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Whether its SYN is still unanswered.
    pub(super) fn is_dialing(&self) -> bool {
        matches!(self.kind, Kind::Dialing) && !self.over
    }

    /// Whether a segment begins a new connection between the same two peers.
    pub(super) fn is_followed_by(&self, segment: &Segment) -> bool {
        if !segment.syn || segment.ack.is_some() {
            return false;
        }
        let side = usize::from(segment.from != self.ends[0]);
        let first = self.sides[side].stream.as_ref().map(Stream::first);
        self.over || first != Some(segment.seq.wrapping_add(1))
    }

    /// How many bytes it holds in memory.
    pub(super) fn held_bytes(&self) -> usize {
        let opening = match &self.kind {
            Kind::Opening(bytes) => bytes.len(),
            _ => 0,
        };
        let held = |side: &Side| side.stream.as_ref().map_or(0, Stream::held_bytes);
        opening + self.sides.iter().map(held).sum::<usize>()
    }

    /// Takes a segment.
    pub(super) fn take(&mut self, at: Wall, segment: Segment, told: &mut Vec<Told>) {
        self.packets += 1;
        if self.over {
            return;
        }
        let side = usize::from(segment.from != self.ends[0]);
        self.heard[side] = true;
        if segment.rst {
            return self.reset(at, side, told);
        }
        if segment.syn {
            let first = segment.seq.wrapping_add(1);
            self.sides[side].stream.get_or_insert(Stream::new(first));
            if side == 0 && segment.ack.is_none() {
                told.push(Told::Dialed);
            }
        }
        // Anything but another SYN of the client means that the SYN was answered.
        if let Kind::Dialing = self.kind
            && (side == 1 || !segment.syn)
        {
            self.kind = Kind::Opening(Vec::new());
        }
        if let Some(ack) = segment.ack
            && let Some(stream) = &mut self.sides[1 - side].stream
        {
            stream.ack(ack);
        }
        if !segment.payload.is_empty() || segment.missing > 0 || segment.fin {
            let number = segment.seq.wrapping_add(segment.syn.into());
            let stream = self.sides[side].stream.get_or_insert(Stream::new(number));
            stream.push(number, segment.payload, segment.missing, segment.fin);
        }
        self.pop(at, false, told);
    }

    /// Gives the connection up and drops all that it holds.
    pub(super) fn give_up(&mut self, told: &mut Vec<Told>) {
        self.sides = [Side::new(), Side::new()];
        self.kind = Kind::Unread;
        self.over = true;
        told.push(Told::Over);
    }

    /// Takes the end of the capture.
    pub(super) fn end(&mut self, at: Wall, told: &mut Vec<Told>) {
        if !self.over {
            self.pop(at, true, told);
        }
    }

    fn reset(&mut self, at: Wall, side: usize, told: &mut Vec<Told>) {
        if let Kind::Dialing = self.kind {
            if side == 1 {
                told.push(Told::Refused);
            }
        } else {
            self.pop(at, true, told);
            if self.over {
                return;
            }
            if !self.sides[side].ended && !matches!(self.kind, Kind::Unread) {
                told.push(Told::Event(Event::Ended(peer(side), End::Reset)));
            }
        }
        self.over = true;
        told.push(Told::Over);
    }

    /// Passes on the bytes that are in order. With `all`, acknowledged holes are not waited for.
    fn pop(&mut self, at: Wall, all: bool, told: &mut Vec<Told>) {
        let mut side = 0;
        while side < 2 {
            let packets = self.packets;
            let stream = self.sides[side].stream.as_mut();
            let Some(chunk) = stream.and_then(|stream| stream.pop(packets, at, all)) else {
                side += 1;
                continue;
            };
            let swapped = match chunk {
                Chunk::Bytes(bytes) => self.bytes(side, bytes, told),
                Chunk::Hole(bytes) => {
                    self.hole(side, bytes, told);
                    false
                }
                Chunk::Fin => {
                    self.fin(side, told);
                    false
                }
            };
            if swapped {
                side = 0;
            }
        }
    }

    /// Takes bytes that are in order. Returns whether the other side turned out to be the client.
    fn bytes(&mut self, side: usize, bytes: Bytes, told: &mut Vec<Told>) -> bool {
        match &mut self.kind {
            Kind::WebSocket => {
                if side == 0 && self.heard == [true, false] {
                    self.unanswered(&bytes, told);
                }
                self.frames(side, bytes, told);
            }
            Kind::Opening(_) if side == 1 => self.unasked(bytes, told),
            Kind::Opening(sent) => {
                sent.extend_from_slice(&bytes);
                self.opening(told);
            }
            Kind::Midway(_) => return self.midway(side, bytes, told),
            Kind::Dialing | Kind::Unread => {}
        }
        false
    }

    fn opening(&mut self, told: &mut Vec<Told>) {
        while let Kind::Opening(sent) = &mut self.kind {
            let (opening, length) = opening::of(sent);
            match opening {
                Opening::Short => return,
                Opening::Http => drop(sent.drain(..length)),
                Opening::Upgrade { path, host } => {
                    let sent = Bytes::from(std::mem::take(sent));
                    self.kind = Kind::WebSocket;
                    told.push(Told::Opened { path, host });
                    self.frames(0, sent, told);
                }
                Opening::Tls(host) => {
                    self.kind = Kind::Unread;
                    told.push(Told::Tls(host));
                }
                Opening::Other => {
                    self.kind = Kind::Unread;
                    told.push(Told::Other);
                }
            }
        }
    }

    /// Takes bytes of the engine that come before any of the client. If they accept an upgrade, the
    /// request is missing from the capture.
    fn unasked(&mut self, bytes: Bytes, told: &mut Vec<Told>) {
        if opening::is_tls(&bytes) && self.heard == [false, true] {
            self.kind = Kind::Unread;
            told.push(Told::Tls(None));
        } else if opening::accepts(&bytes) {
            self.kind = Kind::WebSocket;
            // The client's frames are followed from the first one that can be recognized.
            self.sides[0].cursor.skip(1);
            self.sides[0].lost = true;
            told.push(Told::Unasked);
            self.frames(1, bytes, told);
        }
    }

    /// Checks a client's bytes when no packet of the engine was captured: frames show that the
    /// engine accepted the upgrade.
    fn unanswered(&mut self, bytes: &[u8], told: &mut Vec<Told>) {
        let here = &mut self.sides[0].cursor;
        if here.in_head() && opening::frames_of(bytes) == Some(Peer::Client) {
            here.upgrade();
            let there = &mut self.sides[1];
            there.cursor.skip(1);
            there.lost = true;
            told.push(Told::Unanswered);
        }
    }

    /// Takes bytes of a connection with a missing beginning. Returns whether the sides were
    /// swapped.
    fn midway(&mut self, side: usize, bytes: Bytes, told: &mut Vec<Told>) -> bool {
        let Kind::Midway(looks) = &mut self.kind else {
            return false;
        };
        *looks += 1;
        let asks = bytes.starts_with(b"GET ");
        let from = opening::frames_of(&bytes);
        let from = if asks { Some(Peer::Client) } else { from };
        let Some(from) = from else {
            let tls = bytes.first().is_some_and(|b| TLS_RECORDS.contains(b))
                && bytes.get(1) == Some(&0x03);
            if tls || *looks == MAX_LOOKS {
                self.kind = Kind::Unread;
                told.push(if tls { Told::Tls(None) } else { Told::Other });
            }
            return false;
        };
        let swapped = from != peer(side);
        if swapped {
            self.ends.swap(0, 1);
            self.sides.swap(0, 1);
            self.heard.swap(0, 1);
        }
        let side = usize::from(from == Peer::Engine);
        if asks {
            self.kind = Kind::Opening(bytes.to_vec());
            self.opening(told);
            return swapped;
        }
        self.kind = Kind::WebSocket;
        for side in &mut self.sides {
            side.cursor.skip(1);
            side.lost = true;
        }
        told.push(Told::Midway);
        self.frames(side, bytes, told);
        swapped
    }

    /// Takes bytes of a WebSocket, including its handshake.
    fn frames(&mut self, side: usize, bytes: Bytes, told: &mut Vec<Told>) {
        let peer = peer(side);
        let here = &mut self.sides[side];
        if here.lost && here.cursor.is_lost() && opening::frames_of(&bytes) == Some(peer) {
            here.cursor.resync();
        }
        let passed = here.cursor.pass(&bytes);
        if !here.lost {
            told.push(Told::Event(Event::Bytes(peer, bytes)));
        } else if let Some((kept, _)) = passed.boundary {
            here.lost = false;
            told.push(Told::Event(Event::Resumed(peer, bytes.slice(kept..))));
        }
        if passed.upgraded && peer == Peer::Engine {
            self.sides[0].cursor.upgrade();
        }
    }

    fn hole(&mut self, side: usize, bytes: u64, told: &mut Vec<Told>) {
        match &mut self.kind {
            // The beginning of the client's bytes is missing: its frames may show what the
            // connection is.
            Kind::Opening(_) if side == 0 => {
                told.push(Told::Hole(peer(side), bytes));
                self.kind = Kind::Midway(0);
            }
            Kind::WebSocket => {
                told.push(Told::Hole(peer(side), bytes));
                told.push(Told::Event(Event::Lost(peer(side))));
                let here = &mut self.sides[side];
                here.lost = true;
                let handshake = here.cursor.in_head();
                here.cursor.skip(bytes);
                if handshake {
                    self.kind = Kind::Midway(0);
                }
            }
            _ => {}
        }
    }

    fn fin(&mut self, side: usize, told: &mut Vec<Told>) {
        self.sides[side].ended = true;
        if !matches!(self.kind, Kind::Unread) {
            told.push(Told::Event(Event::Ended(peer(side), End::Fin)));
        }
        if self.sides[1 - side].ended {
            self.over = true;
            told.push(Told::Over);
        }
    }
}

/// The maximum number of bytes that one connection holds: both streams and its opening.
pub(super) const MAX_CONNECTION_BYTES: usize =
    2 * super::stream::MAX_HELD_BYTES + MAX_OPENING_BYTES;
