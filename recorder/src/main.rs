//! `recorder`: turns live sessions into tapes.

mod cmd;
mod progress;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Turns live sessions into tapes that the mock engine plays.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "\
A recording that dies leaves a tape that plays up to there. No credential reaches a tape.

Exit status: 0 done; 1 found what it was asked to find, or steps are missing; 2 bad usage or \
input, or an output that can't be written."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Connects to a live engine and writes what arrives.
    Tap(cmd::tap::TapArgs),
    /// Stands between subscribers and an engine, and writes what both send.
    Proxy(cmd::proxy::ProxyArgs),
    /// Says what a tape holds, and draws its time.
    Show(cmd::show::ShowArgs),
    /// Says whether tapes are sound, and where they are not.
    Check(cmd::check::CheckArgs),
    /// Cuts a stretch out of a tape.
    Trim(cmd::trim::TrimArgs),
    /// Makes a tape safe to share.
    Redact(cmd::redact::RedactArgs),
    /// Compares two tapes, event by event.
    Diff(cmd::diff::DiffArgs),
    /// Prints a script that completes these commands in a shell.
    Completions(cmd::completions::CompletionsArgs),
    /// Prints or writes manual pages.
    Man(cmd::man::ManArgs),
}

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Tap(tap) => tap.run(),
        Command::Proxy(proxy) => proxy.run(),
        Command::Show(show) => show.run(),
        Command::Check(check) => check.run(),
        Command::Trim(trim) => trim.run(),
        Command::Redact(redact) => redact.run(),
        Command::Diff(diff) => diff.run(),
        Command::Completions(completions) => completions.run(Args::command()),
        Command::Man(man) => man.run(Args::command()),
    }
}
