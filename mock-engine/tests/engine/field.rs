//! Each field overlay shows a client what the program it is named after did: the lines in its
//! header's `x-seen`, as the scripts in `field/record` saw them from the real program.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use tokio::io::AsyncReadExt;
use wstape_mock_engine::Engine;
use wstape_mock_engine::field::{Overlay, find};
use wstape_tape::{Micros, Tape};

use crate::world::{Arm, Client, World, in_memory, masked, tape, upgrade_request};

/// When, in the tape, a fault that ends by itself begins.
const EVENT: Micros = Micros::from_ms(20_000);
/// How far a time may be off from what was seen of the real program.
const OFF_S: f64 = 0.4;
/// How long a refused connection is watched for its end, in milliseconds.
const STAYS_MS: u64 = 1_500;

const PING: u8 = 9;
const CLOSE: u8 = 8;

/// Something seen, and when, in seconds.
type Line = (f64, String);

/// What the header says of what was seen.
fn expected(tape: &Tape) -> Vec<Line> {
    let (_, value) = tape
        .header
        .extensions
        .iter()
        .find(|(key, _)| key == "x-seen")
        .unwrap();
    let lines = Vec::<String>::deserialize(&mut serde_json::Deserializer::from_str(value.get()));
    let line = |line: &String| {
        let (at, what) = line.split_once(' ').unwrap();
        (at.parse().unwrap(), what.to_owned())
    };
    lines.unwrap().iter().map(line).collect()
}

/// Virtual seconds from `zero` to now, to a tenth.
fn since(world: &World, zero: Micros) -> f64 {
    let us = world.engine.clock().now().0.saturating_sub(zero.0);
    std::time::Duration::from_micros(us).as_secs_f64()
}

/// What an open connection sees, from `zero` on.
async fn watch(world: &World, client: &mut Client, zero: Micros, deaf: bool) -> Vec<Line> {
    let (mut lines, mut data, mut closed) = (Vec::new(), Vec::new(), false);
    let until = Micros(zero.0 + 130_000_000);
    let clock = world.engine.clock();
    loop {
        while let Some((opcode, payload)) = take_frame(&mut data) {
            let at = since(world, zero);
            if opcode == PING {
                lines.push((at, "ping".to_owned()));
                if !deaf {
                    client.send(&masked(10, &payload)).await;
                }
            } else if opcode == CLOSE {
                lines.push((at, said(&payload)));
                closed = true;
                client.send(&masked(CLOSE, &payload)).await;
            }
        }
        let mut buf = vec![0; 1 << 16];
        let read = tokio::select! {
            biased;
            read = client.stream.read(&mut buf) => read,
            () = clock.sleep_until(until) => return lines,
        };
        let end = match read {
            Ok(0) if data.is_empty() => "fin",
            Ok(0) => "fin in a frame",
            Ok(len) => {
                data.extend_from_slice(&buf[..len]);
                continue;
            }
            Err(_) => "reset",
        };
        lines.push((
            since(world, zero),
            if closed { "end" } else { end }.to_owned(),
        ));
        return lines;
    }
}

fn said(payload: &[u8]) -> String {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return "close".to_owned();
    };
    let reason = String::from_utf8(reason.to_vec()).unwrap();
    let text = format!("close {} {reason}", u16::from_be_bytes(*code));
    text.trim_end().to_owned()
}

/// The next whole frame: opcode and payload.
fn take_frame(data: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let (&first, &second) = (data.first()?, data.get(1)?);
    let (head, len) = match second & 127 {
        126 => (
            4,
            usize::from(u16::from_be_bytes([*data.get(2)?, *data.get(3)?])),
        ),
        127 => panic!("no overlay has so long a frame"),
        len => (2, usize::from(len)),
    };
    if data.len() < head + len {
        return None;
    }
    let rest = data.split_off(head + len);
    let frame = std::mem::replace(data, rest);
    Some((first & 15, frame[head..].to_vec()))
}

