//! Every verb of the program.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use wstape_harness::Subject;

use crate::cmd;
use crate::subject::OurSubscriber;

/// Tests programs that live on a WebSocket push stream.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "\
Exit status: 0 done; 1 found what it was asked to look for, or something is missing; 2 bad usage \
or input, or an output that can't be written. Some commands have more: see their --help."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a tape on a TCP port.
    Serve(Box<cmd::serve::Serve>),
    /// Plays tapes to the subscriber in virtual time and compares each outcome with its snapshot.
    Replay(cmd::replay::Replay),
    /// Generates bad sessions from seeds, plays them in virtual time and checks them against rules.
    Chaos(Box<cmd::chaos::Chaos>),
    /// Tests any reconnecting client, and gives a verdict for each kind of engine or network fault.
    #[cfg(unix)]
    Referee(Box<cmd::referee::Referee>),
    /// Keeps a client's processes for `referee`.
    #[cfg(unix)]
    #[command(name = cmd::referee::KEEP, hide = true)]
    KeepClient(cmd::referee::Keep),
    /// Connects to a live engine and records what arrives.
    Tap(cmd::tap::TapArgs),
    /// Polls an engine that has only HTTP, and records what changes.
    Poll(cmd::poll::PollArgs),
    /// Converts another tool's recording to a tape.
    Import(cmd::import::ImportArgs),
    /// Sits between subscribers and an engine, and records what both send.
    Proxy(cmd::proxy::ProxyArgs),
    /// Turns a recorded session into a dialogue that answers other clients.
    Learn(cmd::learn::LearnArgs),
    /// Summarises what a tape holds, with a timeline.
    Show(cmd::show::ShowArgs),
    /// Summarises a journal: connections, gaps, rates, and which clients never came back.
    Journal(cmd::journal::JournalArgs),
    /// Draws a journal or a tape as one HTML file, with a lane for each connection.
    Draw(cmd::draw::DrawArgs),
    /// Checks whether tapes are sound, and shows where they are not.
    Check(cmd::check::CheckArgs),
    /// Extracts a section of a tape.
    Trim(cmd::trim::TrimArgs),
    /// Makes a tape safe to share.
    Redact(cmd::redact::RedactArgs),
    /// Compares two tapes, event by event.
    Diff(cmd::diff::DiffArgs),
    /// Lists the built-in overlays, which reproduce faults of real servers and proxies.
    Overlays(cmd::overlays::OverlaysArgs),
    /// Prints a completion script for your shell.
    Completions(cmd::completions::CompletionsArgs),
    /// Prints or writes manual pages.
    Man(cmd::man::ManArgs),
}

/// Runs the command line of `wstape`, with this process's arguments, against the workspace's own
/// subscriber.
#[must_use]
pub fn command_line() -> ExitCode {
    let ours: Arc<dyn Subject> = Arc::new(OurSubscriber);
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => for_a_tape(error).exit(),
        // The help, or the version.
        Err(asked) => {
            let printed = asked.print().and_then(|()| io::stdout().flush());
            return cmd::exit::printed(printed, cmd::exit::DONE);
        }
    };
    match args.command {
        Command::Serve(serve) => serve.run(),
        Command::Replay(replay) => replay.run(&ours),
        Command::Chaos(chaos) => chaos.run(&ours),
        #[cfg(unix)]
        Command::Referee(referee) => referee.run(),
        #[cfg(unix)]
        Command::KeepClient(keep) => keep.run(),
        Command::Tap(tap) => tap.run(),
        Command::Poll(poll) => poll.run(),
        Command::Import(import) => import.run(),
        Command::Proxy(proxy) => proxy.run(),
        Command::Learn(learn) => learn.run(),
        Command::Show(show) => show.run(),
        Command::Journal(journal) => journal.run(),
        Command::Draw(draw) => draw.run(),
        Command::Check(check) => check.run(),
        Command::Trim(trim) => trim.run(),
        Command::Redact(redact) => redact.run(),
        Command::Diff(diff) => diff.run(),
        Command::Overlays(overlays) => overlays.run(),
        Command::Completions(completions) => completions.run(Args::command()),
        Command::Man(man) => man.run(Args::command()),
    }
}

/// Adds to the error what to do, if that is known: a tape stands where a verb should, or beside a
/// real engine.
fn for_a_tape(mut error: clap::Error) -> clap::Error {
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => of_no_verb(&error),
        ErrorKind::ArgumentConflict => of_two_engines(&error),
        _ => None,
    };
    if let Some(tip) = tip {
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tips);
    }
    error
}

/// Says which verbs take the tape that stands where a verb should.
fn of_no_verb(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(verb)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let is_tape = Path::new(verb)
        .extension()
        .is_some_and(|extension| extension == "jsonl");
    is_tape
        .then(|| format!("`wstape show {verb}` summarises a tape, `wstape replay {verb}` plays it"))
}

/// Says how to lay a tape's faults over the traffic of a real engine, because the tape can't be
/// served beside it.
fn of_two_engines(error: &clap::Error) -> Option<String> {
    let is = |kind, wanted: &[&str]| match error.get(kind) {
        Some(ContextValue::String(argument)) => wanted.iter().any(|it| argument.starts_with(it)),
        Some(ContextValue::Strings(all)) => all
            .iter()
            .any(|argument| wanted.iter().any(|it| argument.starts_with(it))),
        _ => false,
    };
    let (invalid, prior) = (ContextKind::InvalidArg, ContextKind::PriorArg);
    let (tape, engine) = (
        ["[TAPE]", "<TAPE>"],
        ["--upstream", "--record", "--toxiproxy"],
    );
    let both =
        (is(invalid, &tape) && is(prior, &engine)) || (is(invalid, &engine) && is(prior, &tape));
    both.then(|| {
        "a tape replaces the engine; to lay its faults over a real one, use --upstream URL \
         --overlay TAPE"
            .to_owned()
    })
}
