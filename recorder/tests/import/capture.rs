//! Captures: what tcpdump and dumpcap wrote, and what a network or a bad capture makes of it.
//!
//! The transformed ones are `capture/lo.pcap`, packet by packet, reordered, wrapped differently
//! or with something left out, so they must give what the genuine one gives.

use std::fs;
use std::io::Write as _;

use wstape_recorder::ImportFormat::Capture;
use wstape_recorder::Imported;

use crate::packet::{
    ENGINE_PORT, ETHERNET, IP_BYTES, Packet, ethernet, fragmented, genuine, pcap, six,
};
use crate::{import, import_bytes, import_with, input, steps};

fn imported(file: &[u8]) -> (String, Imported) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in");
    fs::write(&path, file).unwrap();
    import_with(Capture, &path, |import| import).unwrap()
}

/// The steps of a tape without what differs from one import or run to the next: times, and hosts.
fn told(tape: &str) -> Vec<String> {
    let plain = |line: &&str| {
        let step = line.split_once(',').unwrap().1;
        match step.split_once("\"headers\":{\"host\"") {
            Some((before, _)) => before.to_owned(),
            None => step.to_owned(),
        }
    };
    steps(tape).iter().map(plain).collect()
}

#[test]
fn a_capture_of_python_and_node_becomes_the_same_tape_every_time() {
    let tape = import(Capture, &input("capture/lo.pcap")).unwrap();
    insta::assert_snapshot!("capture-lo.pcap", tape);
    assert!(!tape.contains("s3cret-t0ken-of-nobody"), "{tape}");
}

