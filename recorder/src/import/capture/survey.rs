//! The first pass over a capture: which connections become the tape, and what to say about the
//! rest.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::net::SocketAddr;

use super::beside::Beside;
use super::connection::{Connection, Told};
use super::packets::{Next, Packets};
use super::table::Table;
use crate::error::ImportError;
use crate::import::wall::Wall;
use crate::proxy::Peer;

/// The maximum number of connections listed: those that are a WebSocket, and failed dials to the
/// same addresses.
const MAX_LISTED: usize = 1 << 16;

/// The maximum number of hosts that a sentence about TLS names.
const MAX_NAMED: usize = 5;

/// What to do about a capture that has only one direction.
const BOTH_WAYS: &str = "capture both directions, without src, dst, inbound or -Q in the filter, \
                         and where both pass: tcpdump -i any -s 0 -w NEW.pcap tcp port PORT";

/// The maximum number of hosts that TLS connections are counted by.
const MAX_HOSTS: usize = 1_024;

/// A connection that may become part of the tape.
#[derive(Debug)]
pub(super) struct Outline {
    /// Its number in the order of the capture.
    pub(super) serial: u64,
    pub(super) begin: Wall,
    pub(super) url: String,
    /// When its last SYN was sent, if nobody answered it.
    pub(super) unanswered: Option<Wall>,
}

/// What a capture holds.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) listed: Vec<Outline>,
    /// The serial numbers of the WebSocket connections in `listed`.
    open: BTreeSet<u64>,
    /// The servers with a WebSocket, each with the URL of the first one dialed there.
    servers: BTreeMap<SocketAddr, String>,
    /// Dials that have not become anything yet: when each began, its server, and when its last SYN
    /// was sent, or `None` if one was answered.
    dials: BTreeMap<u64, (Wall, SocketAddr, Option<Wall>)>,
    /// The number of TLS connections, by port and host.
    tls: BTreeMap<(u16, Option<String>), u64>,
    /// Whether the capture holds keys of some of them.
    keys: bool,
    /// The number of connections that are something else.
    others: u64,
    midway: u64,
    /// The connections with one half of their handshake missing from the capture.
    halves: BTreeSet<u64>,
    /// Those of `open` with packets of only one peer, and which peer that is.
    only: BTreeMap<u64, Peer>,
    /// How many bytes are missing from the capture, and from which connections.
    holes: u64,
    torn: BTreeSet<u64>,
    broken_off: bool,
    unread: BTreeMap<u32, u64>,
    /// The number of packets.
    packets: u64,
    /// The number of packets without a time.
    untimed: u64,
    beside: Beside,
    /// All connections still followed at the end, and how many of them have packets of only one
    /// peer. Reported only if nothing else was found, in which case none of them has its first
    /// bytes.
    silent: u64,
    one_way: u64,
    too_many: bool,
}

impl Survey {
    /// Surveys a capture; `name` is what errors call the file.
    pub(super) fn of(name: &str, input: Box<dyn BufRead + '_>) -> Result<Self, ImportError> {
        let mut survey = Self::default();
        let mut packets = Packets::open(name, input)?;
        let mut table = Table::default();
        let mut last = Wall::ZERO;
        loop {
            let next = packets.next(|packet| {
                last = last.max(packet.at);
                survey.untimed += u64::from(!packet.timed);
                table.take(&packet, |connection, told| {
                    survey.tell(connection, &told, packet.at);
                });
            })?;
            match next {
                Next::Some => {}
                Next::End => break,
                Next::BrokenOff => {
                    survey.broken_off = true;
                    break;
                }
            }
        }
        survey.keys = packets.have_keys();
        table.end(last, |connection, told| {
            survey.tell(connection, &told, last);
        });
        let answered: Vec<u64> = table
            .connections()
            .filter(|connection| !connection.is_dialing())
            .map(|connection| connection.serial)
            .collect();
        for serial in answered {
            if let Some((_, _, tried)) = survey.dials.get_mut(&serial) {
                *tried = None;
            }
        }
        survey.unread = std::mem::take(&mut table.unread);
        survey.beside = std::mem::take(&mut table.beside);
        survey.packets = table.packets;
        for connection in table.connections() {
            survey.hear(connection);
            survey.silent += 1;
            let one_way = connection.only().is_some() && !connection.is_dialing();
            survey.one_way += u64::from(one_way);
        }
        survey.list_dials();
        if survey.too_many {
            return Err(ImportError::Nothing {
                name: name.to_owned(),
                message: format!(
                    "expected {MAX_LISTED} WebSocket connections at most, found more; cut out a \
                     part of the capture: editcap -A FROM -B TO FILE NEW.pcapng (Wireshark)"
                ),
            });
        }
        if survey.listed.is_empty() {
            return Err(survey.nothing(name));
        }
        Ok(survey)
    }

