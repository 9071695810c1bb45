//! `recorder`: turns live sessions into tapes.

mod cmd;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Turns live sessions into tapes that the mock engine plays.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Connects to a live engine and writes what arrives.
    Tap(cmd::tap::TapArgs),
    /// Makes a tape of another tool's recording.
    Import(cmd::import::ImportArgs),
}

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Tap(tap) => tap.run(),
        Command::Import(import) => import.run(),
    }
}
