//! Packets of a genuine capture, to be reordered, wrapped differently, or left out.

use std::fs;

use crate::input;

/// A packet: microseconds since 1970, and its bytes from IP on.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(crate) at: u64,
    pub(crate) ip: Vec<u8>,
}

/// Where TCP's fields lie in these packets: IPv4 without options.
pub(crate) const IP_BYTES: usize = 20;
pub(crate) const ETHERNET_BYTES: usize = 14;

impl Packet {
    pub(crate) fn flags(&self) -> u8 {
        self.ip[IP_BYTES + 13]
    }

    pub(crate) fn is_syn(&self) -> bool {
        self.flags() & 2 != 0
    }

    pub(crate) fn payload(&self) -> &[u8] {
        let header = usize::from(self.ip[IP_BYTES + 12] >> 4) * 4;
        &self.ip[IP_BYTES + header..]
    }

    pub(crate) fn is_from_engine(&self) -> bool {
        self.ip[IP_BYTES..IP_BYTES + 2] == ENGINE_PORT.to_be_bytes()
    }

    /// The port of the client.
    pub(crate) fn client(&self) -> [u8; 2] {
        let at = if self.is_from_engine() { 2 } else { 0 };
        [self.ip[IP_BYTES + at], self.ip[IP_BYTES + at + 1]]
    }
}

/// The port of the engine in the committed captures.
pub(crate) const ENGINE_PORT: u16 = 18_970;

/// The packets of a genuine capture: little-endian, microseconds, Ethernet.
pub(crate) fn genuine() -> Vec<Packet> {
    let bytes = fs::read(input("capture/lo.pcap")).unwrap();
    assert_eq!(bytes[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    let mut packets = Vec::new();
    let mut rest = &bytes[24..];
    while !rest.is_empty() {
        let field = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        let length = field(8) as usize;
        assert_eq!(field(8), field(12), "nothing is cut");
        packets.push(Packet {
            at: u64::from(field(0)) * 1_000_000 + u64::from(field(4)),
            ip: rest[16 + ETHERNET_BYTES..16 + length].to_vec(),
        });
        rest = &rest[16 + length..];
    }
    packets
}

/// The packets as a pcap of a link layer, whose header stands before each.
pub(crate) fn pcap(
    packets: &[Packet],
    link: u32,
    header: &[u8],
    big: bool,
    nanoseconds: bool,
) -> Vec<u8> {
    let word = |n: u32| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let half = |n: u16| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let magic = if nanoseconds {
        0xa1b2_3c4d
    } else {
        0xa1b2_c3d4
    };
    let mut file = word(magic).to_vec();
    file.extend([half(2), half(4)].concat());
    file.extend([word(0), word(0), word(1 << 18), word(link)].concat());
    for packet in packets {
        let length = u32::try_from(header.len() + packet.ip.len()).unwrap();
        let fraction = u32::try_from(packet.at % 1_000_000).unwrap();
        let fraction = if nanoseconds {
            fraction * 1_000
        } else {
            fraction
        };
        let seconds = u32::try_from(packet.at / 1_000_000).unwrap();
        file.extend([word(seconds), word(fraction), word(length), word(length)].concat());
        file.extend(header);
        file.extend(&packet.ip);
    }
    file
}

/// An Ethernet header before IPv4.
pub(crate) const ETHERNET: [u8; ETHERNET_BYTES] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0];

pub(crate) fn ethernet(packets: &[Packet]) -> Vec<u8> {
    pcap(packets, 1, &ETHERNET, false, false)
}

/// Each packet in two fragments of IP.
pub(crate) fn fragmented(packet: &Packet) -> [Packet; 2] {
    const FIRST: usize = 16;
    let part = |range: std::ops::Range<usize>, offset: u16, more: bool| {
        let mut ip = packet.ip[..IP_BYTES].to_vec();
        let length = u16::try_from(IP_BYTES + range.len()).unwrap();
        ip[2..4].copy_from_slice(&length.to_be_bytes());
        let flags = if more { 0x2000 } else { 0 } | (offset / 8);
        ip[6..8].copy_from_slice(&flags.to_be_bytes());
        ip.extend(&packet.ip[IP_BYTES..][range]);
        Packet { at: packet.at, ip }
    };
    let length = packet.ip.len() - IP_BYTES;
    let cut = u16::try_from(FIRST).unwrap();
    [part(FIRST..length, cut, false), part(0..FIRST, 0, true)]
}

/// As a packet of IPv6.
pub(crate) fn six(packet: &Packet) -> Packet {
    let payload = &packet.ip[IP_BYTES..];
    let mut ip = vec![0x60, 0, 0, 0];
    ip.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    ip.extend([6, 64]);
    ip.extend(
        [[0; 15], [0; 15]]
            .map(|zeros| [&zeros[..], &[1]].concat())
            .concat(),
    );
    ip.extend(payload);
    Packet { at: packet.at, ip }
}

/// Writes the blocks of a pcapng.
pub(crate) struct Blocks {
    pub(crate) file: Vec<u8>,
    big: bool,
}

/// Numbers of blocks.
pub(crate) const PACKET: u32 = 2;
pub(crate) const SIMPLE: u32 = 3;
pub(crate) const ENHANCED: u32 = 6;

impl Blocks {
    /// A file whose first section is of this byte order.
    pub(crate) fn new(big: bool) -> Self {
        let file = Vec::new();
        let mut blocks = Self { file, big };
        blocks.section(big, &[]);
        blocks
    }

    pub(crate) fn half(&self, number: u16) -> [u8; 2] {
        if self.big {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    pub(crate) fn word(&self, number: u32) -> [u8; 4] {
        if self.big {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    /// An option, filled up to whole words.
    pub(crate) fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap();
        let mut option = [self.half(code), self.half(length)].concat();
        option.extend(value);
        option.resize(option.len().next_multiple_of(4), 0);
        option
    }

    pub(crate) fn block(&mut self, kind: u32, body: &[u8]) {
        let padded = body.len().next_multiple_of(4);
        let length = self.word(u32::try_from(padded + 12).unwrap());
        self.file.extend(self.word(kind));
        self.file.extend(length);
        self.file.extend(body);
        self.file.resize(self.file.len() + padded - body.len(), 0);
        self.file.extend(length);
    }

    /// A section of this byte order begins.
    pub(crate) fn section(&mut self, big: bool, options: &[u8]) {
        self.big = big;
        let mut body = self.word(0x1a2b_3c4d).to_vec();
        body.extend([self.half(1), self.half(0)].concat());
        body.extend([0xff; 8]);
        body.extend(options);
        self.block(0x0a0d_0d0a, &body);
    }

    pub(crate) fn interface(&mut self, link: u16, snapped: u32, options: &[u8]) {
        let mut body = [self.half(link), self.half(0)].concat();
        body.extend(self.word(snapped));
        body.extend(options);
        self.block(1, &body);
    }

    /// A packet of that kind of block, at a time in its interface's units.
    pub(crate) fn packet(&mut self, kind: u32, interface: u16, at: u64, packet: &[u8]) {
        let length = self.word(u32::try_from(packet.len()).unwrap());
        let [high, low] = [at >> 32, at & 0xffff_ffff].map(|n| self.word(n.try_into().unwrap()));
        let mut body = match kind {
            SIMPLE => length.to_vec(),
            PACKET => {
                let drops = self.half(0xffff);
                let interface = [self.half(interface), drops].concat();
                [&interface[..], &high, &low, &length, &length].concat()
            }
            _ => [self.word(interface.into()), high, low, length, length].concat(),
        };
        body.extend(packet);
        self.block(kind, &body);
    }
}
