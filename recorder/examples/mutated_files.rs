//! Tries damaged files on every importer: `mutated_files [COUNT [FIRST_SEED [NAME]]]`, a count for
//! each kind whose file's name holds NAME. Says what took longest and most, and ends with status 1 where one panics, takes over 10 s
//! or over 256 MiB.

#[path = "../tests/mutated/generator.rs"]
mod generator;

use std::alloc::System;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cap::Cap;
use wstape_recorder::{Output, Redactor, Rules};

/// Longest that one file may take, and most memory.
const MAX_TIME: Duration = Duration::from_secs(10);
const MAX_MEMORY_BYTES: usize = 256 << 20;

/// Files of each kind where nothing else is said.
const DEFAULT_COUNT: u64 = 2_000;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| {
        let text = arguments.next();
        text.map_or(Some(default), |text| text.parse::<u64>().ok())
    };
    let (Some(count), Some(first)) = (number(DEFAULT_COUNT), number(0)) else {
        eprintln!("usage: mutated_files [COUNT [FIRST_SEED [NAME]]]");
        return ExitCode::from(2);
    };
    let wanted = arguments.next().unwrap_or_default();
    let folder = tempfile::tempdir().expect("a folder");
    let (path, out) = (folder.path().join("in"), folder.path().join("out"));
    let mut bad = 0_u64;
    println!("file, tapes, sentences, longest, most memory of all so far");
    let all = generator::genuine().into_iter();
    for genuine in all.filter(|genuine| genuine.name.contains(&wanted)) {
        let (mut tapes, mut sentences) = (0_u64, 0_u64);
        let mut longest = (Duration::ZERO, 0);
        for seed in first..first.saturating_add(count) {
            fs::write(&path, genuine.damaged(seed)).expect("a file");
            let output = Output::whole(&out, true).expect("an output");
            let redactor = Redactor::new(Rules::default(), [7; 32]);
            let import = genuine.import(&path);
            let begun = Instant::now();
            let most = ALLOCATOR.max_allocated();
            let run = || import.run(output, redactor, || ()).is_ok();
            let ended = catch_unwind(AssertUnwindSafe(run));
            let took = begun.elapsed();
            longest = longest.max((took, seed));
            match &ended {
                Ok(true) => tapes += 1,
                Ok(false) => sentences += 1,
                Err(_) => {}
            }
            let memory = ALLOCATOR.max_allocated();
            let grew = memory > most && memory > MAX_MEMORY_BYTES;
            if ended.is_err() || took > MAX_TIME || grew {
                bad += 1;
                let what = if ended.is_err() {
                    "panicked"
                } else {
                    "took too much"
                };
                println!(
                    "{} of seed {seed} {what}: {took:.1?}, {memory} bytes",
                    genuine.name
                );
            }
        }
        println!(
            "{}, {tapes}, {sentences}, {:.0?} (seed {}), {} MiB",
            genuine.name,
            longest.0,
            longest.1,
            ALLOCATOR.max_allocated() >> 20
        );
    }
    u8::from(bad > 0).into()
}
