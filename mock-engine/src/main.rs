//! `mock-engine`: plays tapes to whoever connects.

mod cmd;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit status where the command line or a file it names is at fault; nothing was written then.
const BAD_INPUT: u8 = 2;

/// A mock trading engine that plays tapes over WebSocket, faults included.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a tape on a TCP port
    Serve(Box<cmd::serve::Serve>),
}

fn main() -> ExitCode {
    let Command::Serve(serve) = Cli::parse().command;
    match cmd::serve::run(*serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mock-engine: {error}");
            ExitCode::from(if error.is_bad_input() { BAD_INPUT } else { 1 })
        }
    }
}
