//! `harness`: plays tapes at the subscriber and compares the outcome with snapshots.

mod cmd;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Plays tapes at the subscriber and compares what comes of it with snapshots.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays tapes in virtual time and compares each outcome with its snapshot.
    Replay(cmd::replay::Replay),
}

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Replay(replay) => replay.run(),
    }
}
