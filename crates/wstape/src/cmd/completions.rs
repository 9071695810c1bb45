//! `wstape completions`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use super::exit;

#[derive(Debug, Args)]
#[command(after_help = "\
For bash, add this to ~/.bashrc:
  source <(wstape completions bash)
For fish:
  wstape completions fish > ~/.config/fish/completions/wstape.fish
For zsh, into a folder of $fpath:
  wstape completions zsh > ~/.zfunc/_wstape")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl CompletionsArgs {
    /// Prints the completion script for `command`.
    pub(crate) fn run(&self, mut command: Command) -> ExitCode {
        let name = command.get_name().to_owned();
        // Into memory first: the generator panics if it can't write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        exit::printed(io::stdout().write_all(&script), exit::DONE)
    }
}
