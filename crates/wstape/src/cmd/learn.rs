//! `wstape learn`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use wstape_recorder::{Learnt, RecordError, learn};
use wstape_tape::TapeReader;

use super::exit;
use super::output::OutputArgs;
use super::redaction::RedactionArgs;
use super::same_file::another;

#[derive(Debug, Args)]
#[command(after_help = "\
Each kind of request becomes a step that answers all requests of that kind; a value that varies \
and comes back in the answer becomes a reference. What the engine sends for a subscription becomes \
a scene, started by that subscription with any id and in any order, and repeated when it ends. \
What can't be learnt from SESSION is listed, and noted in the tape. A request that is not in \
SESSION gets no answer, and a mark in the journal of wstape serve.

Exit status: 0 learnt; 1 learnt, except for what is listed; 2 nothing to learn from, or bad \
usage or input, or a file that can't be written.")]
pub(crate) struct LearnArgs {
    /// The tape of a session, recorded by wstape proxy or made by wstape import.
    #[arg(value_name = "SESSION")]
    tape: PathBuf,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    redaction: RedactionArgs,
}

impl LearnArgs {
    pub(crate) fn run(&self) -> ExitCode {
        match self.learn() {
            Ok(learnt) => {
                if !self.output.quiet {
                    self.tell(&learnt);
                }
                if learnt.unlearnt.is_empty() {
                    exit::DONE.into()
                } else {
                    exit::FOUND.into()
                }
            }
            Err(error) => self.output.unfinished(&*error),
        }
    }

    fn learn(&self) -> Result<Learnt, Box<dyn std::error::Error>> {
        another(&self.tape, self.output.file())?;
        let tape = TapeReader::open_or_stdin(&self.tape).map_err(RecordError::from)?;
        let redactor = self.redaction.redactor()?;
        Ok(learn(tape, self.output.whole()?, redactor)?)
    }

    fn tell(&self, learnt: &Learnt) {
        let out = self.output.file().map(|path| path.display().to_string());
        let out = out.as_deref().unwrap_or("standard output");
        eprintln!("learnt {learnt}: {out}");
        for what in &learnt.unlearnt {
            eprintln!("wstape: not learnt: {what}");
        }
    }
}
