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
    /// Draws cases from seeds, plays them in virtual time and judges them by rules.
    Chaos(Box<cmd::chaos::Chaos>),
}

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Replay(replay) => replay.run(),
        Command::Chaos(chaos) => chaos.run(),
    }
}
