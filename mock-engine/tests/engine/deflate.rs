//! permessage-deflate (RFC 7692), where a tape asks for it.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use wstape_mock_engine::{Entry, JournalKind};

use crate::world::{Arm, Client, World, in_memory, upgrade_request};

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const MESSAGE: &str =
    r#"{"event":"risk","data":{"halted":false,"drawdown_pct":9.24,"halts":[1,2,3,4]}}"#;

/// Dials and upgrades with this offer; returns what the answer agrees on.
async fn upgraded(world: &World, offer: &str) -> (Client, Option<String>) {
    let mut client = world.dial().await.unwrap();
    client.send(&upgrade_request(offer)).await;
    let head = client.head().await.unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let mut lines = head.lines();
    let agreed = lines.find_map(|line| line.strip_prefix("sec-websocket-extensions: "));
    (client, agreed.map(str::to_owned))
}

/// A frame of a server: first byte and payload.
async fn frame(client: &mut Client) -> (u8, Vec<u8>) {
    let head = client.exactly(2).await;
    let len = match head[1] {
        126 => {
            let long = client.exactly(2).await;
            usize::from(u16::from_be_bytes([long[0], long[1]]))
        }
        len => usize::from(len),
    };
    (head[0], client.exactly(len).await)
}

fn inflate(decompress: &mut Decompress, payload: &[u8]) -> String {
    let mut out = Vec::with_capacity(1 << 16);
    let whole = [payload, &[0, 0, 0xff, 0xff]].concat();
    decompress
        .decompress_vec(&whole, &mut out, FlushDecompress::Sync)
        .unwrap();
    String::from_utf8(out).unwrap()
}

fn deflate(compress: &mut Compress, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 16);
    compress
        .compress_vec(payload, &mut out, FlushCompress::Sync)
        .unwrap();
    out.truncate(out.len() - 4);
    out
}

/// A client's frame, masked with zeros.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len())
        .ok()
        .filter(|len| *len < 126)
        .unwrap();
    [&[first, 0x80 | len, 0, 0, 0, 0][..], payload].concat()
}

#[test]
fn messages_are_compressed_with_what_came_before_for_clients_that_offer_it_and_plain_for_others() {
    in_memory(async {
        let emit = format!(r#"{{"at_ms":1000,"emit":{MESSAGE}}}"#);
        let again = format!(r#"{{"at_ms":2000,"emit":{MESSAGE}}}"#);
        let lines = [
            r#"{"on_connect":"each","accept":{"deflate":true}}"#,
            &emit,
            &again,
            r#"{"at_ms":2000,"ping":"p"}"#,
        ];
        let world = World::playing(Arm::Virtual, &[&lines]).await;
        let (mut offers, agreed) = upgraded(&world, OFFER).await;
        assert_eq!(agreed.as_deref(), Some("permessage-deflate"));
        let (mut plain, agreed) = upgraded(&world, "").await;
        assert_eq!(agreed, None);
        let mut decompress = Decompress::new(false);
        let mut sizes = Vec::new();
        for _ in 0..2 {
            let (first, payload) = frame(&mut offers).await;
            assert_eq!(first, 0xc1, "FIN, RSV1, Text");
            sizes.push(payload.len());
            assert_eq!(inflate(&mut decompress, &payload), MESSAGE);
            assert_eq!(frame(&mut plain).await, (0x81, MESSAGE.as_bytes().to_vec()));
        }
        assert!(
            sizes[1] < sizes[0] / 2,
            "{sizes:?}: the second refers to the first"
        );
        assert_eq!(
            frame(&mut offers).await,
            (0x89, b"p".to_vec()),
            "a control frame is plain"
        );
    });
}

#[test]
fn what_a_client_compresses_is_read_and_journalled_as_it_was_meant() {
    in_memory(async {
        let lines =
            [r#"{"on_connect":"each","accept":{"deflate":{"client_no_context_takeover":true}}}"#];
        let world = World::playing(Arm::Virtual, &[&lines]).await;
        let (mut client, agreed) = upgraded(&world, OFFER).await;
        let expected = "permessage-deflate; client_no_context_takeover";
        assert_eq!(agreed.as_deref(), Some(expected));
        let small = |text: &[u8]| deflate(&mut Compress::new(Compression::default(), false), text);
        let whole = small(b"one");
        let parts = small(b"one and another");
        let (first, rest) = parts.split_at(4);
        client.send(&masked(0xc1, &whole)).await;
        client.send(&masked(0x41, first)).await;
        client.send(&masked(0x80, rest)).await;
        client.send(&masked(0x81, b"plain")).await;
        let four = |entries: &[Entry]| {
            let received = |entry: &&Entry| matches!(entry.kind, JournalKind::Received(_));
            entries.iter().filter(received).count() == 4
        };
        let journal = world.engine.journal();
        journal.wait_for(four).await;
        let mut text = String::new();
        for entry in journal.entries() {
            if let JournalKind::Received(frame) = entry.kind {
                text.push_str(std::str::from_utf8(&frame.payload).unwrap());
                text.push('|');
            }
        }
        assert_eq!(text.replace("||", "|").matches("one").count(), 2, "{text}");
        assert!(text.ends_with("another|plain|"), "{text}");
    });
}

#[test]
fn a_compressed_frame_without_an_agreement_and_nonsense_within_one_break_the_protocol() {
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[&[]]).await;
        let (mut client, _) = upgraded(&world, OFFER).await;
        client.send(&masked(0xc1, b"x")).await;
        assert_eq!(client.all().await.0, b"\x88\x02\x03\xea", "1002");
        let lines = [r#"{"on_connect":"each","accept":{"deflate":true}}"#];
        let world = World::playing(Arm::Virtual, &[&lines]).await;
        let (mut client, _) = upgraded(&world, OFFER).await;
        client.send(&masked(0xc1, &[0xff; 16])).await;
        assert_eq!(client.all().await.0, b"\x88\x02\x03\xef", "1007");
        let (mut client, _) = upgraded(&world, OFFER).await;
        client.send(&masked(0xc9, b"x")).await;
        assert_eq!(client.all().await.0, b"\x88\x02\x03\xea", "1002");
    });
}
