//! `wstape learn`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use wstape_recorder::{Learnt, RecordError, learn};
use wstape_tape::TapeReader;

use super::exit;
use super::output::OutputArgs;
use super::redaction::RedactionArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Each kind of request becomes a step that answers all of its kind: what differs from one to the \
next and comes back in the answer becomes a reference. What the engine sends about something \
that was asked for becomes a scene that is started by asking for it, by whatever number and in \
whatever order, and begins anew where it ends. What can't be told from SESSION is named, in the \
tape's notes too. A request that SESSION never had is answered by nothing, and marked in the \
journal of wstape serve.

Exit status: 0 learnt; 1 learnt, and something was not; 2 nothing to learn from, or bad usage or \
input, or a file that can't be written.")]
pub(crate) struct LearnArgs {
    /// The tape of a session: one of wstape proxy, or of wstape import.
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
