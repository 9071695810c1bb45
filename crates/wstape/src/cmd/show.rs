//! `wstape show`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use wstape_recorder::{Pointer, Survey};
use wstape_tape::TapeReader;

use super::exit;

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 shown; 2 bad usage, or a tape that can't be read.")]
pub(crate) struct ShowArgs {
    /// The tape; - for standard input.
    #[arg(value_name = "FILE")]
    tape: PathBuf,

    /// Count messages by the value at this JSON Pointer, such as /op or /data/e. Default: `event`,
    /// for the engine's events only.
    #[arg(long, value_name = "POINTER")]
    kind: Option<Pointer>,
}

impl ShowArgs {
    pub(crate) fn run(&self) -> ExitCode {
        let read = TapeReader::open_or_stdin(&self.tape);
        let survey = match read.and_then(|tape| Survey::by_kind(tape, self.kind.as_ref())) {
            Ok(survey) => survey,
            Err(error) => return exit::bad_tape(&error),
        };
        exit::printed(write!(io::stdout(), "{survey}"), exit::DONE)
    }
}
