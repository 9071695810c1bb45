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
Exit status: 0 done; 1 found what it was asked to find, or something is missing; 2 bad usage or \
input, or an output that can't be written; `wstape chaos --help` lists two more."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a tape on a TCP port.
    Serve(Box<cmd::serve::Serve>),
    /// Plays tapes at the subscriber in virtual time and compares each outcome with its snapshot.
    Replay(cmd::replay::Replay),
    /// Draws cases from seeds, plays them in virtual time and judges them by rules.
    Chaos(Box<cmd::chaos::Chaos>),
    /// Judges any client that reconnects: a verdict on each fault that an engine or a network has.
    #[cfg(unix)]
    Referee(Box<cmd::referee::Referee>),
    /// Keeps a client's processes for `referee`.
    #[cfg(unix)]
    #[command(name = cmd::referee::KEEP, hide = true)]
    KeepClient(cmd::referee::Keep),
    /// Connects to a live engine and writes what arrives.
    Tap(cmd::tap::TapArgs),
    /// Asks an engine that offers only HTTP, again and again, and writes what changes.
    Poll(cmd::poll::PollArgs),
    /// Makes a tape of another tool's recording.
    Import(cmd::import::ImportArgs),
    /// Stands between subscribers and an engine, and writes what both send.
    Proxy(cmd::proxy::ProxyArgs),
    /// Makes a dialogue of a recorded session, which answers other clients.
    Learn(cmd::learn::LearnArgs),
    /// Says what a tape holds, and draws its time.
    Show(cmd::show::ShowArgs),
    /// Reads a journal: connections, gaps, rates, and who never came back.
    Journal(cmd::journal::JournalArgs),
    /// Draws a journal or a tape: one HTML file with a lane for each connection.
    Draw(cmd::draw::DrawArgs),
    /// Says whether tapes are sound, and where they are not.
    Check(cmd::check::CheckArgs),
    /// Cuts a stretch out of a tape.
    Trim(cmd::trim::TrimArgs),
    /// Makes a tape safe to share.
    Redact(cmd::redact::RedactArgs),
    /// Compares two tapes, event by event.
    Diff(cmd::diff::DiffArgs),
    /// Lists what real servers and proxies do, as overlays for `--overlay`.
    Overlays(cmd::overlays::OverlaysArgs),
    /// Prints a script that completes these commands in a shell.
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

/// What is wrong with the arguments, and what to do if that is known: a tape stands where a verb
/// should, or beside a real engine.
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

/// Which verbs take the tape that stands where a verb should.
fn of_no_verb(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(verb)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let is_tape = Path::new(verb)
        .extension()
        .is_some_and(|extension| extension == "jsonl");
    is_tape.then(|| {
        format!("`wstape show {verb}` says what a tape holds, `wstape replay {verb}` plays it")
    })
}

/// How the faults of a tape are laid over the traffic of a real engine, in place of which it can't be
/// served.
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
        "a tape is served in place of an engine; its faults are laid over a real one by \
         --upstream URL --overlay TAPE"
            .to_owned()
    })
}
