//! The judge's reading of frames, against tables and against tungstenite.

use std::io::{Cursor, Read, Write};

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use wstape_oracle::wire::{Frames, Item, Messages, Opcode, Seen, Sender, is_legal_close_code};

const LIMIT: usize = 1024;

/// Returns a server's frame, legal or not, with its true length in the header.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    announced(first, payload.len() as u64, payload)
}

fn announced(first: u8, len: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ 0..126), _) => bytes.push(len),
        (_, Ok(len)) => {
            bytes.push(126);
            bytes.extend(len.to_be_bytes());
        }
        _ => {
            bytes.push(127);
            bytes.extend(len.to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

fn masked(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut bytes = frame(first, payload);
    bytes[1] |= 0x80;
    let at = bytes.len() - payload.len();
    for (byte, mask) in bytes[at..].iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    bytes.splice(at..at, mask);
    bytes
}

fn read(messages: &mut Messages) -> Vec<Seen> {
    std::iter::from_fn(|| messages.next()).collect()
}

fn read_whole(sender: Sender, bytes: &[u8]) -> Vec<Seen> {
    let mut messages = Messages::new(sender, LIMIT);
    messages.push(bytes);
    read(&mut messages)
}

/// Reads `bytes` as a whole, byte by byte, and in two chunks cut at every place; the result must be
/// the same.
fn read_in_every_way(sender: Sender, bytes: &[u8]) -> Vec<Seen> {
    let whole = read_whole(sender, bytes);
    let mut messages = Messages::new(sender, LIMIT);
    let mut single = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        messages.push(&[*byte]);
        for seen in read(&mut messages) {
            assert_eq!(
                seen.end,
                at as u64 + 1,
                "seen as soon as it can be: {seen:?}"
            );
            single.push(seen);
        }
    }
    assert_eq!(single, whole, "in single bytes");
    for at in 0..=bytes.len() {
        let mut messages = Messages::new(sender, LIMIT);
        messages.push(&bytes[..at]);
        let mut cut = read(&mut messages);
        messages.push(&bytes[at..]);
        cut.extend(read(&mut messages));
        assert_eq!(cut, whole, "cut at {at}");
        assert_eq!(messages.received(), bytes.len() as u64);
    }
    whole
}

fn items(seen: Vec<Seen>) -> Vec<Item> {
    seen.into_iter().map(|seen| seen.item).collect()
}

fn text(text: &str) -> Item {
    Item::Text(text.to_owned())
}

#[test]
fn whole_messages_and_control_frames_are_read_wherever_the_stream_is_cut() {
    let table: Vec<(Vec<Vec<u8>>, Vec<Item>)> = vec![
        (vec![frame(0x81, b"hi")], vec![text("hi")]),
        (vec![frame(0x81, b"")], vec![text("")]),
        (vec![frame(0x82, b"\xff")], vec![Item::Binary(vec![0xff])]),
        (
            vec![frame(0x81, "é".repeat(100).as_bytes())],
            vec![text(&"é".repeat(100))],
        ),
        (
            vec![frame(0x82, &[7; LIMIT])],
            vec![Item::Binary(vec![7; LIMIT])],
        ),
        // A character split over two fragments, an empty one between them, and a Ping.
        (
            vec![
                frame(0x01, b"\xc3"),
                frame(0x00, b""),
                frame(0x89, b"p"),
                frame(0x80, b"\xa9"),
            ],
            vec![Item::Ping(b"p".to_vec()), text("é")],
        ),
        (
            vec![frame(0x02, b"a"), frame(0x00, b"b"), frame(0x80, b"c")],
            vec![Item::Binary(b"abc".to_vec())],
        ),
        (
            vec![frame(0x89, &[1; 125]), frame(0x8a, b"")],
            vec![Item::Ping(vec![1; 125]), Item::Pong(vec![])],
        ),
        (
            vec![frame(0x88, b"\x03\xe9bye"), frame(0x81, b"after")],
            vec![Item::Close {
                code: Some(1001),
                reason: "bye".to_owned(),
            }],
        ),
        (
            vec![frame(0x88, b"")],
            vec![Item::Close {
                code: None,
                reason: String::new(),
            }],
        ),
    ];
    for (frames, expected) in table {
        let bytes = frames.concat();
        assert_eq!(items(read_in_every_way(Sender::Server, &bytes)), expected);
    }
}

#[test]
fn every_breach_is_seen_with_the_codes_that_it_may_be_answered_with() {
    let start = || frame(0x01, b"a");
    let table: Vec<(&str, Vec<u8>, Vec<u16>)> = vec![
        ("RSV1", frame(0xc1, b"x"), vec![1002]),
        ("RSV2", frame(0xa1, b"x"), vec![1002]),
        ("RSV3 of a Ping", frame(0x99, b"x"), vec![1002]),
        ("opcode 3", frame(0x83, b"x"), vec![1002]),
        ("opcode 7", frame(0x87, b""), vec![1002]),
        ("opcode 11", frame(0x8b, b"x"), vec![1002]),
        ("opcode 15", frame(0x8f, b"x"), vec![1002]),
        ("masked", masked(0x81, b"x", [1, 2, 3, 4]), vec![1002]),
        ("Ping in fragments", frame(0x09, b"x"), vec![1002]),
        ("Close in fragments", frame(0x08, b""), vec![1002]),
        ("Ping of 126", frame(0x89, &[0; 126]), vec![1002]),
        (
            "Pong over the limit",
            frame(0x8a, &[0; LIMIT + 1]),
            vec![1002, 1009],
        ),
        ("stray continuation", frame(0x80, b"x"), vec![1002]),
        ("stray fragment", frame(0x00, b"x"), vec![1002]),
        (
            "text in a message",
            [start(), frame(0x81, b"x")].concat(),
            vec![1002],
        ),
        (
            "binary in a message",
            [start(), frame(0x02, b"x")].concat(),
            vec![1002],
        ),
        ("Close of one byte", frame(0x88, b"\x03"), vec![1002]),
        (
            "a reason that is not UTF-8",
            frame(0x88, b"\x03\xe8\xff"),
            vec![1007],
        ),
        (
            "the same with a code that is none",
            frame(0x88, b"\x00\x00\xff"),
            vec![1007, 1002],
        ),
        ("not UTF-8", frame(0x81, b"a\xff"), vec![1007]),
        ("UTF-8 that breaks off", frame(0x81, b"a\xc3"), vec![1007]),
        (
            "half a surrogate pair",
            frame(0x81, b"\xed\xa0\x80"),
            vec![1007],
        ),
        (
            "not UTF-8 in a later fragment",
            [start(), frame(0x00, b"\xff")].concat(),
            vec![1007],
        ),
        (
            "UTF-8 that breaks off at the last fragment",
            [frame(0x01, b"\xf0\x9f"), frame(0x80, b"\x98")].concat(),
            vec![1007],
        ),
        ("one too many", frame(0x81, &[b'x'; LIMIT + 1]), vec![1009]),
        (
            "one too many in fragments",
            [start(), frame(0x80, &[b'x'; LIMIT])].concat(),
            vec![1009],
        ),
        (
            "announced and never sent",
            announced(0x82, 1 << 62, b""),
            vec![1009],
        ),
        (
            "announced with the top bit",
            announced(0x82, 1 << 63, b""),
            vec![1002, 1009],
        ),
        (
            "two breaches in one",
            frame(0xc1, &[b'x'; LIMIT + 1]),
            vec![1002, 1009],
        ),
    ];
    for (name, bytes, codes) in table {
        let seen = read_in_every_way(Sender::Server, &[&frame(0x89, b""), &bytes[..]].concat());
        assert_eq!(seen.len(), 2, "{name}: {seen:?}");
        let Item::Violation(violation) = &seen[1].item else {
            panic!("{name}: {seen:?}");
        };
        assert_eq!(violation.codes, codes, "{name}");
        assert!(violation.by >= seen[1].end, "{name}");
    }
}

#[test]
fn a_payload_over_the_limit_need_not_come_for_its_message_to_be_too_big() {
    let big = announced(0x82, LIMIT as u64 + 1, b"");
    let seen = read_whole(Sender::Server, &big);
    let Item::Violation(violation) = &seen[0].item else {
        panic!("{seen:?}");
    };
    assert_eq!(violation.by, big.len() as u64);
}

#[test]
fn a_control_frame_is_no_message_and_no_message_limit_applies() {
    let mut messages = Messages::new(Sender::Server, 1);
    messages.push(&frame(0x89, &[0; 125]));
    assert_eq!(items(read(&mut messages)), [Item::Ping(vec![0; 125])]);
}

#[test]
fn the_mask_of_a_client_is_taken_off_and_missed_where_it_is_not() {
    let bytes = [
        masked(0x88, b"\x03\xe8", [9, 8, 7, 6]),
        masked(0x89, b"after", [0; 4]),
    ]
    .concat();
    let close = Item::Close {
        code: Some(1000),
        reason: String::new(),
    };
    assert_eq!(items(read_in_every_way(Sender::Client, &bytes)), [close]);
    let seen = read_in_every_way(Sender::Client, &frame(0x81, b"x"));
    assert!(matches!(&seen[0].item, Item::Violation(v) if v.codes == [1002]));
}

#[test]
fn frames_are_given_as_they_are_however_they_are_cut() {
    let bytes = [
        masked(0x41, b"abc", [1, 2, 3, 4]),
        frame(0x8f, &[5; 300]),
        frame(0x80, b""),
    ]
    .concat();
    for at in 0..bytes.len() {
        let mut frames = Frames::new();
        frames.push(&bytes[..at]);
        let mut all: Vec<_> = std::iter::from_fn(|| frames.next()).collect();
        frames.push(&bytes[at..]);
        all.extend(std::iter::from_fn(|| frames.next()));
        let [one, two, three] = &all[..] else {
            panic!("{all:?}");
        };
        assert_eq!((one.fin, one.rsv, one.opcode), (false, 4, Opcode::Text));
        assert!(one.masked && one.payload == b"abc");
        assert_eq!((two.opcode, two.start), (Opcode::Reserved(15), one.end));
        assert_eq!(two.payload, [5; 300]);
        assert_eq!(three.opcode, Opcode::Continuation);
        assert_eq!(three.end, bytes.len() as u64);
    }
}

#[test]
fn the_stream_stands_between_messages_or_in_one() {
    let mut messages = Messages::new(Sender::Server, LIMIT);
    assert!(messages.is_between_messages());
    for (bytes, between) in [
        (&b"\x01\x01"[..], false),
        (b"a", false),
        (b"\x89\x00", false),
        (b"\x80\x00", true),
        (b"\x81", false),
    ] {
        messages.push(bytes);
        read(&mut messages);
        assert_eq!(messages.is_between_messages(), between, "after {bytes:x?}");
    }
}

#[test]
fn a_message_is_under_way_from_its_first_byte_to_its_last_but_for_what_comes_between() {
    let mut messages = Messages::new(Sender::Server, LIMIT);
    for (bytes, under_way) in [
        (&b"\x81"[..], Some(0..1)),
        (b"\x02a", Some(0..3)),
        (b"b\x01", Some(4..5)),
        (b"\x01x", Some(4..7)),
        (b"\x89", Some(4..7)),
        (b"\x00", Some(4..7)),
        (b"\x80", Some(4..10)),
        (b"\x00", None),
        (b"\x8a\x02a", None),
        (b"a\x82\x01a", None),
    ] {
        messages.push(bytes);
        read(&mut messages);
        assert_eq!(messages.under_way(), under_way, "after {bytes:x?}");
    }
}

#[test]
fn codes_that_may_not_be_on_the_wire_are_told_from_those_that_may() {
    for code in [1000, 1001, 1003, 1007, 1011, 1012, 1013, 3000, 4999] {
        assert!(is_legal_close_code(code), "{code}");
    }
    for code in [
        0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2999, 5000, 65535,
    ] {
        assert!(!is_legal_close_code(code), "{code}");
    }
}

/// A stream that is read from one side, and takes whatever is written.
struct OneWay(Cursor<Vec<u8>>);

impl Read for OneWay {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for OneWay {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Returns what tungstenite makes of a server's bytes: its messages, and the code of the error it
/// ends with.
fn by_tungstenite(bytes: Vec<u8>) -> (Vec<Item>, Option<u16>) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT));
    let mut socket =
        WebSocket::from_raw_socket(OneWay(Cursor::new(bytes)), Role::Client, Some(config));
    let mut items = Vec::new();
    loop {
        items.push(match socket.read() {
            Ok(Message::Text(text)) => Item::Text(text.to_string()),
            Ok(Message::Binary(bytes)) => Item::Binary(bytes.to_vec()),
            Ok(Message::Ping(bytes)) => Item::Ping(bytes.to_vec()),
            Ok(Message::Pong(bytes)) => Item::Pong(bytes.to_vec()),
            Ok(Message::Close(close)) => {
                items.push(Item::Close {
                    code: close.as_ref().map(|close| close.code.into()),
                    reason: close.map_or_else(String::new, |close| close.reason.to_string()),
                });
                return (items, None);
            }
            Ok(Message::Frame(_)) => unreachable!("only ever written"),
            Err(Error::Utf8(_)) => return (items, Some(1007)),
            Err(Error::Capacity(_)) => return (items, Some(1009)),
            Err(Error::Protocol(error)) if error.to_string().contains("without closing") => {
                return (items, None);
            }
            Err(Error::Protocol(_)) => return (items, Some(1002)),
            Err(error) => panic!("{error}"),
        });
    }
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        3 => "[a-zé😀]{0,8}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
        1 => (0..200_usize).prop_map(|len| vec![b'x'; len]),
        1 => (LIMIT - 2..LIMIT + 2).prop_map(|len| vec![b'x'; len]),
        1 => (990..1020_u16, "[a-zé]{0,4}")
            .prop_map(|(code, reason)| [&code.to_be_bytes(), reason.as_bytes()].concat()),
    ];
    let first = prop_oneof![
        8 => proptest::sample::select(vec![0x81_u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a]),
        1 => Just(0x88),
        1 => any::<u8>(),
    ];
    (first, payload, 0..12_u8).prop_map(|(first, payload, rare)| match rare {
        0 => masked(first, &payload, [1, 2, 3, 4]),
        1 => announced(first, payload.len() as u64 + 1, &payload),
        _ => frame(first, &payload),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn tungstenite_reads_the_same_from_any_frames(
        frames in proptest::collection::vec(any_frame(), 1..8)
    ) {
        let bytes = frames.concat();
        let mut items = items(read_whole(Sender::Server, &bytes));
        let (mut theirs, code) = by_tungstenite(bytes.clone());
        let mut violation = None;
        match items.last_mut() {
            Some(Item::Violation(_)) => {
                if let Some(Item::Violation(last)) = items.pop() {
                    violation = Some(last);
                }
            }
            // Tungstenite reports an illegal code as a protocol error of its own.
            Some(Item::Close { code: Some(code), .. }) if !is_legal_close_code(*code) => {
                let shown = matches!(theirs.pop(), Some(Item::Close { code: Some(1002), .. }));
                prop_assert!(shown, "an illegal code");
                items.pop();
            }
            _ => {}
        }
        prop_assert_eq!(items, theirs);
        match (violation, code) {
            (None, None) => {}
            (Some(violation), Some(code)) => {
                prop_assert!(violation.codes.contains(&code), "{violation:?}, {code}");
            }
            // Tungstenite may notice this only once the rest of the frame has come.
            (Some(violation), None) => prop_assert!(violation.by > bytes.len() as u64),
            (None, Some(code)) => prop_assert!(false, "tungstenite alone saw a reason for {code}"),
        }
    }
}
