//! Extracts the TCP segment of a packet: link layer, IP, fragments.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use etherparse::{
    EtherType, IpFragOffset, IpNumber, Ipv6ExtensionSlice, LaxNetSlice, LaxSlicedPacket, TcpSlice,
    TransportSlice,
};

use super::fragments::{Fragments, Key};
use super::packets::Packet;

/// The link layers that are read, by their numbers.
const NULL: u32 = 0;
const ETHERNET: u32 = 1;
const RAW: [u32; 5] = [12, 14, 101, 228, 229];
const LOOP: u32 = 108;
const LINUX_SLL: u32 = 113;
const LINUX_SLL2: u32 = 276;
/// Apple's PKTAP, which `tcpdump -i any` writes on macOS. Older versions wrote a number reserved
/// for private use.
const PKTAP: [u32; 2] = [258, 149];

/// A segment of TCP.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    /// The sequence number of its first byte, or of its SYN.
    pub(super) seq: u32,
    /// The sequence number that its sender expects next.
    pub(super) ack: Option<u32>,
    pub(super) syn: bool,
    pub(super) fin: bool,
    pub(super) rst: bool,
    pub(super) payload: Bytes,
    /// How many bytes after the payload were sent but not captured.
    pub(super) missing: usize,
}

/// Whether packets with this link layer are read.
pub(super) fn is_read(link: u32) -> bool {
    matches!(link, NULL | ETHERNET | LOOP | LINUX_SLL | LINUX_SLL2)
        || RAW.contains(&link)
        || PKTAP.contains(&link)
}

/// What an IP header says.
struct Datagram {
    from: IpAddr,
    to: IpAddr,
    /// The payload's length as sent, in bytes.
    declared: usize,
    identification: u32,
    offset: IpFragOffset,
    /// Whether more fragments follow.
    more: bool,
}

/// The segment in a packet; `None` if there is none, or if other fragments of it are still missing.
pub(super) fn segment(packet: &Packet<'_>, fragments: &mut Fragments) -> Option<Segment> {
    let sliced = sliced(packet.link, packet.bytes)?;
    let net = sliced.net.as_ref()?;
    let datagram = datagram(net)?;
    let (from, to) = (datagram.from, datagram.to);
    let ip = net.ip_payload_ref()?;
    if ip.fragmented {
        let key = Key {
            from,
            to,
            identification: datagram.identification,
            protocol: ip.ip_number.0,
        };
        if ip.ip_number != IpNumber::TCP {
            return None;
        }
        let whole = fragments.take(key, datagram.offset, datagram.more, ip.payload)?;
        return Some(of(&TcpSlice::from_slice(&whole).ok()?, from, to, 0));
    }
    let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else {
        return None;
    };
    // With segmentation offload the header may have no length: then nothing counts as missing.
    let missing = if ip.incomplete {
        datagram.declared.saturating_sub(ip.payload.len())
    } else {
        0
    };
    Some(of(tcp, from, to, missing))
}

fn datagram(net: &LaxNetSlice<'_>) -> Option<Datagram> {
    Some(match net {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let total = usize::from(header.total_len());
            Datagram {
                from: header.source_addr().into(),
                to: header.destination_addr().into(),
                declared: total.saturating_sub(header.slice().len()),
                identification: header.identification().into(),
                offset: header.fragments_offset(),
                more: header.more_fragments(),
            }
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            let total = usize::from(header.payload_length());
            let fragment = ip.extensions().clone().into_iter().find_map(|extension| {
                let Ipv6ExtensionSlice::Fragment(fragment) = extension else {
                    return None;
                };
                let header = fragment.to_header();
                let (offset, more) = (header.fragment_offset, header.more_fragments);
                Some((header.identification, offset, more))
            });
            let whole = (0, IpFragOffset::ZERO, false);
            let (identification, offset, more) = fragment.unwrap_or(whole);
            Datagram {
                from: header.source_addr().into(),
                to: header.destination_addr().into(),
                declared: total.saturating_sub(ip.extensions().slice().len()),
                identification,
                offset,
                more,
            }
        }
        LaxNetSlice::Arp(_) => return None,
    })
}

