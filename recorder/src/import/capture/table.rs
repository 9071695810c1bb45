//! The connections of a capture, by their two addresses.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::beside::Beside;
use super::connection::{Connection, Told};
use super::fragments::Fragments;
use super::packets::Packet;
use super::segment::{Segment, is_read, segment};
use crate::import::wall::Wall;

/// The maximum number of connections followed. Beyond it, finished connections are forgotten first,
/// then those silent for longest.
const MAX_CONNECTIONS: usize = 16_384;

/// The maximum number of bytes that all connections hold while waiting for earlier bytes. The
/// connection that exceeds it is given up.
const MAX_HELD_BYTES: usize = 64 << 20;

const _: () = assert!(super::connection::MAX_CONNECTION_BYTES < MAX_HELD_BYTES);

/// The two addresses of a connection, the smaller one first.
type Pair = (SocketAddr, SocketAddr);

/// The connections that are followed, and the packets that came in fragments.
#[derive(Debug, Default)]
pub(super) struct Table {
    connections: BTreeMap<Pair, (u64, Connection)>,
    fragments: Fragments,
    /// How many connections there were so far.
    serial: u64,
    /// How many packets there were so far.
    pub(super) packets: u64,
    held: usize,
    /// Packets of link layers that are not read, by the layer's number.
    pub(super) unread: BTreeMap<u32, u64>,
    /// The packets without a segment.
    pub(super) beside: Beside,
    /// Emptied after each use, kept for its capacity.
    told: Vec<Told>,
}

/// How many of the followed connections are forgotten at once.
const FORGOTTEN: usize = MAX_CONNECTIONS / 8;

impl Table {
    /// Takes a packet, and reports what it caused on which connection.
    pub(super) fn take(&mut self, packet: &Packet<'_>, mut tell: impl FnMut(&Connection, Told)) {
        self.packets += 1;
        if !is_read(packet.link) {
            *self.unread.entry(packet.link).or_default() += 1;
            return;
        }
        let Some(segment) = segment(packet, &mut self.fragments) else {
            self.beside.take(packet);
            return;
        };
        let pair = (segment.from.min(segment.to), segment.from.max(segment.to));
        if !self.is_followed(&pair, packet.at, &segment) {
            return;
        }
        let Some((used, connection)) = self.connections.get_mut(&pair) else {
            return;
        };
        *used = self.packets;
        let before = connection.held_bytes();
        connection.take(packet.at, segment, &mut self.told);
        self.held = self.held.saturating_sub(before) + connection.held_bytes();
        if self.held > MAX_HELD_BYTES {
            self.held -= connection.held_bytes();
            connection.give_up(&mut self.told);
        }
        for told in self.told.drain(..) {
            tell(connection, told);
        }
    }

    /// Whether the segment belongs to a connection that is followed. Begins one if needed.
    fn is_followed(&mut self, pair: &Pair, at: Wall, segment: &Segment) -> bool {
        let known = self.connections.get(pair).map(|(_, known)| known);
        if known.is_some_and(|known| !known.is_followed_by(segment)) {
            return true;
        }
        // A segment without payload begins no connection: it may be the last ACK of a finished one.
        if known.is_none() && !segment.syn && segment.payload.is_empty() {
            return false;
        }
        self.held = self
            .held
            .saturating_sub(known.map_or(0, Connection::held_bytes));
        if known.is_none() && self.connections.len() == MAX_CONNECTIONS {
            self.forget();
        }
        self.serial += 1;
        let connection = Connection::new(self.serial, at, segment);
        self.connections.insert(*pair, (self.packets, connection));
        true
    }

    fn forget(&mut self) {
        self.connections.retain(|_, (_, known)| !known.is_over());
        if self.connections.len() > MAX_CONNECTIONS - FORGOTTEN {
            let mut used: Vec<u64> = self.connections.values().map(|(used, _)| *used).collect();
            used.sort_unstable();
            let oldest = used[FORGOTTEN];
            self.connections.retain(|_, (used, _)| *used > oldest);
        }
        let held = self.connections.values();
        self.held = held.map(|(_, known)| known.held_bytes()).sum();
    }

    /// Takes the end of the capture.
    pub(super) fn end(&mut self, at: Wall, mut tell: impl FnMut(&Connection, Told)) {
        for (_, connection) in self.connections.values_mut() {
            connection.end(at, &mut self.told);
            for told in self.told.drain(..) {
                tell(connection, told);
            }
        }
    }

    /// The connections that are followed.
    pub(super) fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values().map(|(_, connection)| connection)
    }
}
