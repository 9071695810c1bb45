//! `wstape trim`.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use engine_client::SystemClock;
use wstape_recorder::{Finished, Place, RecordError, Recording, Trim, TrimError};
use wstape_tape::Micros;

use super::exit;
use super::output::OutputArgs;
use super::redaction::{RedactionArgs, unmatched_rules};
use super::reread::Reread;
use crate::progress::Progress;

/// The prefix of a place named by a mark.
const MARK: &str = "mark:";

#[derive(Debug, Args)]
#[command(after_help = "\
A PLACE is a time of the tape, such as 90s, 1m30s or 250ms, or mark:NAME.
The state at the start of the section (port down, partition, open connections) is kept; a scene \
that a step started earlier does not go on, and a mark names it.

Exit status: 0 written; 1 the section is empty and nothing is written, or a rule matched nothing \
in it; 2 bad usage or input, or a file that can't be written.")]
pub(crate) struct TrimArgs {
    /// The tape; - for standard input.
    #[arg(value_name = "FILE")]
    tape: PathBuf,

    /// Where the section starts. Default: the start of the tape.
    #[arg(long, value_name = "PLACE", value_parser = place)]
    from: Option<Place>,

    /// Where the section ends. Default: the end of the tape.
    #[arg(long, value_name = "PLACE", value_parser = place, required_unless_present = "from")]
    to: Option<Place>,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    redaction: RedactionArgs,
}

impl TrimArgs {
    pub(crate) fn run(&self) -> ExitCode {
        match self.trim() {
            Ok((Finished { lines, bytes }, unmatched)) => {
                if !self.output.quiet {
                    eprintln!("trimmed: {lines} lines, {bytes} bytes");
                }
                for sentence in &unmatched {
                    eprintln!("wstape: {}: {sentence}", self.tape.display());
                }
                if unmatched.is_empty() {
                    exit::DONE.into()
                } else {
                    exit::FOUND.into()
                }
            }
            Err(error) => match error.downcast_ref::<RecordError>() {
                Some(RecordError::Trim(TrimError::Nothing { .. })) => {
                    eprintln!("wstape: {error}");
                    exit::FOUND.into()
                }
                _ => self.output.unfinished(&*error),
            },
        }
    }

    /// Writes the section; returns remarks on rules that matched nothing in it.
    fn trim(&self) -> Result<(Finished, Vec<String>), Box<dyn Error>> {
        let mut redactor = self.redaction.redactor()?;
        let trim = Trim {
            from: self.from.clone(),
            to: self.to.clone(),
        };
        let tape = Reread::of(&self.tape)?;
        let from = trim.begin(tape.open()?).map_err(RecordError::from)?;
        let reader = tape.open()?;
        let header = Trim::header(reader.header().clone(), from);
        // The header comes first, and says which rules matched.
        redactor.header(header.clone());
        trim.cut(from, reader, |step| {
            redactor.step(step);
            Ok::<(), RecordError>(())
        })?;
        redactor.claim_what_matched();
        let unmatched = unmatched_rules(&redactor);
        let output = self.output.whole()?;
        let clock = Arc::new(SystemClock::new());
        let mut progress = Progress::file(output.stats(), clock, self.output.quiet);
        let mut recording = Recording::begin(output, header, redactor)?;
        trim.cut(from, tape.open()?, |step| {
            progress.step();
            recording.push(step)
        })?;
        Ok((recording.finish()?, unmatched))
    }
}

fn place(text: &str) -> Result<Place, String> {
    if let Some(name) = text.strip_prefix(MARK) {
        return Ok(Place::Mark(name.to_owned()));
    }
    let time = humantime::parse_duration(text)
        .map_err(|_| format!("expected a time such as 90s, or {MARK}NAME"))?;
    Ok(Place::At(Micros::from(time)))
}