    fn tell(&mut self, connection: &Connection, told: &Told, at: Wall) {
        let serial = connection.serial;
        self.hear(connection);
        match told {
            Told::Dialed => {
                if self.dials.len() < MAX_LISTED {
                    let dial = (connection.begin, connection.server(), None);
                    self.dials.entry(serial).or_insert(dial).2 = Some(at);
                }
            }
            Told::Opened { path, host } => {
                let server = connection.server();
                let host = host.clone().unwrap_or_else(|| server.to_string());
                self.open(connection, format!("ws://{host}{path}"));
            }
            Told::Midway => {
                self.midway += 1;
                if !self.open.contains(&serial) {
                    let server = connection.server();
                    self.open(connection, format!("ws://{server}/"));
                }
            }
            Told::Unasked => {
                self.halves.insert(serial);
                let server = connection.server();
                self.open(connection, format!("ws://{server}/"));
            }
            Told::Unanswered => drop(self.halves.insert(serial)),
            Told::Tls(host) => {
                self.dials.remove(&serial);
                let of = (connection.server().port(), host.clone());
                if self.tls.len() < MAX_HOSTS || self.tls.contains_key(&of) {
                    *self.tls.entry(of).or_default() += 1;
                }
            }
            Told::Other => {
                self.dials.remove(&serial);
                self.others += 1;
            }
            Told::Hole(_, bytes) => {
                self.holes += bytes;
                self.torn.insert(serial);
            }
            // In all these cases its SYN was answered.
            Told::Refused | Told::Event(_) | Told::Over => {
                if let Some((_, _, tried)) = self.dials.get_mut(&serial) {
                    *tried = None;
                }
            }
        }
    }

    /// Notes whether only one peer of an open connection was heard so far.
    fn hear(&mut self, connection: &Connection) {
        if !self.open.contains(&connection.serial) {
            return;
        }
        match connection.only() {
            Some(peer) => drop(self.only.insert(connection.serial, peer)),
            None => drop(self.only.remove(&connection.serial)),
        }
    }

    fn open(&mut self, connection: &Connection, url: String) {
        self.dials.remove(&connection.serial);
        if self.listed.len() == MAX_LISTED {
            self.too_many = true;
            return;
        }
        self.servers
            .entry(connection.server())
            .or_insert_with(|| url.clone());
        self.open.insert(connection.serial);
        self.hear(connection);
        self.listed.push(Outline {
            serial: connection.serial,
            begin: connection.begin,
            url,
            unanswered: None,
        });
    }

    /// Lists the failed dials to an address that had a WebSocket at another time.
    fn list_dials(&mut self) {
        for (serial, (begin, server, unanswered)) in std::mem::take(&mut self.dials) {
            if let Some(url) = self.servers.get(&server) {
                self.listed.push(Outline {
                    serial,
                    begin,
                    url: url.clone(),
                    unanswered,
                });
            }
        }
        self.listed.sort_by_key(|outline| outline.serial);
    }

