//! `wstape show`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use wstape_recorder::Survey;
use wstape_tape::TapeReader;

use super::exit;

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 shown; 2 bad usage, or a tape that can't be read.")]
pub(crate) struct ShowArgs {
    /// The tape; - for standard input.
    #[arg(value_name = "FILE")]
    tape: PathBuf,
}

impl ShowArgs {
    pub(crate) fn run(&self) -> ExitCode {
        let survey = match TapeReader::open_or_stdin(&self.tape).and_then(Survey::of) {
            Ok(survey) => survey,
            Err(error) => return exit::bad_tape(&error),
        };
        exit::printed(write!(io::stdout(), "{survey}"), exit::DONE)
    }
}