fn of(tcp: &TcpSlice<'_>, from: IpAddr, to: IpAddr, missing: usize) -> Segment {
    Segment {
        from: SocketAddr::new(from, tcp.source_port()),
        to: SocketAddr::new(to, tcp.destination_port()),
        seq: tcp.sequence_number(),
        ack: tcp.ack().then(|| tcp.acknowledgment_number()),
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        payload: Bytes::copy_from_slice(tcp.payload()),
        missing,
    }
}

/// Parses a packet up to its transport layer.
pub(super) fn sliced(link: u32, bytes: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    const TYPE_BYTES: usize = 2;
    if PKTAP.contains(&link) {
        let (link, bytes) = tapped(bytes)?;
        return sliced(link, bytes);
    }
    if let Some(inner) =
        ethernet_type(link, bytes).and_then(|(kind, at)| labelled(kind, bytes.get(at..)?))
    {
        return LaxSlicedPacket::from_ip(inner).ok();
    }
    let ether_type = |at: usize, payload: usize| {
        let kind = bytes.get(at..at + TYPE_BYTES)?;
        let kind = EtherType(u16::from_be_bytes(kind.try_into().ok()?));
        Some(LaxSlicedPacket::from_ether_type(
            kind,
            bytes.get(payload..)?,
        ))
    };
    match link {
        ETHERNET => LaxSlicedPacket::from_ethernet(bytes).ok(),
        LINUX_SLL => ether_type(14, 16),
        LINUX_SLL2 => ether_type(0, 20),
        // The address family in the first four bytes repeats what IP's version says.
        NULL | LOOP => LaxSlicedPacket::from_ip(bytes.get(4..)?).ok(),
        link if RAW.contains(&link) => LaxSlicedPacket::from_ip(bytes).ok(),
        _ => None,
    }
}

/// Strips an Apple header: returns the link layer that it names and the packet after it.
fn tapped(bytes: &[u8]) -> Option<(u32, &[u8])> {
    const IS_PACKET: u32 = 1;
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (length, next, link) = (word(0)?, word(4)?, word(8)?);
    let behind = bytes.get(usize::try_from(length).ok()?..)?;
    (next == IS_PACKET && !PKTAP.contains(&link)).then_some((link, behind))
}

/// The type of an Ethernet header and the offset of its payload, with VLAN tags skipped.
fn ethernet_type(link: u32, bytes: &[u8]) -> Option<(u16, usize)> {
    const TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
    const TAG_BYTES: usize = 4;
    let mut at = match link {
        ETHERNET => 12,
        LINUX_SLL => 14,
        _ => return None,
    };
    loop {
        let kind = bytes.get(at..at + 2)?;
        let kind = u16::from_be_bytes([kind[0], kind[1]]);
        if !TAGS.contains(&kind) {
            return Some((kind, at + 2));
        }
        at += TAG_BYTES;
    }
}

/// The IP packet after MPLS labels (RFC 3032) or a PPP-over-Ethernet header (RFC 2516); `None` for
/// other types.
fn labelled(kind: u16, payload: &[u8]) -> Option<&[u8]> {
    const MPLS: [u16; 2] = [0x8847, 0x8848];
    const LABEL_BYTES: usize = 4;
    const LAST_LABEL: u8 = 1;
    const PPPOE_SESSION: u16 = 0x8864;
    const PPPOE_BYTES: usize = 6;
    const PPP_IP: [[u8; 2]; 2] = [[0x00, 0x21], [0x00, 0x57]];
    if MPLS.contains(&kind) {
        let mut labels = payload.chunks_exact(LABEL_BYTES);
        let last = labels.position(|label| label[2] & LAST_LABEL != 0)?;
        return payload.get((last + 1) * LABEL_BYTES..);
    }
    let (protocol, inner) = payload.get(PPPOE_BYTES..)?.split_first_chunk::<2>()?;
    (kind == PPPOE_SESSION && PPP_IP.contains(protocol)).then_some(inner)
}