    /// What the tape lacks and why, one sentence each.
    pub(super) fn lacks(&self) -> Vec<String> {
        let mut lacks = Vec::new();
        lacks.extend(self.tls_said());
        if self.midway > 0 {
            lacks.push(format!(
                "{} began before the capture, or where bytes are missing: its handshake is not in \
                 the capture, so the tape has a 101 without headers",
                connections(self.midway)
            ));
        }
        lacks.extend(self.one_way_said());
        // Connections with only one direction have just been reported.
        let halves = self
            .halves
            .iter()
            .filter(|half| !self.only.contains_key(half));
        let halves = halves.count() as u64;
        if halves > 0 {
            lacks.push(format!(
                "of {} the capture has one half of the handshake; a mark stands in place of the \
                 other",
                connections(halves)
            ));
        }
        if self.untimed > 0 {
            lacks.push(format!(
                "{} have no times, as Simple Packet Blocks have none: each is sent right after the \
                 packet before it, in the file's order; capture with dumpcap or tcpdump, which \
                 write times",
                if self.untimed == self.packets {
                    "its packets".to_owned()
                } else {
                    format!("{} of the {} packets", self.untimed, self.packets)
                }
            ));
        }
        if self.holes > 0 {
            lacks.push(format!(
                "{} bytes of {} are missing from the capture: they were dropped during capture or \
                 cut at its snapshot length (use tcpdump -s 0 -B 65536); a mark shows each place",
                self.holes,
                connections(self.torn.len() as u64)
            ));
        }
        if self.broken_off {
            lacks.push(
                "the capture is cut off inside a packet, as when its writer is killed; everything \
                 before was read"
                    .to_owned(),
            );
        }
        for (link, packets) in &self.unread {
            lacks.push(format!(
                "{packets} packets are of link type {link}, which is not read: Ethernet (1), \
                 Linux cooked (113, 276), raw IP (101), BSD loopback (0, 108) and Apple's (258) are; \
                 capture with tcpdump -i any"
            ));
        }
        lacks
    }

    fn one_way_said(&self) -> Vec<String> {
        let said = [(Peer::Client, Peer::Engine), (Peer::Engine, Peer::Client)]
            .into_iter()
            .filter_map(|(there, lacking)| {
                let count = self.only.values().filter(|only| **only == there).count();
                (count > 0).then(|| {
                    format!(
                        "of {} the capture has only what the {} sent, and nothing of the {}: \
                         {BOTH_WAYS}",
                        connections(count as u64),
                        there.word(),
                        lacking.word()
                    )
                })
            });
        said.collect()
    }

    fn tls_said(&self) -> Option<String> {
        let all: u64 = self.tls.values().sum();
        if all == 0 {
            return None;
        }
        let named: Vec<String> = self
            .tls
            .keys()
            .take(MAX_NAMED)
            .map(|(port, host)| match host {
                Some(host) => format!("{host}:{port}"),
                None => format!("port {port}"),
            })
            .collect();
        let more = self.tls.len().saturating_sub(MAX_NAMED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        Some(format!(
            "{} {} TLS, {} ({}{more}); record where TLS ends, with wstape proxy --upstream wss://…, \
             mitmproxy or the browser's HAR export",
            connections(all),
            if all == 1 { "is" } else { "are" },
            if self.keys {
                "and only Wireshark can use the keys in the capture"
            } else {
                "which can't be read without its keys"
            },
            named.join(", ")
        ))
    }

    /// The error for a capture without a WebSocket.
    fn nothing(&self, name: &str) -> ImportError {
        const AGAIN: &str = "start the capture before the client dials, on the port that it \
                             dials: tcpdump \
             -i any -s 0 -w NEW.pcap tcp port PORT";
        let mut found = self.lacks();
        if self.others > 0 {
            found.push(format!(
                "{} of something else: {AGAIN}",
                connections(self.others)
            ));
        }
        found.extend(self.beside.said());
        if self.packets == 0 {
            found.push(format!(
                "no packets, as when a filter matches none: {AGAIN}"
            ));
        } else if found.is_empty() {
            let silent = connections(self.silent);
            if self.one_way > 0 && self.one_way == self.silent {
                found.push(format!("{silent} with one direction alone: {BOTH_WAYS}"));
            } else {
                found.push(format!("{silent} without their first bytes: {AGAIN}"));
            }
        }
        ImportError::Nothing {
            name: name.to_owned(),
            message: format!(
                "expected a WebSocket's handshake over TCP, found {}",
                found.join("; ")
            ),
        }
    }
}

fn connections(count: u64) -> String {
    if count == 1 {
        "1 connection".to_owned()
    } else {
        format!("{count} connections")
    }
}
