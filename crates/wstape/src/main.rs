//! `wstape`: plays tapes, records them, and judges a subscriber by them.

use std::process::ExitCode;

fn main() -> ExitCode {
    wstape::command_line()
}