/// What becomes of one dial.
async fn dial(world: &World) -> String {
    let began = world.engine.clock().now();
    let after = |world: &World| {
        let late = since(world, began);
        if late >= 0.5 {
            format!(" after {late:.1}")
        } else {
            String::new()
        }
    };
    let Ok(mut client) = world.dial().await else {
        return "dial refused".to_owned();
    };
    client.send(&upgrade_request("")).await;
    let head = match client.head().await {
        Ok(head) => head,
        Err(end) => {
            return format!(
                "dial nothing, {}{}",
                end.last().unwrap().replace("eof", "fin"),
                after(world)
            );
        }
    };
    let status = head.split(' ').nth(1).unwrap();
    let when = after(world);
    if status == "101" {
        return format!("dial 101{when}");
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let bytes: usize = length.unwrap_or("0").parse().unwrap();
    let body = client.exactly(bytes).await;
    let stays = Micros(world.engine.clock().now().0 + STAYS_MS * 1_000);
    let (mut one, clock) = ([0], world.engine.clock());
    let end = tokio::select! {
        biased;
        read = client.stream.read(&mut one) => match read {
            Ok(0) => format!("fin{}", after(world)),
            other => panic!("{other:?} after the body"),
        },
        () = clock.sleep_until(stays) => "stays".to_owned(),
    };
    format!("dial {status}{when}, {} bytes, {end}", body.len())
}

/// What a client sees under this overlay when the real one saw `expected`.
async fn seen(overlay: Tape, expected: &[Line]) -> Vec<Line> {
    let base = tape(&[r#"{"at_ms":200000,"end":true}"#]);
    let of_connection = overlay
        .steps
        .iter()
        .all(|step| !matches!(step.trigger, wstape_tape::Trigger::At(_)));
    let builder = Engine::builder().layer(base).layer(overlay);
    let world = World::build(Arm::Virtual, builder).await;
    world.engine.start();
    let mut client = world.connect().await;
    // Who is judged by the engine is watched from its own beginning, and says nothing.
    let zero = if of_connection { Micros::ZERO } else { EVENT };
    let dials = expected.iter().filter(|(_, what)| what.starts_with("dial"));
    let dials = async {
        let mut lines = Vec::new();
        for &(at, _) in dials {
            let due = Micros(zero.0 + Micros::from(std::time::Duration::from_secs_f64(at)).0);
            world.engine.clock().sleep_until(due).await;
            lines.push((at, dial(&world).await));
        }
        lines
    };
    let (mut lines, dialled) = tokio::join!(watch(&world, &mut client, zero, of_connection), dials);
    lines.extend(dialled);
    lines.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    lines
}

/// Whether the same was seen. A real FIN after an answer may come later: an engine's comes with the
/// answer.
fn same(found: &str, expected: &str) -> bool {
    found == expected
        || expected
            .strip_prefix(found)
            .is_some_and(|rest| rest == " after 1.0")
}

/// Whether the chosen drop, which only makes a client dial, is left out of what was seen.
fn without_the_chosen_end(lines: Vec<Line>, expected: &[Line]) -> Vec<Line> {
    let only_dials = expected.iter().all(|(_, what)| what.starts_with("dial"));
    lines
        .into_iter()
        .filter(|(_, what)| !only_dials || what.starts_with("dial"))
        .collect()
}

#[test]
fn each_overlay_shows_what_the_real_program_did() {
    let mut departures = Vec::new();
    for overlay in Overlay::all() {
        let tape = overlay.tape().unwrap();
        let expected = expected(&tape);
        let found = in_memory(seen(tape, &expected));
        let found = without_the_chosen_end(found, &expected);
        let near = |(a, b): (&Line, &Line)| (a.0 - b.0).abs() <= OFF_S && same(&a.1, &b.1);
        if found.len() != expected.len() || !found.iter().zip(&expected).all(near) {
            departures.push(format!(
                "{}\n  found {found:?}\n  expected {expected:?}",
                overlay.name()
            ));
        }
    }
    assert!(departures.is_empty(), "{}", departures.join("\n"));
}

#[test]
fn every_file_of_the_folder_is_an_overlay_and_says_its_program_and_what_was_seen() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("field");
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = names
        .filter_map(|name| name.strip_suffix(".jsonl").map(str::to_owned))
        .collect();
    let embedded: BTreeSet<String> = Overlay::all()
        .map(|overlay| overlay.name().to_owned())
        .collect();
    assert_eq!(files, embedded);
    for overlay in Overlay::all() {
        let tape = overlay
            .tape()
            .unwrap_or_else(|error| panic!("{}", error.report()));
        let title = tape.header.title.clone().unwrap_or_default();
        let program = overlay.name().split('-').next().unwrap();
        let says_its_program = title
            .to_lowercase()
            .replace("apache ", "")
            .starts_with(program);
        assert!(says_its_program, "{title}");
        assert!(
            tape.header.source.is_some() && !expected(&tape).is_empty(),
            "{title}"
        );
    }
}

#[test]
fn a_name_that_no_overlay_goes_by_is_answered_with_those_there_are() {
    let error = find("field/nginx-1.31-upstream").unwrap().unwrap_err();
    let said = error.message();
    assert!(
        said.contains("did you mean field/nginx-1.31-upstream-down?"),
        "{said}"
    );
    assert!(
        Overlay::all().all(|overlay| said.contains(overlay.name())),
        "{said}"
    );
    for other in [
        "field",
        "field/a/b",
        "fixtures/x.jsonl",
        "/field/caddy-2.11-reload",
        "caddy-2.11-reload",
    ] {
        assert!(find(other).is_none(), "{other}");
    }
    // A file of that name in the package's own folder takes precedence over it.
    assert!(find("field/caddy-2.11-reload.jsonl").is_none());
    assert!(find("field/caddy-2.11-reload").unwrap().is_ok());
}
