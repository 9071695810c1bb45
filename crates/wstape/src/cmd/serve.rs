//! `wstape serve`: play tapes on a TCP port until told to stop.

mod address;
mod control;
mod error;
mod journal_file;
mod redaction;
mod tls;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;

use self::address::{host_and_port, resolve};
use self::control::ControlArgs;
use self::error::ServeError;
use self::journal_file::{JournalFile, JournalFileArgs};
use self::redaction::JournalRedactor;
use self::tls::TlsArgs;
use super::exit::bad_input;
use super::signals::Signals;
use clap::{Args, ValueEnum};
use wstape_mock_engine::{
    Control, Engine, EngineBuilder, EngineError, Layer, Outcome, Retention, Speed, StartAt,
    Timestamps, Verdict,
};
use wstape_tape::{TapeReader, check_file};

/// Journal entries kept in memory: a server may run for months.
const KEPT_ENTRIES: usize = 1024;

/// Most names of engines that are listed where the one asked for is none of them.
const MAX_NAMES: usize = 16;

/// Options of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 it ended as asked; 1 an expectation was not met where --exit was given, the journal \
can't be written any more, or the system refused something; 2 bad usage or input.")]
pub(crate) struct Serve {
    /// The tape to play
    tape: PathBuf,
    /// A tape laid over it; may be given several times
    #[arg(long, value_name = "TAPE")]
    overlay: Vec<PathBuf>,
    /// Address to listen on, or a name such as localhost:8765; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8765", value_parser = host_and_port)]
    listen: String,
    /// How fast: a factor such as 2 or 0.5, or `max`
    #[arg(long, value_name = "N|max", default_value = "1")]
    speed: Speed,
    /// Begin the tape anew at its end
    #[arg(long = "loop")]
    looped: bool,
    /// Bearer token that clients must bring; anyone who lists processes can read it
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_env")]
    token: Option<String>,
    /// Environment variable that holds the token
    #[arg(long, value_name = "VAR")]
    token_env: Option<String>,
    #[command(flatten)]
    journal: JournalFileArgs,
    #[command(flatten)]
    control: ControlArgs,
    #[command(flatten)]
    tls: TlsArgs,
    /// What becomes of the events' `ts`
    #[arg(long, value_enum, default_value_t = Ts::Keep)]
    ts: Ts,
    /// When the tape begins
    #[arg(long, value_enum, default_value_t = Start::FirstConnection)]
    start: Start,
    /// Play the steps of this engine, of a tape for several
    #[arg(long, value_name = "NAME")]
    engine: Option<String>,
    /// End with the tape instead of waiting for Ctrl-C
    #[arg(long, conflicts_with = "looped")]
    exit: bool,
    /// Only look the tapes through, to their ends, and say whether they could be served
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Ts {
    /// They stay as the tape has them
    Keep,
    /// They move to the time they are played at
    Shift,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Start {
    /// At the first connection, or at once where the tape begins with the port down
    FirstConnection,
    /// At once
    Now,
}

impl Serve {
    /// The base, then what is laid over it.
    fn tapes(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.tape).chain(&self.overlay)
    }

    /// Serves until Ctrl-C, SIGTERM, or with `--exit` the tape's end.
    pub(crate) fn run(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime
            .map_err(ServeError::from)
            .and_then(|runtime| runtime.block_on(play(self)))
        {
            Ok(Ending::Asked) => ExitCode::SUCCESS,
            Ok(Ending::Unmet) => ExitCode::FAILURE,
            Err(error) if error.is_bad_input() => bad_input(&error),
            Err(error) => {
                eprintln!("wstape: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

/// Looks for a step of this engine. What is not a file can be read only once, and is not looked
/// through.
fn find_engine(serve: &Serve, name: &str) -> Result<(), ServeError> {
    let mut there_are = BTreeSet::new();
    for path in serve.tapes() {
        if !path.is_file() {
            return Ok(());
        }
        for step in TapeReader::open(path).map_err(EngineError::from)? {
            match &step.map_err(EngineError::from)?.engine {
                Some(engine) if engine == name => return Ok(()),
                Some(engine) if there_are.len() < MAX_NAMES => {
                    there_are.insert(engine.clone());
                }
                _ => {}
            }
        }
    }
    Err(ServeError::NoSuchEngine {
        name: name.to_owned(),
        there_are,
    })
}

/// An engine of the tapes, each looked through to its end where that can be.
fn prepare(serve: &Serve) -> Result<EngineBuilder, ServeError> {
    let token = token(serve)?;
    let redactor = JournalRedactor::new(token.as_deref())?;
    let mut builder = Engine::builder()
        .judging(true)
        .token(token)
        .redact(Box::new(redactor))
        .followed(serve.control.wanted())
        .speed(serve.speed)
        .looped(serve.looped)
        .retention(Retention::Last(KEPT_ENTRIES))
        .timestamps(match serve.ts {
            Ts::Keep => Timestamps::Keep,
            Ts::Shift => Timestamps::Shift,
        })
        .start_at(match serve.start {
            Start::FirstConnection => StartAt::FirstConnection,
            Start::Now => StartAt::Now,
        });
    for tape in serve.tapes() {
        // A pipe can be read once only; of a file all is looked through before the port is open.
        if tape.is_file() {
            check_file(tape).map_err(EngineError::from)?;
        }
        builder = builder.layer(Layer::from_path(tape).map_err(EngineError::from)?);
    }
    if let Some(name) = &serve.engine {
        find_engine(serve, name)?;
        builder = builder.name(name);
    }
    Ok(builder)
}

async fn play(serve: Serve) -> Result<Ending, ServeError> {
    let mut builder = prepare(&serve)?;
    if serve.check {
        return Ok(Ending::Asked);
    }
    let (address, others) = resolve(&serve.listen).await?;
    if let Some(tls) = serve.tls.tls(&serve.listen)? {
        builder = builder.tls(tls);
    }
    let mut fresh = None;
    if let Some(path) = &serve.journal.journal {
        let new = !path.exists();
        builder = builder.journal_to(Box::new(JournalFile::open(path, serve.journal.force)?));
        fresh = new.then_some(path);
    }
    // Before the port is open: a signal that comes then must not be lost.
    let mut stop = Signals::listen()?;
    let engine = match builder.listen_on_any(address, &others).await {
        Ok(engine) => engine,
        Err(error) => {
            forget(fresh);
            return Err(error.into());
        }
    };
    let control = match serve.control.open(&engine, serve.tls.ca()) {
        Ok(control) => control,
        Err(error) => {
            forget(fresh);
            return Err(error);
        }
    };
    let mut out = io::stdout().lock();
    writeln!(out, "listening on {}", engine.url())?;
    if let Some(control) = &control {
        writeln!(out, "control on http://{}", control.addr())?;
    }
    out.flush()?;
    drop(out);

    let ended = tokio::select! {
        biased;
        () = stop.next() => Ok(Ending::Asked),
        () = told_to_end(control.as_ref()) => Ok(verdict(&engine, &serve)),
        ended = tape_over(&engine, &serve) => ended,
    };
    drop(control);
    engine.shutdown().await;
    engine.journal().flush().map_err(ServeError::JournalWrite)?;
    Ok(ended?)
}

/// Nothing stays behind of a run that never began.
fn forget(journal: Option<&PathBuf>) {
    if let Some(path) = journal {
        // Where it can't be removed it is empty.
        let _ = std::fs::remove_file(path);
    }
}

/// Returns once the control port was told to end the run; never without one.
async fn told_to_end(control: Option<&Control>) {
    match control {
        Some(control) => control.ended().await,
        None => std::future::pending().await,
    }
}

/// How the run ends that was told to, by what is known of its expectations.
fn verdict(engine: &Engine, serve: &Serve) -> Ending {
    let mut ending = Ending::Asked;
    while let Some(verdict) = engine.take_verdict() {
        say(&verdict, serve, &mut ending);
    }
    if engine.unmet() > 0 {
        ending = Ending::Unmet;
    }
    ending
}

/// How serving came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// As asked.
    Asked,
    /// With the tape, and something that it expects was not met.
    Unmet,
}

/// Says what becomes of the tape's expectations, and how it ended; returns then where `--exit` is
/// given or the tape is at fault.
async fn tape_over(engine: &Engine, serve: &Serve) -> Result<Ending, EngineError> {
    let mut ending = Ending::Asked;
    let end = {
        let mut finished = pin!(engine.finished());
        loop {
            tokio::select! {
                biased;
                end = &mut finished => break end?,
                verdict = engine.next_verdict() => say(&verdict, serve, &mut ending),
            }
        }
    };
    for torn in &end.torn {
        eprintln!(
            "the tape is torn at line {}: what comes before it was played",
            torn.line
        );
    }
    if !serve.exit {
        eprintln!(
            "tape ended after {} s; still listening (Ctrl-C ends)",
            end.last_step_at
        );
        loop {
            say(&engine.next_verdict().await, serve, &mut ending);
        }
    }
    loop {
        tokio::select! {
            biased;
            verdict = engine.next_verdict() => say(&verdict, serve, &mut ending),
            () = engine.all_judged() => return Ok(ending),
        }
    }
}

/// Says what was not met, or can't be seen from here, and notes it.
fn say(verdict: &Verdict, serve: &Serve, ending: &mut Ending) {
    let said = match verdict.outcome {
        Outcome::Met => return,
        Outcome::Unmet => {
            *ending = Ending::Unmet;
            "not met"
        }
        _ => "not judged (only `wstape replay` sees a mirror)",
    };
    let tape = serve.tapes().nth(verdict.layer);
    let place = tape.map_or_else(String::new, |path| {
        format!("{}:{}: ", path.display(), verdict.line)
    });
    eprintln!("{place}{said}: {}", verdict.text);
}

fn token(serve: &Serve) -> Result<Option<String>, ServeError> {
    let token = match &serve.token_env {
        Some(name) => Some(std::env::var(name).map_err(|_| ServeError::NoToken(name.clone()))?),
        None => serve.token.clone(),
    };
    match token {
        Some(token) if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(ServeError::BadToken)
        }
        token => Ok(token),
    }
}
