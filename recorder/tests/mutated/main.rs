//! A damaged file gives a tape or a sentence, within its bound of memory; never a panic.
//!
//! `cargo run -p wstape-recorder --example mutated_files -- 20000` tries more of them.

mod generator;

use std::alloc::System;
use std::fs;

use cap::Cap;
use wstape_recorder::{Output, Redactor, Rules};

/// Most memory that a file of 1 MiB may take: what is beyond makes an allocation fail, and the
/// test with it.
const MAX_MEMORY_BYTES: usize = 256 << 20;

/// Files of each kind.
const SEEDS: u64 = 200;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, MAX_MEMORY_BYTES);

#[test]
fn damaged_files_give_a_tape_or_a_sentence_within_their_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, out) = (folder.path().join("in"), folder.path().join("out"));
    let (mut tapes, mut sentences) = (0, 0);
    for genuine in generator::genuine() {
        for seed in 0..SEEDS {
            fs::write(&path, genuine.damaged(seed)).expect("a file");
            let output = Output::whole(&out, true).expect("an output");
            let redactor = Redactor::new(Rules::default(), [7; 32]);
            match genuine.import(&path).run(output, redactor, || ()) {
                Ok(_) => tapes += 1,
                Err(error) => {
                    sentences += 1;
                    let said = error.to_string();
                    assert_eq!(said.lines().count(), 1, "{} {seed}: {said}", genuine.name);
                }
            }
        }
    }
    // Of both there are some, so that neither is all that happens.
    assert!(tapes > 100 && sentences > 100, "{tapes} and {sentences}");
}