#[test]
fn tcpdump_and_dumpcap_give_the_same_steps_on_any_interface() {
    let expected = told(&import(Capture, &input("capture/lo.pcap")).unwrap());
    // Each capture is of its own run: what one side says keeps its order, but which side is first
    // may differ, and so do dates.
    let of_a_side = |steps: &[String], client: bool| -> Vec<String> {
        let of = steps
            .iter()
            .filter(|step| step.contains("\"received\"") == client);
        let undated = of.map(|step| match step.find("\"date\"") {
            Some(at) => step[..at].to_owned(),
            None => step.clone(),
        });
        undated.collect()
    };
    for name in ["capture/any.pcap", "capture/any.pcapng"] {
        let found = told(&import(Capture, &input(name)).unwrap());
        for client in [true, false] {
            let (found, expected) = (of_a_side(&found, client), of_a_side(&expected, client));
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[test]
fn the_smallest_capture_of_a_loopback_gives_its_messages_and_its_end() {
    let tape = import(Capture, &input("field/loopback-websocket.pcap")).unwrap();
    insta::assert_snapshot!("field-loopback-websocket.pcap", tape);
}

#[test]
fn each_wrapping_gives_the_same_tape() {
    let packets = genuine();
    let expected = told(&import(Capture, &input("capture/lo.pcap")).unwrap());
    let vlan = [&ETHERNET[..12], &[0x81, 0, 0, 7, 8, 0]].concat();
    let mpls = [&ETHERNET[..12], &[0x88, 0x47, 0, 1, 0, 64, 0, 1, 0x11, 64]].concat();
    let pppoe = [&ETHERNET[..12], &[0x88, 0x64, 0x11, 0, 0, 1, 0, 0, 0, 0x21]].concat();
    let mut cooked = vec![0; 16];
    cooked[14] = 8;
    let mut cooked2 = vec![0; 20];
    cooked2[0] = 8;
    for (what, file) in [
        ("Ethernet", ethernet(&packets)),
        ("big-endian", pcap(&packets, 1, &ETHERNET, true, false)),
        ("nanoseconds", pcap(&packets, 1, &ETHERNET, false, true)),
        (
            "big-endian nanoseconds",
            pcap(&packets, 1, &ETHERNET, true, true),
        ),
        ("VLAN", pcap(&packets, 1, &vlan, false, false)),
        ("MPLS", pcap(&packets, 1, &mpls, false, false)),
        ("PPP over Ethernet", pcap(&packets, 1, &pppoe, false, false)),
        ("raw IP", pcap(&packets, 101, &[], false, false)),
        ("Linux cooked", pcap(&packets, 113, &cooked, false, false)),
        (
            "Linux cooked 2",
            pcap(&packets, 276, &cooked2, false, false),
        ),
        (
            "BSD loopback",
            pcap(&packets, 0, &[2, 0, 0, 0], false, false),
        ),
    ] {
        assert_eq!(told(&imported(&file).0), expected, "{what}");
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&ethernet(&packets)).unwrap();
    assert_eq!(told(&imported(&gzip.finish().unwrap()).0), expected);
}

/// Ethernet and IPv4 around what is of this protocol, without a length, as offloading leaves it.
fn around(protocol: u8, more: &[u8]) -> Vec<u8> {
    let mut ip = [0_u8; IP_BYTES];
    (ip[0], ip[8], ip[9]) = (0x45, 64, protocol);
    [&ETHERNET, &ip[..], more].concat()
}

#[test]
fn a_capture_without_tcp_ends_with_what_it_is_and_what_to_do() {
    const GRE: u8 = 47;
    const IP_IN_IP: u8 = 4;
    const UDP: u8 = 17;
    const ESP: u8 = 50;
    let udp = |port: u16, more: &[u8]| {
        let [high, low] = port.to_be_bytes();
        around(UDP, &[&[0x13, 0x88, high, low, 0, 0, 0, 0], more].concat())
    };
    let inner = |header: &[u8]| [header, &ETHERNET].concat();
    let packets = genuine();
    for (what, header, said) in [
        (
            "GRE",
            around(GRE, &[0, 0, 8, 0]),
            "within GRE, which is not decoded; capture inside the tunnel, or strip it with \
             Wireshark's editcap -C 38 -T rawip FILE",
        ),
        (
            "GRE of Ethernet",
            around(GRE, &inner(&[0, 0, 0x65, 0x58])),
            "editcap -C 38 FILE",
        ),
        ("IP in IP", around(IP_IN_IP, &[]), "within IP in IP"),
        (
            "VXLAN",
            udp(4789, &inner(&[8, 0, 0, 0, 0, 0, 7, 0])),
            "within VXLAN, which is not decoded; capture inside the tunnel, or strip it with \
             Wireshark's editcap -C 50 FILE",
        ),
        (
            "Geneve",
            udp(6081, &inner(&[0, 0, 0x65, 0x58, 0, 0, 7, 0])),
            "within Geneve",
        ),
        (
            "WireGuard",
            udp(51_820, &[4, 0, 0, 0]),
            "of WireGuard, which can't be read",
        ),
        ("IPsec", around(ESP, &[]), "of IPsec, which can't be read"),
        (
            "QUIC",
            udp(443, &[]),
            "probably QUIC and HTTP/3; record with the browser's HAR export",
        ),
        (
            "UDP",
            udp(53, &[]),
            "of UDP, which carries no WebSocket; capture the port",
        ),
        (
            "ARP",
            [&ETHERNET[..12], &[8, 6]].concat(),
            "of neither TCP nor UDP; capture the port",
        ),
    ] {
        let error = refused(&pcap(&packets, 1, &header, false, false));
        assert!(error.contains(said), "{what}: {error}");
        assert!(
            error.contains(&format!("found {} packets", packets.len())),
            "{error}"
        );
    }
    let none = refused(&pcap(&[], 1, &ETHERNET, false, false));
    assert!(
        none.contains("found no packets") && none.contains("tcpdump -i any"),
        "{none}"
    );
    let cut = Packet {
        at: 0,
        ip: packets[0].ip[..IP_BYTES + 6].to_vec(),
    };
    assert!(refused(&ethernet(&[cut])).contains("tcpdump -s 0"));
    let silent = refused(&ethernet(&packets[..1]));
    assert!(
        silent.contains("without their first bytes: start the capture before"),
        "{silent}"
    );
}

/// The error for a capture that becomes no tape.
fn refused(file: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in");
    fs::write(&path, file).unwrap();
    import_with(Capture, &path, |import| import).unwrap_err()
}

#[test]
fn what_comes_again_or_in_another_order_makes_no_difference() {
    let packets = genuine();
    let expected = told(&import(Capture, &input("capture/lo.pcap")).unwrap());
    let twice: Vec<Packet> = packets
        .iter()
        .flat_map(|p| [p.clone(), p.clone()])
        .collect();
    assert_eq!(told(&imported(&ethernet(&twice)).0), expected, "each twice");
    // Two of the engine's data next to each other change places.
    let mut turned = packets.clone();
    let data = |p: &Packet| p.is_from_engine() && !p.payload().is_empty();
    let engine: Vec<usize> = (0..turned.len()).filter(|at| data(&turned[*at])).collect();
    let pair = engine.windows(2).find(|pair| {
        // Frames, of one connection, and no word of the client's between.
        let frames = turned[pair[0]].payload()[0] & 0x80 != 0;
        let between = turned[pair[0] + 1..pair[1]].iter();
        let client = turned[pair[0]].client();
        frames
            && client == turned[pair[1]].client()
            && between.clone().all(|p| p.payload().is_empty())
    });
    let [first, second] = pair.unwrap() else {
        unreachable!("windows of two")
    };
    let (first, second) = (*first, *second);
    let (earlier, later) = (turned[first].at, turned[second].at);
    turned.swap(first, second);
    (turned[first].at, turned[second].at) = (earlier, later);
    assert_eq!(told(&imported(&ethernet(&turned)).0), expected, "turned");
    // Lost on the wire, and sent again after what follows.
    let mut again = packets.clone();
    let lost = again.remove(first);
    let at = again
        .iter()
        .skip(first)
        .position(|p| p.client() != lost.client());
    let at = at.map_or(again.len(), |at| first + at).min(first + 2);
    let stamp = again[at - 1].at;
    again.insert(at, Packet { at: stamp, ..lost });
    let (tape, _) = imported(&ethernet(&again));
    assert_eq!(told(&tape).len(), expected.len(), "{tape}");
    // Trailing bytes of a short frame of Ethernet are no data.
    let padded: Vec<Packet> = packets
        .iter()
        .map(|p| {
            let mut p = p.clone();
            p.ip.extend([0; 6]);
            p
        })
        .collect();
    assert_eq!(told(&imported(&ethernet(&padded)).0), expected, "padded");
}

#[test]
fn fragments_of_ip_are_put_together() {
    let packets = genuine();
    let expected = told(&import(Capture, &input("capture/lo.pcap")).unwrap());
    let fragments: Vec<Packet> = packets
        .iter()
        .enumerate()
        .flat_map(|(number, packet)| {
            let mut packet = packet.clone();
            packet.ip[4..6].copy_from_slice(&u16::try_from(number).unwrap().to_be_bytes());
            fragmented(&packet)
        })
        .collect();
    assert_eq!(told(&imported(&ethernet(&fragments)).0), expected);
}

#[test]
fn ipv6_is_read_too() {
    let packets: Vec<Packet> = genuine().iter().map(six).collect();
    let expected = told(&import(Capture, &input("capture/lo.pcap")).unwrap());
    let file = pcap(&packets, 101, &[], false, false);
    assert_eq!(told(&imported(&file).0), expected);
}

#[test]
fn what_the_capture_lacks_is_marked_and_recording_goes_on_behind_it() {
    let packets = genuine();
    let answer = packets
        .iter()
        .position(|p| p.is_from_engine() && p.payload().windows(8).any(|w| w == b"{\"answer"));
    let answer = answer.expect("the answer to Node's client");
    // Its second message is sent by hand after the first, which the capture lacks.
    let mut lossy = packets.clone();
    let mut behind = lossy[answer].clone();
    let length = u32::try_from(behind.payload().len()).unwrap();
    let seq = u32::from_be_bytes(behind.ip[24..28].try_into().unwrap()).wrapping_add(length);
    behind.ip[24..28].copy_from_slice(&seq.to_be_bytes());
    let header = behind.ip.len() - behind.payload().len();
    behind.ip.truncate(header);
    behind.ip.extend(b"\x81\x02{}");
    let total = u16::try_from(behind.ip.len()).unwrap();
    behind.ip[2..4].copy_from_slice(&total.to_be_bytes());
    lossy[answer] = behind;
    let mut ack = lossy[answer + 1].clone();
    ack.at += 1_000_000;
    let acked = seq.wrapping_add(4);
    assert!(!ack.is_from_engine());
    ack.ip[28..32].copy_from_slice(&acked.to_be_bytes());
    lossy[answer + 1] = ack.clone();
    ack.at += 1_000_000;
    lossy.insert(answer + 2, ack);
    for packet in &mut lossy[answer + 3..] {
        packet.at += 3_000_000;
        if packet.flags() & 4 != 0 {
            // The RST comes after what was added.
            let seq = seq.wrapping_add(4);
            packet.ip[24..28].copy_from_slice(&seq.to_be_bytes());
        }
    }
    let (tape, imported) = imported(&ethernet(&lossy));
    let mark = format!("connection 2: the capture lacks {length} bytes of the engine");
    assert!(tape.contains(&mark), "{tape}");
    assert!(tape.contains(r#""conn":2,"text":"{}""#), "{tape}");
    assert!(tape.contains(r#""conn":2,"drop":"reset""#), "{tape}");
    let said = imported.lacks.join("\n");
    let sentence = format!("{length} bytes of 1 connection are missing from the capture");
    assert!(said.contains(&sentence), "{said}");
}

#[test]
fn a_capture_cut_at_a_snapshot_length_goes_on_at_the_next_message() {
    const SNAPPED: usize = 300;
    let packets: Vec<Packet> = genuine()
        .into_iter()
        .map(|mut packet| {
            packet.ip.truncate(SNAPPED);
            packet
        })
        .collect();
    let (tape, imported) = imported(&ethernet(&packets));
    assert!(
        imported
            .lacks
            .iter()
            .any(|lack| lack.contains("snapshot length")),
        "{imported:?}"
    );
    assert!(tape.contains("the capture lacks"), "{tape}");
}

#[test]
fn a_capture_that_begins_in_mid_connection_says_so_and_keeps_what_follows() {
    let packets = genuine();
    let node = packets.iter().rfind(|p| p.is_syn() && !p.is_from_engine());
    let _ = node.expect("a dial");
    // From the client's subscription on, of Node's connection, whose messages are not compressed.
    let from = packets.iter().position(|p| {
        !p.is_from_engine()
            && p.payload().first() == Some(&0x81)
            && packets.iter().any(|other| {
                other.client() == p.client() && other.payload().windows(6).any(|w| w == b"/abort")
            })
    });
    let (tape, imported) = imported(&ethernet(&packets[from.expect("a subscription")..]));
    assert!(
        tape.contains("connection 1: its handshake is not in the capture"),
        "{tape}"
    );
    assert!(tape.contains(r#""conn":1,"accept":{}"#), "{tape}");
    assert!(
        tape.contains("subscribe") && tape.contains("answer"),
        "{tape}"
    );
    assert!(tape.contains(r#""conn":1,"drop":"reset""#), "{tape}");
    assert!(
        imported
            .lacks
            .iter()
            .any(|lack| lack.contains("began before the capture"))
    );
}

#[test]
fn a_capture_of_tls_alone_says_what_it_is_and_what_to_do() {
    // A dial, its answer, and a client's hello for feed.example.
    let packets = genuine();
    let mut dial: Vec<Packet> = packets[..3].to_vec();
    let mut hello = packets[3].clone();
    let header = hello.ip.len() - hello.payload().len();
    hello.ip.truncate(header);
    let name = b"\x00\x00\x00\x11\x00\x0f\x00\x00\x0cfeed.example";
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([
        0,
        0,
        2,
        0x13,
        0x01,
        1,
        0,
        0,
        u8::try_from(name.len()).unwrap(),
    ]);
    body.extend(name);
    let length = u8::try_from(body.len()).unwrap();
    hello
        .ip
        .extend([0x16, 3, 1, 0, length + 4, 1, 0, 0, length]);
    hello.ip.extend(body);
    let total = u16::try_from(hello.ip.len()).unwrap();
    hello.ip[2..4].copy_from_slice(&total.to_be_bytes());
    dial.push(hello);
    let said = import_bytes(Capture, &ethernet(&dial)).unwrap_err();
    let sentence = format!(
        "in: expected a WebSocket's handshake over TCP, found 1 connection is TLS, which can't be \
         read without its keys (feed.example:{ENGINE_PORT}); record where TLS ends, with wstape \
         proxy --upstream wss://…, mitmproxy or the browser's HAR export"
    );
    assert_eq!(said, sentence);
}

#[test]
fn what_is_no_capture_or_breaks_off_is_a_sentence() {
    let said = import_bytes(Capture, b"GIF89a").unwrap_err();
    assert!(
        said.contains("expected a capture (pcap or pcapng), found something else"),
        "{said}"
    );
    let said = import_bytes(Capture, b"").unwrap_err();
    assert!(said.contains("found an empty file"), "{said}");
    let said = import_bytes(Capture, &ethernet(&[])).unwrap_err();
    assert!(
        said.contains("expected a WebSocket's handshake over TCP, found no packets"),
        "{said}"
    );
    let said = import_bytes(Capture, &pcap(&genuine(), 127, &[], false, false)).unwrap_err();
    assert!(
        said.contains("packets are of link type 127, which is not read"),
        "{said}"
    );
    // Torn within its last packet, as when tcpdump was killed: what is before is read.
    let whole = ethernet(&genuine());
    let (tape, imported) = imported(&whole[..whole.len() - 10]);
    assert!(
        imported
            .lacks
            .iter()
            .any(|lack| lack.contains("is cut off inside a packet"))
    );
    assert!(steps(&tape).len() > 10);
}

#[test]
fn dials_that_nobody_answers_are_part_of_the_tape_where_the_engine_was() {
    let packets = genuine();
    let tape = import(Capture, &input("capture/lo.pcap")).unwrap();
    assert!(
        tape.contains("could not be reached: its SYN was answered by a RST"),
        "{tape}"
    );
    let silent: Vec<Packet> = packets[..packets.len() - 1].to_vec();
    let (tape, _) = imported(&ethernet(&silent));
    assert!(
        tape.contains("could not be reached: nobody answered its SYN"),
        "{tape}"
    );
}
