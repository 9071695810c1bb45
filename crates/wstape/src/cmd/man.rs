//! `wstape man`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;

use super::{exit, remedy};

#[derive(Debug, Args)]
#[command(after_help = "\
To read: wstape man | man -l -
To install: wstape man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The folder to write a page for each command to. Default: print the main page.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl ManArgs {
    /// Prints the page for `command`, or writes it and those of its subcommands.
    pub(crate) fn run(&self, command: Command) -> ExitCode {
        let Some(folder) = &self.folder else {
            let mut page = Vec::new();
            let rendered = Man::new(command).render(&mut page);
            let printed = rendered.and_then(|()| io::stdout().write_all(&page));
            return exit::printed(printed, exit::DONE);
        };
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(command, folder));
        match written {
            Ok(()) => exit::DONE.into(),
            Err(error) => {
                let unwritten = remedy::unwritten(&error);
                let remedy = match error.kind() {
                    io::ErrorKind::AlreadyExists => "; it is a file, but the pages need a folder",
                    _ => "",
                };
                exit::bad_input(&format!("{}: {unwritten}{remedy}", folder.display()))
            }
        }
    }
}
