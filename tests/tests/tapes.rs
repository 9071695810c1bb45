//! Every tape in `fixtures/` is a test just by being there: it is played in virtual time to our
//! subscriber, and the outcome is compared with its snapshot. So is each recording under each
//! overlay. The tapes in `fixtures/regressions/`, which chaos found, are also judged by its rules.
//!
//! `cargo insta review`, or `cargo replay … --accept`, accepts an outcome that is right.

use std::process::ExitCode;

fn main() -> ExitCode {
    wstape::main(&wstape::OurSubscriber)
}
