//! `wstape serve`: play tapes on a TCP port until told to stop.

mod address;
mod control;
mod engines;
mod error;
mod journal_file;
mod lifeline;
mod options;
mod prepare;
mod redaction;
mod start;
mod strangers;
mod tls;
mod unplayed;
mod upstream;

use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::task::JoinSet;
use wstape_mock_engine::{Control, Engine, EngineError, Outcome, Verdict};

use self::engines::Engines;
use self::error::ServeError;
pub(crate) use self::options::Serve;
use self::prepare::prepare;
pub(crate) use self::redaction::JournalRedactor;
use super::exit::bad_input;
use super::signals::Signals;

impl Serve {
    /// Serves until Ctrl-C or SIGTERM, with `--exit` until the tape's end, or with
    /// `--exit-with-stdin` until standard input ends.
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

async fn play(serve: Serve) -> Result<Ending, ServeError> {
    if serve.check {
        serve.upstream.target()?;
        return prepare(&serve, serve.engine.as_deref()).map(|_| Ending::Asked);
    }
    // Before the port opens: a signal that comes then must not be lost.
    let mut stop = Signals::listen()?;
    let lifeline = serve.lifeline.watch()?;
    let engines = Engines::start(&serve).await?;
    engines.say()?;

    let serve = Arc::new(serve);
    let mut playing = JoinSet::new();
    for engine in engines.running.clone() {
        let serve = Arc::clone(&serve);
        playing.spawn(async move { tape_over(&engine, &serve).await });
    }
    let mut watching = JoinSet::new();
    for engine in engines.running.clone() {
        watching.spawn(async move {
            let why = engine.journal().broken().await;
            eprintln!("wstape: the journal ends here, but the engine goes on: {why}");
        });
    }
    for engine in engines.running.clone() {
        let redactor = JournalRedactor::new(serve.token()?.as_deref())?;
        watching.spawn(strangers::tell(engine, redactor));
    }
    let ended = tokio::select! {
        biased;
        _ = stop.next() => Ok(ended_before(&engines.running, &serve)),
        () = lifeline.ended() => Ok(ended_before(&engines.running, &serve)),
        () = told_to_end(engines.control.as_ref()) => Ok(verdict(&engines.running, &serve)),
        // Finishing the recording reports what went wrong.
        () = engines.recording_failed() => Ok(Ending::Asked),
        ended = all_over(&mut playing) => ended,
    };
    playing.shutdown().await;
    engines.shutdown().await?;
    Ok(ended?)
}

/// Waits for the tapes of all engines to end, or for the first that fails.
async fn all_over(
    playing: &mut JoinSet<Result<Ending, EngineError>>,
) -> Result<Ending, EngineError> {
    let mut ending = Ending::Asked;
    while let Some(over) = playing.join_next().await {
        // The task is not cancelled before the end, and doesn't panic.
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

/// How a run ends that was stopped before its tape was over: with `--exit` the verdict counts.
fn ended_before(engines: &[Engine], serve: &Serve) -> Ending {
    if serve.exit {
        return verdict(engines, serve);
    }
    Ending::Asked
}

/// How a stopped run ends, given what is known about its expectations.
fn verdict(engines: &[Engine], serve: &Serve) -> Ending {
    let mut ending = Ending::Asked;
    for engine in engines {
        while let Some(verdict) = engine.take_verdict() {
            say(&verdict, serve, &mut ending);
        }
        if engine.unmet() > 0 {
            ending = Ending::Unmet;
        }
        if engine.started_at().is_none()
            && let Some(expectation) = unplayed::first(serve, engine.name().as_deref())
        {
            eprintln!("{expectation}: not met: {}", unplayed::why(serve));
            ending = Ending::Unmet;
        }
    }
    ending
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// As asked.
    Asked,
    /// With the tape, and some expectation unmet.
    Unmet,
}

/// Reports the tape's expectations, and how it ended; then returns only with `--exit` or if the
/// tape is at fault.
async fn tape_over(engine: &Engine, serve: &Serve) -> Result<Ending, EngineError> {
    let mut ending = Ending::Asked;
    let end = {
        let mut finished = pin!(engine.finished());
        loop {
            tokio::select! {
                biased;
                end = &mut finished => break end?,
                verdict = engine.next_verdict() => say(&verdict?, serve, &mut ending),
            }
        }
    };
    for torn in &end.torn {
        eprintln!(
            "the tape is torn at line {}; everything before it was played",
            torn.line
        );
    }
    if !serve.exit {
        // A process that holds standard input learns it from the journal.
        if !serve.lifeline.wanted() {
            eprintln!(
                "the tape's timed steps are over ({} s); still listening and answering (Ctrl-C ends)",
                end.last_step_at
            );
        }
        loop {
            say(&engine.next_verdict().await?, serve, &mut ending);
        }
    }
    loop {
        tokio::select! {
            biased;
            verdict = engine.next_verdict() => say(&verdict?, serve, &mut ending),
            judged = engine.all_judged() => return judged.map(|()| ending),
        }
    }
}

/// Reports what was not met, or can't be seen from here, and records it.
fn say(verdict: &Verdict, serve: &Serve, ending: &mut Ending) {
    let said = match verdict.outcome {
        Outcome::Met => return,
        Outcome::Unmet => {
            *ending = Ending::Unmet;
            "not met"
        }
        _ => "not judged (only `wstape replay` can see a mirror)",
    };
    let tape = serve.tape_of(verdict.layer);
    let place = tape.map_or_else(String::new, |path| {
        format!("{}:{}: ", path.display(), verdict.line)
    });
    eprintln!("{place}{said}: {}", verdict.text);
}
