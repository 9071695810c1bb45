//! What a pcapng may hold besides packets of one interface, and the older ways to hold a packet.
//!
//! All are of the packets of `capture/lo.pcap`, so they must give what that gives.

use std::fs;

use wstape_recorder::ImportFormat::Capture;
use wstape_recorder::Imported;

use crate::packet::{Blocks, ENHANCED, ETHERNET, PACKET, Packet, SIMPLE, genuine, pcap};
use crate::{import, import_with, input, steps};

/// Options of an interface.
const TSRESOL: u16 = 9;
const TSOFFSET: u16 = 14;
const COMMENT: u16 = 1;

fn imported(file: &[u8]) -> Result<(String, Imported), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in");
    fs::write(&path, file).unwrap();
    import_with(Capture, &path, |import| import)
}

/// The steps, with their times.
fn told(file: &[u8]) -> Vec<String> {
    let (tape, _) = imported(file).unwrap();
    steps(&tape).into_iter().map(str::to_owned).collect()
}

fn expected() -> Vec<String> {
    let tape = import(Capture, &input("capture/lo.pcap")).unwrap();
    steps(&tape).into_iter().map(str::to_owned).collect()
}

fn of_ethernet(packet: &Packet) -> Vec<u8> {
    [&ETHERNET[..], &packet.ip].concat()
}

#[test]
fn a_packet_block_which_old_captures_have_is_read_in_either_byte_order() {
    for big in [false, true] {
        let mut blocks = Blocks::new(big);
        blocks.interface(101, 0, &[]);
        blocks.interface(1, 0, &[]);
        for packet in genuine() {
            blocks.packet(PACKET, 1, packet.at, &of_ethernet(&packet));
        }
        assert_eq!(told(&blocks.file), expected(), "big-endian: {big}");
    }
}

