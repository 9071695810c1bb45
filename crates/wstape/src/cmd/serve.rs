//! `wstape serve`: play tapes on a TCP port until told to stop.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::exit::bad_input;
use super::signals::Signals;
use clap::{Args, ValueEnum};
use wstape_mock_engine::{Engine, EngineError, Layer, Retention, Speed, StartAt, Timestamps};
use wstape_tape::{TapeError, check_file};

/// Journal entries kept in memory: a server may run for months.
const KEPT_ENTRIES: usize = 1024;

/// Options of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 it ended as asked; 1 the journal can't be written any more, or the system refused \
something; 2 bad usage or input.")]
pub(crate) struct Serve {
    /// The tape to play
    tape: PathBuf,
    /// A tape laid over it; may be given several times
    #[arg(long, value_name = "TAPE")]
    overlay: Vec<PathBuf>,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8765")]
    listen: SocketAddr,
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
    /// Write what happens here, a line of JSON each
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Overwrite the journal's file
    #[arg(long, requires = "journal")]
    force: bool,
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

/// Why `serve` could not, or no longer, serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("{}", .0.report())]
    Tape(Arc<TapeError>),
    #[error(transparent)]
    Engine(EngineError),
    #[error(
        "the environment variable {0} is not set, or not UTF-8; --token-env names the one that holds the token"
    )]
    NoToken(String),
    #[error("the token must be visible ASCII without spaces, for it is sent in a header")]
    BadToken,
    #[error("{} exists; --force overwrites it", .0.display())]
    JournalExists(PathBuf),
    #[error("cannot write the journal {}: {source}", path.display())]
    JournalOpen { path: PathBuf, source: io::Error },
    #[error("the journal could not be written to its end: {0}")]
    JournalWrite(io::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<EngineError> for ServeError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Tape(error) => Self::Tape(error),
            error => Self::Engine(error),
        }
    }
}

impl ServeError {
    /// Whether the command line or a file it names is at fault.
    pub(crate) fn is_bad_input(&self) -> bool {
        !matches!(self, Self::JournalWrite(_) | Self::Io(_))
    }
}

impl Serve {
    /// Serves until Ctrl-C, SIGTERM, or with `--exit` the tape's end.
    pub(crate) fn run(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime
            .map_err(ServeError::from)
            .and_then(|runtime| runtime.block_on(play(self)))
        {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) if error.is_bad_input() => bad_input(&error),
            Err(error) => {
                eprintln!("wstape: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

async fn play(serve: Serve) -> Result<(), ServeError> {
    let mut builder = Engine::builder()
        .token(token(&serve)?)
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
    for tape in std::iter::once(&serve.tape).chain(&serve.overlay) {
        // A pipe can be read once only; of a file all is looked through before the port is open.
        if tape.is_file() {
            check_file(tape).map_err(EngineError::from)?;
        }
        builder = builder.layer(Layer::from_path(tape).map_err(EngineError::from)?);
    }
    if let Some(name) = &serve.engine {
        builder = builder.name(name);
    }
    let mut fresh = None;
    if let Some(path) = &serve.journal {
        let new = !path.exists();
        builder = builder.journal_to(Box::new(JournalFile::open(path, serve.force)?));
        fresh = new.then_some(path);
    }
    // Before the port is open: a signal that comes then must not be lost.
    let mut stop = Signals::listen()?;
    let engine = match builder.listen(serve.listen).await {
        Ok(engine) => engine,
        Err(error) => {
            // Nothing stays behind of a run that never began.
            if let Some(path) = fresh {
                let _ = std::fs::remove_file(path);
            }
            return Err(error.into());
        }
    };
    let mut out = io::stdout().lock();
    writeln!(out, "listening on {}", engine.url())?;
    out.flush()?;
    drop(out);

    let failure = tokio::select! {
        biased;
        () = stop.next() => None,
        ended = tape_over(&engine, serve.exit) => ended.err(),
    };
    engine.shutdown().await;
    engine.journal().flush().map_err(ServeError::JournalWrite)?;
    failure.map_or(Ok(()), |error| Err(error.into()))
}

/// Says how the tape ended; returns then where `exit` is set or the tape is at fault.
async fn tape_over(engine: &Engine, exit: bool) -> Result<(), EngineError> {
    let end = engine.finished().await?;
    for torn in &end.torn {
        eprintln!(
            "the tape is torn at line {}: what comes before it was played",
            torn.line
        );
    }
    if exit {
        return Ok(());
    }
    eprintln!(
        "tape ended after {} s; still listening (Ctrl-C ends)",
        end.last_step_at
    );
    std::future::pending().await
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

/// The journal's file. An old one is emptied by the first write, not before: a run that never
/// begins leaves it as it was.
struct JournalFile {
    file: File,
    stale: bool,
}

impl JournalFile {
    fn open(path: &Path, force: bool) -> Result<Self, ServeError> {
        let mut options = OpenOptions::new();
        options.write(true);
        if force {
            options.create(true).truncate(false);
        } else {
            options.create_new(true);
        }
        match options.open(path) {
            Ok(file) => Ok(Self { file, stale: force }),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                Err(ServeError::JournalExists(path.to_owned()))
            }
            Err(source) => Err(ServeError::JournalOpen {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn freshen(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.stale) {
            self.file.set_len(0)
        } else {
            Ok(())
        }
    }
}

impl Write for JournalFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.freshen()?;
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.freshen()?;
        self.file.flush()
    }
}
