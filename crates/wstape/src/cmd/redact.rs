//! `wstape redact`.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use engine_client::SystemClock;
use wstape_recorder::{Finished, RecordError, Recording};

use super::exit;
use super::output::OutputArgs;
use super::redaction::RedactionArgs;
use super::reread::Reread;
use crate::progress::Progress;

#[derive(Debug, Args)]
#[command(after_help = "\
What is not redacted keeps its exact bytes. The result is searched for all redacted values and for \
well-known secrets, including in base64, percent-encoded and JSON-escaped form. If it holds one, \
it is written to FILE.unsafe for a closer look, and FILE is not written. The header lists only \
rules that matched.

Exit status: 0 written, and safe; 1 written, but a rule matched nothing, or nothing was redacted; \
2 the result still holds a secret, or bad usage or input, or a file that can't be written.")]
pub(crate) struct RedactArgs {
    /// The tape; - for standard input.
    #[arg(value_name = "FILE")]
    tape: PathBuf,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    redaction: RedactionArgs,
}

impl RedactArgs {
    pub(crate) fn run(&self) -> ExitCode {
        match self.redact() {
            Ok((Finished { lines, bytes }, unmatched)) => {
                if !self.output.quiet {
                    eprintln!("redacted: {lines} lines, {bytes} bytes");
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
            Err(error) => self.output.unfinished(&*error),
        }
    }

    /// Writes the redacted tape; returns remarks on rules that matched nothing.
    fn redact(&self) -> Result<(Finished, Vec<String>), Box<dyn Error>> {
        let tape = Reread::of(&self.tape)?;
        let mut redactor = self.redaction.redactor()?;
        // The header comes first and says which rules matched. What is printed can't be taken back,
        // so everything redacted anywhere must be known before.
        let mut reader = tape.open()?;
        redactor.header(reader.header().clone());
        for step in reader.by_ref() {
            redactor.step(step.map_err(RecordError::from)?);
        }
        drop(reader);
        redactor.claim_what_matched();
        let unmatched = self.redaction.unmatched(&redactor);
        let mut reader = tape.open()?;
        let output = self.output.whole()?;
        let clock = Arc::new(SystemClock::new());
        let mut progress = Progress::file(output.stats(), clock, self.output.quiet);
        let mut recording = Recording::begin(output, reader.header().clone(), redactor)?;
        for step in reader.by_ref() {
            progress.step();
            recording.push(step.map_err(RecordError::from)?)?;
        }
        let finished = recording.finish()?;
        drop(progress);
        if let Some(torn) = reader.torn().filter(|_| !self.output.quiet) {
            eprintln!(
                "wstape: {}:{}: the last line is torn after {} bytes and was left out",
                self.tape.display(),
                torn.line,
                torn.bytes.len()
            );
        }
        Ok((finished, unmatched))
    }
}