#[test]
fn packets_without_times_keep_their_order_and_the_tape_says_so() {
    for big in [false, true] {
        let mut blocks = Blocks::new(big);
        blocks.interface(1, 0, &[]);
        for packet in genuine() {
            blocks.packet(SIMPLE, 0, 0, &of_ethernet(&packet));
        }
        let (tape, imported) = imported(&blocks.file).unwrap();
        let untimed = |step: &str| step.split_once(',').unwrap().1.to_owned();
        let found: Vec<String> = steps(&tape).into_iter().map(untimed).collect();
        let all: Vec<String> = expected().iter().map(|step| untimed(step)).collect();
        assert_eq!(found, all);
        assert!(
            steps(&tape)
                .iter()
                .all(|step| step.starts_with(r#"{"at_ms":0,"#))
        );
        let said = imported.lacks.join("\n");
        assert!(
            said.contains("its packets have no times, as Simple Packet Blocks"),
            "{said}"
        );
        let header = tape.lines().next().unwrap();
        assert!(
            header.contains("have no times") && !header.contains("recorded_at"),
            "{header}"
        );
    }
}

#[test]
fn a_packet_without_a_time_among_others_has_that_of_the_one_before_it() {
    let packets = genuine();
    let mut blocks = Blocks::new(false);
    blocks.interface(1, 0, &[]);
    let untimed = packets.len() - 2;
    for (number, packet) in packets.iter().enumerate() {
        let kind = if number == untimed { SIMPLE } else { ENHANCED };
        blocks.packet(kind, 0, packet.at, &of_ethernet(packet));
    }
    let (_, imported) = imported(&blocks.file).unwrap();
    let said = format!("1 of the {} packets have no times", packets.len());
    assert!(imported.lacks.join("\n").contains(&said), "{imported:?}");
}

#[test]
fn what_fills_up_a_simple_packet_cut_at_its_length_is_not_taken_for_the_packet() {
    // 301 bytes, so that three of zeros stand behind them.
    const SNAPPED: usize = 301;
    let mut blocks = Blocks::new(false);
    blocks.interface(1, u32::try_from(SNAPPED).unwrap(), &[]);
    let mut cut = Vec::new();
    for packet in genuine() {
        let mut bytes = of_ethernet(&packet);
        let length = u32::try_from(bytes.len()).unwrap();
        bytes.truncate(SNAPPED);
        blocks.block(SIMPLE, &[&blocks.word(length)[..], &bytes].concat());
        let ip = bytes[ETHERNET.len()..].to_vec();
        cut.push(Packet { at: 0, ip });
    }
    // A pcap with packets of just that length.
    let plain = pcap(&cut, 1, &ETHERNET, false, false);
    assert_eq!(told(&blocks.file), told(&plain));
}

#[test]
fn each_interface_has_its_own_clock_link_layer_and_number_in_each_section() {
    const OFFSET: u64 = 1_700_000_000;
    let packets = genuine();
    for big in [false, true] {
        let mut blocks = Blocks::new(!big);
        // A section of another byte order, with an interface that the next does not have.
        blocks.interface(113, 0, &[]);
        blocks.section(big, &[]);
        let offset = if big {
            OFFSET.to_be_bytes()
        } else {
            OFFSET.to_le_bytes()
        };
        let nanoseconds = blocks.option(TSRESOL, &[9]);
        let since = [
            blocks.option(TSOFFSET, &offset),
            // The high bit: a power of two, 2^-20 s.
            blocks.option(TSRESOL, &[0x94]),
        ];
        blocks.interface(1, 0, &nanoseconds);
        blocks.interface(101, 0, &since.concat());
        let half = packets.len() / 2;
        for (number, packet) in packets.iter().enumerate() {
            if number == half {
                // The rest in a section of its own, whose interfaces count anew.
                blocks.section(!big, &[]);
                blocks.interface(1, 0, &[]);
            }
            if number >= half {
                blocks.packet(ENHANCED, 0, packet.at, &of_ethernet(packet));
            } else if number.is_multiple_of(2) {
                blocks.packet(ENHANCED, 0, packet.at * 1_000, &of_ethernet(packet));
            } else {
                let micros = u128::from(packet.at - OFFSET * 1_000_000);
                // The next unit of 1/2^20 s, which is within the same microsecond.
                let units = (micros << 20).div_ceil(1_000_000);
                blocks.packet(ENHANCED, 1, units.try_into().unwrap(), &packet.ip);
            }
        }
        assert_eq!(told(&blocks.file), expected(), "big-endian: {big}");
    }
}

#[test]
fn blocks_and_options_that_hold_no_packet_make_no_difference() {
    for big in [false, true] {
        let mut blocks = Blocks::new(big);
        let options = [
            blocks.option(COMMENT, "recorded “by hand”".as_bytes()),
            blocks.option(COMMENT, b"again"),
            blocks.option(4, b"dumpcap"),
            blocks.option(2988, b"\0\0\x7e\xd9custom"),
            blocks.option(0, b""),
        ];
        blocks.section(big, &options.concat());
        let described = [
            blocks.option(2, b"eth0"),
            blocks.option(11, b"\0tcp port 80"),
            blocks.option(12, b"Linux"),
            blocks.option(8, &[0; 8]),
            blocks.option(0xffff, b"\x01\x02\x03"),
        ];
        blocks.interface(1, 262_144, &described.concat());
        // Names, statistics, a journal's entry, keys, what an application made up (to be copied, and
        // not), and a number that nobody has given yet.
        let [half, word] = [
            |b: &Blocks| b.half(0).to_vec(),
            |b: &Blocks| b.word(0).to_vec(),
        ];
        let names = [half(&blocks), half(&blocks)].concat();
        blocks.block(4, &names);
        let statistics = [word(&blocks), word(&blocks), word(&blocks)].concat();
        blocks.block(5, &statistics);
        blocks.block(9, b"__REALTIME_TIMESTAMP=0\n\n");
        let keys = [&blocks.word(0x544c_534b)[..], &blocks.word(4), b"KEYS"].concat();
        blocks.block(10, &keys);
        let custom = [&blocks.word(32_473)[..], b"made up"].concat();
        blocks.block(0xbad, &custom);
        blocks.block(0x4000_0bad, &custom);
        blocks.block(0x1234, b"nobody knows");
        blocks.block(0x1235, b"");
        for packet in genuine() {
            let bytes = of_ethernet(&packet);
            let length = blocks.word(u32::try_from(bytes.len()).unwrap());
            let [high, low] = [packet.at >> 32, packet.at & 0xffff_ffff];
            let [high, low] = [high, low].map(|n| blocks.word(n.try_into().unwrap()));
            let mut body = [blocks.word(0), high, low, length, length].concat();
            body.extend(&bytes);
            body.resize(body.len().next_multiple_of(4), 0);
            body.extend(blocks.option(COMMENT, b"a packet"));
            body.extend(blocks.option(2, &[0; 4]));
            // What ends options is not always there.
            if packet.at.is_multiple_of(2) {
                body.extend(blocks.option(0, b""));
            }
            blocks.block(ENHANCED, &body);
        }
        assert_eq!(told(&blocks.file), expected(), "big-endian: {big}");
    }
}

#[test]
fn packets_of_macos_are_read_behind_apples_header() {
    let header = |link: u32| {
        let mut header = vec![0; 108];
        header[..12].copy_from_slice(&[108, 1, link].map(u32::to_le_bytes).concat());
        header
    };
    let packets = genuine();
    for (link, behind) in [(258, ETHERNET.to_vec()), (149, ETHERNET.to_vec())] {
        let before = [header(1), behind].concat();
        assert_eq!(
            told(&pcap(&packets, link, &before, false, false)),
            expected()
        );
    }
    let loopback = [&header(0)[..], &[2, 0, 0, 0]].concat();
    assert_eq!(
        told(&pcap(&packets, 258, &loopback, false, false)),
        expected()
    );
}

#[test]
fn a_checksums_length_in_a_pcaps_header_is_no_part_of_its_link_layer() {
    let packets = genuine();
    let link = 0xf400_0001;
    assert_eq!(
        told(&pcap(&packets, link, &ETHERNET, false, false)),
        expected()
    );
}
