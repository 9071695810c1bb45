//! The engines of a tape: one, or one for each name that its steps have.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use wstape_mock_engine::{Engine, EngineError, Urls};
use wstape_tape::TapeReader;

use super::journal_file::JournalFile;
use super::{Serve, ServeError, prepare, resolve};

/// Most engines that one tape may name.
const MAX_ENGINES: usize = 16;

/// Engines that listen.
pub(super) struct Engines {
    pub(super) running: Vec<Engine>,
}

/// The names that the steps of the tapes have, in the order of their first steps. What is not a
/// file can be read only once, and is not looked through.
pub(super) fn named(serve: &Serve) -> Result<Vec<String>, ServeError> {
    let mut names: Vec<String> = Vec::new();
    for path in serve.tapes().filter(|path| path.is_file()) {
        for step in TapeReader::open(path).map_err(EngineError::from)? {
            let step = step.map_err(EngineError::from)?;
            if let Some(engine) = &step.engine
                && !names.contains(engine)
            {
                if names.len() == MAX_ENGINES {
                    return Err(ServeError::TooManyEngines { most: MAX_ENGINES });
                }
                names.push(engine.clone());
            }
        }
    }
    Ok(names)
}

/// Looks for a step of this engine.
pub(super) fn find(serve: &Serve, name: &str) -> Result<(), ServeError> {
    if serve.tapes().any(|path| !path.is_file()) {
        return Ok(());
    }
    let there_are = named(serve)?;
    if there_are.iter().any(|other| other == name) {
        return Ok(());
    }
    Err(ServeError::NoSuchEngine {
        name: name.to_owned(),
        there_are: BTreeSet::from_iter(there_are),
    })
}

impl Engines {
    /// Starts what is to be served: the engine that was asked for, else every one that the tapes
    /// name, each on a port of its own: any free one where port 0 was asked for, else the next
    /// behind that of the one before.
    pub(super) async fn start(serve: &Serve) -> Result<Self, ServeError> {
        let mut engines = Self {
            running: Vec::new(),
        };
        let names = match &serve.engine {
            Some(_) => Vec::new(),
            None => named(serve)?,
        };
        let urls = Urls::default();
        if names.len() < 2 {
            let engine = engines
                .one(serve, serve.engine.as_deref(), 0, &urls)
                .await?;
            engines.running.push(engine);
            return Ok(engines);
        }
        for (at, name) in (0_u16..).zip(&names) {
            match engines.one(serve, Some(name), at, &urls).await {
                Ok(engine) => engines.running.push(engine),
                Err(error) => {
                    engines.shutdown().await;
                    return Err(error);
                }
            }
        }
        Ok(engines)
    }

    async fn one(
        &self,
        serve: &Serve,
        name: Option<&str>,
        at: u16,
        urls: &Urls,
    ) -> Result<Engine, ServeError> {
        let mut builder = prepare(serve, name)?.urls(urls.clone());
        let (address, others) = resolve(&serve.listen).await?;
        let moved = |mut address: SocketAddr| {
            if address.port() != 0 {
                address.set_port(address.port().saturating_add(at));
            }
            address
        };
        let others: Vec<SocketAddr> = others.into_iter().map(moved).collect();
        let mut fresh = None;
        if let Some(path) = &serve.journal.journal {
            let path = match name {
                Some(name) if serve.engine.is_none() => beside(path, name),
                _ => path.clone(),
            };
            let new = !path.exists();
            builder = builder.journal_to(Box::new(JournalFile::open(&path, serve.journal.force)?));
            fresh = new.then_some(path);
        }
        match builder.listen_on_any(moved(address), &others).await {
            Ok(engine) => Ok(engine),
            Err(error) => {
                // Nothing stays behind of a run that never began.
                if let Some(path) = fresh {
                    let _ = std::fs::remove_file(path);
                }
                Err(error.into())
            }
        }
    }

    /// Says where each is dialled, a line each.
    pub(super) fn say(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for engine in &self.running {
            match engine.name().filter(|_| self.running.len() > 1) {
                None => writeln!(out, "listening on {}", engine.url())?,
                Some(name) => writeln!(out, "listening on {} for {name:?}", engine.url())?,
            }
        }
        out.flush()
    }

    /// Ends all of them.
    pub(super) async fn shutdown(&self) {
        for engine in &self.running {
            engine.shutdown().await;
        }
    }
}

/// The journal of one engine of several: `run.jsonl` becomes `run.main.jsonl`.
fn beside(path: &Path, name: &str) -> PathBuf {
    let plain = |c: char| {
        if c.is_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(plain).collect();
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().into_owned());
    match extension {
        Some(extension) => path.with_extension(format!("{name}.{extension}")),
        None => path.with_extension(name),
    }
}
