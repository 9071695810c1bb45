//! Tests which steps the frames of each peer make.

use bytes::Bytes;
use wstape_tape::{Micros, Step};

use super::decoder::FrameDecoder;
use super::inflate::Inflater;
use super::observation::Peer;

fn said(peer: Peer, inflater: Option<Inflater>, stream: &[u8]) -> Vec<String> {
    let play = |size: usize, inflater| {
        let mut decoder = FrameDecoder::new(2, peer, inflater);
        let mut out = Vec::new();
        for part in stream.chunks(size) {
            decoder.take(Micros::ZERO, Bytes::copy_from_slice(part), &mut out);
        }
        decoder.end(Micros::ZERO, &mut out);
        let without = |step: &Step| step.to_canonical().replace(r#"{"at_ms":0,"conn":2,"#, "{");
        out.iter().map(without).collect::<Vec<_>>()
    };
    let again = inflater.as_ref().map(|_| Inflater::new(false));
    let lines = play(stream.len(), inflater);
    assert_eq!(lines, play(1, again), "however the bytes come");
    lines
}

#[test]
fn what_the_engine_says_is_what_a_tape_sends() {
    let table: &[(&[u8], &str)] = &[
        (b"\x81\x0d{\"event\":\"a\"}", r#"{"emit":{"event":"a"}}"#),
        (b"\x81\x0b{\"event\":7}", r#"{"text":"{\"event\":7}"}"#),
        (
            b"\x81\x0e{\"event\":\n\"a\"}",
            r#"{"text":"{\"event\":\n\"a\"}"}"#,
        ),
        (b"\x81\x00", r#"{"text":""}"#),
        (
            b"\x81\x01\xff",
            r#"{"frame":{"opcode":1,"payload_b64":"/w=="}}"#,
        ),
        (
            b"\x81\x03{\xff}",
            r#"{"frame":{"opcode":1,"payload_b64":"e/99"}}"#,
        ),
        (b"\x82\x01\xff", r#"{"binary":"/w=="}"#),
        (b"\x89\x02hi", r#"{"ping":"hi"}"#),
        (b"\x8a\x01\xff", r#"{"pong":{"b64":"/w=="}}"#),
        (b"\x88\x00", r#"{"close":{}}"#),
        (
            b"\x88\x05\x03\xe9bye",
            r#"{"close":{"code":1001,"reason":"bye"}}"#,
        ),
        (b"\x88\x01x", r#"{"frame":{"opcode":8,"payload":"x"}}"#),
        (
            b"\x88\x03\x03\xe9\xff",
            r#"{"frame":{"opcode":8,"payload_b64":"A+n/"}}"#,
        ),
        (
            b"\x01\x01x",
            r#"{"frame":{"fin":false,"opcode":1,"payload":"x"}}"#,
        ),
        (b"\x80\x01x", r#"{"frame":{"opcode":0,"payload":"x"}}"#),
        (
            b"\xc1\x01x",
            r#"{"frame":{"rsv":4,"opcode":1,"payload":"x"}}"#,
        ),
        (b"\x83\x00", r#"{"frame":{"opcode":3}}"#),
        (b"\x09\x00", r#"{"frame":{"fin":false,"opcode":9}}"#),
        (
            b"\x81\x81\x01\x01\x01\x01y",
            r#"{"frame":{"opcode":1,"mask":"AQEBAQ==","payload":"x"}}"#,
        ),
        (b"\x81\x05he", r#"{"bytes":"gQVoZQ=="}"#),
        (b"\x81\x7e\x00\x01x", r#"{"bytes":"gX4AAXg="}"#),
    ];
    for (bytes, line) in table {
        let lines = said(Peer::Engine, None, bytes);
        if line.contains("gX4") {
            // A length that is not in its shortest form: recorded as bytes, in the pieces they came
            // in.
            assert!(lines.iter().all(|line| line.contains("bytes")), "{lines:?}");
        } else {
            assert_eq!(lines, [*line]);
        }
    }
}

#[test]
fn what_the_client_says_is_what_a_tape_has_received() {
    let masked = |first: u8, payload: &[u8]| {
        let mut frame = vec![
            first,
            0x80 | u8::try_from(payload.len()).unwrap(),
            1,
            1,
            1,
            1,
        ];
        frame.extend(payload.iter().map(|b| b ^ 1));
        frame
    };
    let table: &[(Vec<u8>, &str)] = &[
        (masked(0x81, b"x"), r#"{"kind":"text","text":"x"}"#),
        (masked(0x82, b"x"), r#"{"kind":"binary","binary":"eA=="}"#),
        (masked(0x89, b"x"), r#"{"kind":"ping","text":"x"}"#),
        (masked(0x8a, b"\xff"), r#"{"kind":"pong","binary":"/w=="}"#),
        (masked(0x88, b"\x03\xe8"), r#"{"kind":"close","code":1000}"#),
        (
            masked(0x01, b"x"),
            r#"{"kind":"frame","text":"x","fin":false,"rsv":0,"opcode":1}"#,
        ),
        (
            b"\x81\x01x".to_vec(),
            r#"{"kind":"frame","text":"x","fin":true,"rsv":0,"opcode":1}"#,
        ),
        (
            masked(0x81, b"xyz")[..8].to_vec(),
            r#"{"kind":"bytes","binary":"gYMBAQEBeXg="}"#,
        ),
    ];
    for (bytes, line) in table {
        let expected = format!(r#"{{"received":{line}}}"#);
        assert_eq!(said(Peer::Client, None, bytes), [expected]);
    }
}

#[test]
fn what_follows_a_close_is_kept_as_the_bytes_it_is() {
    let mut decoder = FrameDecoder::new(1, Peer::Engine, None);
    let mut out = Vec::new();
    for bytes in [&b"\x88\x00\x89\x00"[..], b"\x81"] {
        decoder.take(Micros::ZERO, Bytes::from_static(bytes), &mut out);
    }
    let lines: Vec<_> = out.iter().map(Step::to_canonical).collect();
    assert_eq!(
        lines,
        [
            r#"{"at_ms":0,"conn":1,"close":{}}"#,
            r#"{"at_ms":0,"conn":1,"bytes":"iQA="}"#,
            r#"{"at_ms":0,"conn":1,"bytes":"gQ=="}"#,
        ]
    );
}

#[test]
fn a_compressed_message_is_kept_whole_and_plain_with_its_pings_between() {
    // From RFC 7692, 7.2.3.1: "Hello" in two fragments with a Ping between them, then once more.
    let stream =
        b"\x41\x03\xf2\x48\xcd\x89\x00\x80\x04\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00";
    let lines = said(Peer::Engine, Some(Inflater::new(false)), stream);
    assert_eq!(
        lines,
        [
            r#"{"ping":""}"#,
            r#"{"text":"Hello","x-fragments":2}"#,
            r#"{"text":"Hello"}"#,
        ]
    );
}

#[test]
fn a_compressed_message_that_breaks_off_is_an_unfinished_plain_one() {
    let stream = b"\x41\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2";
    let lines = said(Peer::Engine, Some(Inflater::new(false)), &stream[..9]);
    assert_eq!(
        lines,
        [r#"{"frame":{"fin":false,"opcode":1,"payload":"Hello"}}"#]
    );
    let lines = said(Peer::Engine, Some(Inflater::new(false)), b"\xc1\x05\xf2");
    assert_eq!(lines, [r#"{"bytes":"gQXy"}"#]);
}

#[test]
fn fragments_that_wait_for_their_last_hold_on_to_nothing_that_was_read_with_them() {
    let mut decoder = FrameDecoder::new(1, Peer::Engine, Some(Inflater::new(false)));
    let read = Bytes::from(b"\x41\x01\xf2\x89\x00".to_vec());
    let mut out = Vec::new();
    decoder.take(Micros::ZERO, read.clone(), &mut out);
    assert_eq!(out.len(), 1, "the Ping, and no message yet");
    assert!(read.is_unique());
}

#[test]
fn what_does_not_inflate_is_left_out_counted_and_said_once() {
    let mut decoder = FrameDecoder::new(1, Peer::Engine, Some(Inflater::new(false)));
    let mut out = Vec::new();
    let bad = Bytes::from_static(b"\xc1\x02\xff\xff\xc1\x02\xff\xff\x89\x00");
    decoder.take(Micros::ZERO, bad, &mut out);
    let keys: Vec<_> = out.iter().map(Step::key).collect();
    assert_eq!(keys, ["mark", "ping"]);
    assert_eq!(decoder.left_out(), (2, 4));
    assert_eq!(decoder.left_out(), (0, 0));
}

#[test]
fn behind_a_loss_a_begun_message_is_ended_and_recording_goes_on() {
    let mut decoder = FrameDecoder::new(1, Peer::Engine, None);
    let mut out = Vec::new();
    let begun = Bytes::from_static(b"\x01\x01x\x80\x05y");
    decoder.take(Micros::ZERO, begun, &mut out);
    decoder.resume(Micros::ZERO, &mut out);
    decoder.take(Micros::ZERO, Bytes::from_static(b"\x81\x01z"), &mut out);
    let keys: Vec<_> = out.iter().map(Step::key).collect();
    assert_eq!(keys, ["frame", "frame", "text"]);
    assert!(out[1].to_canonical().contains(r#""frame":{"opcode":0}"#));
}
