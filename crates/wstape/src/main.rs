//! `wstape`: plays tapes, records them, and judges a subscriber by them.

use std::process::ExitCode;

/// Chaos allocates in small pieces and frees them a case at a time, which this allocator is made
/// for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    wstape::command_line()
}
