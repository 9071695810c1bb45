//! A tape larger than the memory it may take. It runs in a process of its own, so that the
//! high-water mark belongs to this test.

use std::fs::{self, File};
use std::io::{BufWriter, Write};

use wstape::OurSubscriber;
use wstape_harness::Scenario;
use wstape_recorder::Survey;
use wstape_tape::TapeReader;

/// Size of the tape.
const TAPE_BYTES: usize = 48 << 20;
/// How much memory reading and playing it may take, including the program itself.
const MOST_KIB: u64 = 32 << 10;
/// Size of an event.
const EVENT_BYTES: usize = 16 << 10;

/// Returns the process's high-water mark (`proc(5)`, status).
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("proc is mounted");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|n| n.parse().ok())
        .expect("a number of KiB")
}

#[test]
fn a_tape_is_shown_and_replayed_in_less_memory_than_it_has_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.jsonl");
    let mut out = BufWriter::new(File::create(&path).expect("a file"));
    writeln!(out, "{{\"tape\":1}}").expect("room");
    let events = TAPE_BYTES / EVENT_BYTES;
    for n in 0..events {
        let halted = n % 2 == 1;
        writeln!(
            out,
            "{{\"at_ms\":{},\"emit\":{{\"event\":\"risk\",\"data\":{{\"halted\":{halted},\"pad\":\"{:EVENT_BYTES$}\"}}}}}}",
            n + 1,
            ""
        )
        .expect("room");
    }
    writeln!(out, "{{\"at_ms\":{},\"end\":true}}", events + 1).expect("room");
    out.flush().expect("room");

    let survey = Survey::of(TapeReader::open(&path).expect("a tape")).expect("sound");
    assert_eq!(survey.sent["risk"].number, events as u64);
    let outcome = Scenario::from_path(&path)
        .run(&OurSubscriber)
        .expect("it plays");
    assert_eq!(outcome.events["risk"], events as u64);
    let peak = peak_kib();
    assert!(
        peak < MOST_KIB,
        "{peak} KiB for a tape of {TAPE_BYTES} bytes"
    );
}
