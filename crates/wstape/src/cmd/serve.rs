//! `wstape serve`: play tapes on a TCP port until told to stop.

mod address;
mod control;
mod engines;
mod error;
mod journal_file;
mod redaction;
mod start;
mod tls;

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use self::address::host_and_port;
use self::control::ControlArgs;
use self::engines::Engines;
use self::error::ServeError;
use self::journal_file::JournalFileArgs;
use self::redaction::JournalRedactor;
use self::start::Start;
use self::tls::TlsArgs;
use super::exit::bad_input;
use super::signals::Signals;
use clap::{Args, ValueEnum};
use tokio::task::JoinSet;
use wstape_mock_engine::{
    Control, Engine, EngineBuilder, EngineError, Layer, Outcome, Retention, Speed, Timestamps,
    Verdict,
};
use wstape_tape::check_file;

/// Journal entries kept in memory: a server may run for months.
const KEPT_ENTRIES: usize = 1024;

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
    /// When the tape begins: `first-connection` (at once where it begins with the port down), `now`,
    /// or `connections:N`, once so many clients are connected
    #[arg(long, value_name = "WHEN", default_value = "first-connection")]
    start: Start,
    /// The path of the WebSocket, and the only one; may be given several times. Without it an
    /// upgrade of any path is taken
    #[arg(long, value_name = "PATH", value_parser = absolute)]
    path: Vec<String>,
    /// Play the steps of this engine, of a tape for several; without it each engine that the tape
    /// names listens on a port of its own
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

/// A path, as it stands.
fn absolute(text: &str) -> Result<String, String> {
    if text.starts_with('/') && !text.contains(['?', '#', ' ']) {
        return Ok(text.to_owned());
    }
    Err("a path starts with \"/\" and has no query, such as /ws".to_owned())
}

/// An engine of the tapes, each looked through to its end where that can be.
fn prepare(serve: &Serve, name: Option<&str>) -> Result<EngineBuilder, ServeError> {
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
        .start_at(serve.start.0);
    for path in &serve.path {
        builder = builder.path(path);
    }
    for tape in serve.tapes() {
        // A pipe can be read once only; of a file all is looked through before the port is open.
        if tape.is_file() {
            check_file(tape).map_err(EngineError::from)?;
        }
        builder = builder.layer(Layer::from_path(tape).map_err(EngineError::from)?);
    }
    if let Some(name) = name {
        engines::find(serve, name)?;
        builder = builder.name(name);
    }
    Ok(builder)
}

async fn play(serve: Serve) -> Result<Ending, ServeError> {
    if serve.check {
        return prepare(&serve, serve.engine.as_deref()).map(|_| Ending::Asked);
    }
    // Before the port is open: a signal that comes then must not be lost.
    let mut stop = Signals::listen()?;
    let engines = Engines::start(&serve).await?;
    engines.say()?;

    let serve = Arc::new(serve);
    let mut playing = JoinSet::new();
    for engine in engines.running.clone() {
        let serve = Arc::clone(&serve);
        playing.spawn(async move { tape_over(&engine, &serve).await });
    }
    let ended = tokio::select! {
        biased;
        () = stop.next() => Ok(Ending::Asked),
        () = told_to_end(engines.control.as_ref()) => Ok(verdict(&engines.running, &serve)),
        ended = all_over(&mut playing) => ended,
    };
    playing.shutdown().await;
    engines.shutdown().await?;
    Ok(ended?)
}

/// Waits for all engines' tapes, or the first that is at fault.
async fn all_over(
    playing: &mut JoinSet<Result<Ending, EngineError>>,
) -> Result<Ending, EngineError> {
    let mut ending = Ending::Asked;
    while let Some(over) = playing.join_next().await {
        // A task is neither cancelled before the end nor does it panic.
        match over.unwrap_or(Err(EngineError::ShutDown))? {
            Ending::Asked => {}
            Ending::Unmet => ending = Ending::Unmet,
        }
    }
    Ok(ending)
}

/// Returns once the control port was told to end the run; never without one.
async fn told_to_end(control: Option<&Control>) {
    match control {
        Some(control) => control.ended().await,
        None => std::future::pending().await,
    }
}

/// How the run ends that was told to, by what is known of its expectations.
fn verdict(engines: &[Engine], serve: &Serve) -> Ending {
    let mut ending = Ending::Asked;
    for engine in engines {
        while let Some(verdict) = engine.take_verdict() {
            say(&verdict, serve, &mut ending);
        }
        if engine.unmet() > 0 {
            ending = Ending::Unmet;
        }
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
