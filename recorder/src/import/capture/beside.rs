//! Packets without readable TCP: what they are, and how to capture them so that they can be read.

use std::collections::BTreeMap;

use etherparse::{IpNumber, LaxNetSlice, TransportSlice};

use super::packets::Packet;
use super::segment::sliced;

/// UDP ports that tell what a packet carries: VXLAN (RFC 7348), Geneve (RFC 8926), QUIC on HTTPS's
/// port, `WireGuard`, and `IPsec` through a NAT (RFC 3948).
const VXLAN: u16 = 4789;
const GENEVE: u16 = 6081;
const HTTPS: u16 = 443;
const WIREGUARD: u16 = 51_820;
const IPSEC: u16 = 4500;

/// Bytes before the inner packet: UDP's header, then VXLAN's, or Geneve's without options.
const UDP_BYTES: usize = 8;
const VXLAN_BYTES: usize = 8;
const GENEVE_BYTES: usize = 8;

/// GRE's header without options (RFC 2784), and its protocol type for an inner Ethernet frame.
const GRE_BYTES: usize = 4;
const TRANSPARENT_ETHERNET: [u8; 2] = [0x65, 0x58];

/// What a packet without a TCP segment is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A packet inside another, after this many bytes, with or without an Ethernet header.
    Tunnel {
        name: &'static str,
        before: usize,
        ethernet: bool,
    },
    /// A packet that can't be read without its keys.
    Encrypted(&'static str),
    /// A TCP packet captured too short to read.
    Cut,
    /// UDP on QUIC's port.
    Quic,
    Udp,
    Other,
}

/// Counts the packets without TCP, by what they are.
#[derive(Debug, Default)]
pub(super) struct Beside {
    kinds: BTreeMap<Kind, u64>,
}

impl Beside {
    /// Counts a packet in which no segment was found.
    pub(super) fn take(&mut self, packet: &Packet<'_>) {
        let Some(kind) = kind(packet) else {
            return;
        };
        *self.kinds.entry(kind).or_default() += 1;
    }

    /// Describes the packets, one sentence per kind, and what to do instead.
    pub(super) fn said(&self) -> Vec<String> {
        let said = self.kinds.iter().map(|(kind, count)| {
            let packets = if *count == 1 { "packet" } else { "packets" };
            format!("{count} {packets} {}", kind.said())
        });
        said.collect()
    }
}

impl Kind {
    fn said(&self) -> String {
        match self {
            Self::Tunnel {
                name,
                before,
                ethernet,
            } => {
                let link = if *ethernet { "" } else { " -T rawip" };
                format!(
                    "within {name}, which is not decoded; capture inside the tunnel, or strip it \
                     with Wireshark's editcap -C {before}{link} FILE NEW.pcapng"
                )
            }
            Self::Encrypted(name) => format!(
                "of {name}, which can't be read without its keys; capture where it ends, on the \
                 tunnel's own interface"
            ),
            Self::Cut => "of TCP, cut before their payload; capture whole packets with tcpdump -s \
                 0"
            .to_owned(),
            Self::Quic => {
                "of UDP to port 443, probably QUIC and HTTP/3; record with the browser's HAR \
                 export or with wstape proxy"
                    .to_owned()
            }
            Self::Udp => {
                "of UDP, which carries no WebSocket; capture the port that the client dials: \
                 tcpdump -i any -s 0 -w NEW.pcap tcp port PORT"
                    .to_owned()
            }
            Self::Other => "of neither TCP nor UDP; capture the port that the client dials: \
                            tcpdump -i any -s 0 -w NEW.pcap tcp port PORT"
                .to_owned(),
        }
    }
}

/// What a packet is; `None` for a fragment of TCP, as the rest of it may still come.
fn kind(packet: &Packet<'_>) -> Option<Kind> {
    let Some(sliced) = sliced(packet.link, packet.bytes) else {
        return Some(Kind::Other);
    };
    if let Some(TransportSlice::Udp(udp)) = &sliced.transport {
        let ports = [udp.source_port(), udp.destination_port()];
        let before = place(packet, udp.slice()).unwrap_or_default() + UDP_BYTES;
        return Some(of_udp(ports, before));
    }
    let Some(ip) = sliced.net.as_ref().and_then(LaxNetSlice::ip_payload_ref) else {
        return Some(Kind::Other);
    };
    let before = place(packet, ip.payload).unwrap_or_default();
    let tunnel = |name, before, ethernet| Kind::Tunnel {
        name,
        before,
        ethernet,
    };
    Some(match ip.ip_number {
        IpNumber::TCP if ip.fragmented => return None,
        IpNumber::TCP => Kind::Cut,
        IpNumber::UDP => Kind::Udp,
        IpNumber::GRE => {
            let ethernet = ip.payload.get(2..GRE_BYTES) == Some(&TRANSPARENT_ETHERNET);
            tunnel("GRE", before + GRE_BYTES, ethernet)
        }
        IpNumber::IPV4 | IpNumber::IPV6 => tunnel("IP in IP", before, false),
        IpNumber::ENCAPSULATING_SECURITY_PAYLOAD => Kind::Encrypted("IPsec"),
        _ => Kind::Other,
    })
}

fn of_udp(ports: [u16; 2], before: usize) -> Kind {
    let has = |port| ports.contains(&port);
    let tunnel = |name, header| Kind::Tunnel {
        name,
        before: before + header,
        ethernet: true,
    };
    if has(VXLAN) {
        tunnel("VXLAN", VXLAN_BYTES)
    } else if has(GENEVE) {
        tunnel("Geneve", GENEVE_BYTES)
    } else if has(WIREGUARD) {
        Kind::Encrypted("WireGuard")
    } else if has(IPSEC) {
        Kind::Encrypted("IPsec")
    } else if has(HTTPS) {
        Kind::Quic
    } else {
        Kind::Udp
    }
}

/// The offset of a part of a packet in it.
fn place(packet: &Packet<'_>, part: &[u8]) -> Option<usize> {
    part.as_ptr()
        .addr()
        .checked_sub(packet.bytes.as_ptr().addr())
}
