//! Every tape in `fixtures/` is a test by being there: played in virtual time at our subscriber,
//! its outcome compared with its snapshot. Each recording is one under each overlay too. Those in
//! `fixtures/regressions/`, which chaos found, are judged by its rules beside that.
//!
//! `cargo insta review`, or `cargo replay … --accept`, accepts an outcome that is right.

use std::process::ExitCode;

fn main() -> ExitCode {
    wstape::main(&wstape::OurSubscriber)
}
