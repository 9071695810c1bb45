//! Does with damaged tapes what `check` and `replay` do: `mutated_tapes [COUNT [FIRST_SEED]]`.
//! Prints what took the most time and memory, and ends with status 1 if a tape panics, or takes
//! over 10 s or over 256 MiB.

#[path = "../../crates/tape/tests/mutated/generator.rs"]
mod generator;

use std::alloc::System;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use cap::Cap;
use generator::mutated;
use wstape::OurSubscriber;
use wstape_harness::Scenario;
use wstape_recorder::{Redactor, Rules};
use wstape_tape::{Tape, TapeReader, check};

/// The longest that one tape may take, and the most memory.
const MAX_TIME: Duration = Duration::from_secs(10);
const MAX_MEMORY_BYTES: usize = 256 << 20;

/// How many tapes to try, unless the command line says otherwise.
const DEFAULT_COUNT: u64 = 2_000;

/// Where tapes to damage are, besides the format's own example, and the largest size that is used.
const FOLDERS: [&str; 4] = ["tapes", "recordings", "regressions", "overlays"];
const MAX_TAPE_BYTES: u64 = 64 << 10;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// What happened to a tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    /// Both `check` and `replay` say what is wrong with it.
    Flawed,
    /// It is sound, but can't be played alone, and a sentence says why.
    Refused,
    Played,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| {
        let text = arguments.next();
        text.map_or(Some(default), |text| text.parse::<u64>().ok())
    };
    let (Some(count), Some(first)) = (number(DEFAULT_COUNT), number(0)) else {
        eprintln!("usage: mutated_tapes [COUNT [FIRST_SEED]]");
        return ExitCode::from(2);
    };
    let genuine = genuine();
    let (mut flawed, mut refused, mut played, mut bad) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut longest = (Duration::ZERO, 0);
    // The tapes run on a thread of their own, so that one that never ends is reported.
    let (send, took) = channel();
    let seeds = first..first.saturating_add(count);
    let all = seeds.clone();
    let worker = std::thread::spawn(move || {
        for seed in all {
            let base = &genuine[usize::try_from(seed).unwrap_or_default() % genuine.len()];
            let tape = mutated(base, seed);
            let begun = Instant::now();
            let became = catch_unwind(AssertUnwindSafe(|| run(&tape))).ok();
            if send.send((became, begun.elapsed())).is_err() {
                return;
            }
        }
    });
    let mut most = 0;
    for seed in seeds {
        let (became, time) = match took.recv_timeout(2 * MAX_TIME) {
            Ok(took) => took,
            Err(RecvTimeoutError::Timeout) => {
                println!("seed {seed} did not end within {:?}", 2 * MAX_TIME);
                return ExitCode::FAILURE;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        longest = longest.max((time, seed));
        let memory = ALLOCATOR.max_allocated();
        let grew = memory > most && memory > MAX_MEMORY_BYTES;
        most = memory;
        match became {
            Some(Became::Flawed) => flawed += 1,
            Some(Became::Refused) => refused += 1,
            Some(Became::Played) => played += 1,
            None => {}
        }
        if became.is_none() || time > MAX_TIME || grew {
            bad += 1;
            let what = if became.is_none() {
                "panicked"
            } else {
                "took too much"
            };
            println!("seed {seed} {what}: {time:.1?}, {memory} bytes");
        }
    }
    worker.join().expect("panics are caught");
    println!(
        "{flawed} flawed, {refused} refused with a sentence, {played} played, {bad} bad; longest \
         {:.1?} (seed {}), at most {} MiB",
        longest.0,
        longest.1,
        most >> 20
    );
    u8::from(bad > 0).into()
}

/// Reads the tapes to damage.
fn genuine() -> Vec<Arc<[u8]>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths: Vec<PathBuf> = vec![crates.join("crates/tape/format/full.jsonl")];
    for folder in FOLDERS {
        let entries = fs::read_dir(crates.join("fixtures").join(folder)).expect("a folder");
        let found = entries.map(|entry| entry.expect("an entry").path());
        let mut found: Vec<PathBuf> = found
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .filter(|path| {
                path.metadata()
                    .is_ok_and(|file| file.len() <= MAX_TAPE_BYTES)
            })
            .collect();
        found.sort();
        paths.extend(found);
    }
    let read = |path: PathBuf| fs::read(path).expect("a tape").into();
    paths.into_iter().map(read).collect()
}

/// Does with a tape what `check` and `replay` do.
fn run(bytes: &[u8]) -> Became {
    let checked = TapeReader::new("mutated", bytes).and_then(check);
    // Like `check`, search all of it for secrets.
    let redactor = Redactor::new(Rules::default(), [0; 32]);
    let _ = redactor.scan(bytes).expect("memory can be read");
    if let Err(error) = checked {
        assert!(!error.report().is_empty());
        return Became::Flawed;
    }
    let text = String::from_utf8_lossy(bytes);
    let Ok(tape) = Tape::parse("mutated", &text) else {
        return Became::Flawed;
    };
    match Scenario::new(tape).run(&OurSubscriber) {
        Ok(outcome) => {
            let _ = outcome.to_string();
            Became::Played
        }
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            Became::Refused
        }
    }
}
