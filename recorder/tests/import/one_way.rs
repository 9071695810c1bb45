//! Captures of one direction alone, as a filter, a mirrored port or a route of its own gives them.

use std::fs;

use wstape_recorder::ImportFormat::Capture;
use wstape_recorder::Imported;

use crate::packet::{Packet, ethernet, genuine};
use crate::{import, import_with, input, steps};

fn imported(packets: &[Packet]) -> Result<(String, Imported), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in");
    fs::write(&path, ethernet(packets)).unwrap();
    import_with(Capture, &path, |import| import)
}

/// Packets of one peer alone.
fn of(engine: bool) -> Vec<Packet> {
    let all = genuine().into_iter();
    all.filter(|packet| packet.is_from_engine() == engine)
        .collect()
}

/// What the steps that hold one of these say, without their times.
fn said(tape: &str, by: &[&str]) -> Vec<String> {
    let steps = steps(tape).into_iter();
    let of = steps.filter(|step| by.iter().any(|by| step.contains(by)));
    of.map(|step| step.split_once(',').unwrap().1.to_owned())
        .collect()
}

#[test]
fn of_the_engines_packets_alone_all_that_it_said_is_kept() {
    const ENGINE: [&str; 4] = [r#""accept""#, r#""emit""#, r#""text""#, r#""close""#];
    let whole = import(Capture, &input("capture/lo.pcap")).unwrap();
    let (tape, imported) = imported(&of(true)).unwrap();
    let by_engine = |tape: &str| {
        let mut said = said(tape, &ENGINE);
        said.retain(|step| !step.contains("received"));
        said
    };
    assert_eq!(by_engine(&tape), by_engine(&whole), "{tape}");
    assert!(
        by_engine(&tape)
            .iter()
            .any(|step| step.contains("x-extensions")),
        "{tape}"
    );
    assert!(!tape.contains("\"received\""), "{tape}");
    assert!(
        tape.contains("connection 1: its request is not in the capture"),
        "{tape}"
    );
    let lacks = imported.lacks.join("\n");
    assert!(
        lacks.contains("has only what the engine sent, and nothing of the client: capture both"),
        "{lacks}"
    );
    assert!(!lacks.contains("one half"), "{lacks}");
}

#[test]
fn of_the_clients_packets_alone_all_that_it_said_is_kept() {
    let whole = import(Capture, &input("capture/lo.pcap")).unwrap();
    let (tape, imported) = imported(&of(false)).unwrap();
    let (found, expected) = (
        said(&tape, &["\"received\""]),
        said(&whole, &["\"received\""]),
    );
    assert_eq!(found, expected, "{tape}");
    assert!(
        tape.contains("connection 1: the answer to it is not in the capture"),
        "{tape}"
    );
    assert!(tape.contains(r#""accept":{}"#), "{tape}");
    let lacks = imported.lacks.join("\n");
    assert!(
        lacks.contains("has only what the client sent, and nothing of the engine: capture both"),
        "{lacks}"
    );
}

#[test]
fn a_request_that_alone_is_missing_is_said_to_be() {
    let mut packets = genuine();
    let asks = |packet: &Packet| packet.payload().starts_with(b"GET ");
    let at = packets.iter().position(asks).unwrap();
    packets.remove(at);
    let (tape, imported) = imported(&packets).unwrap();
    assert!(
        tape.contains("connection 1: its request is not in the capture"),
        "{tape}"
    );
    let lacks = imported.lacks.join("\n");
    assert!(
        lacks.contains("of 1 connection the capture has one half of the handshake"),
        "{lacks}"
    );
    assert!(!lacks.contains("has only what"), "{lacks}");
}

#[test]
fn one_direction_without_a_websocket_says_that_the_other_is_missing() {
    let mut plain = of(true);
    plain.retain(|packet| packet.is_syn() || packet.payload().is_empty());
    let error = imported(&plain).unwrap_err();
    assert!(
        error.contains("with one direction alone: capture both directions"),
        "{error}"
    );
}
