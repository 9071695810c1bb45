//! The engines of a tape: one, or one for each name in its steps.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use wstape_mock_engine::{Control, Engine, Tls, Toxiproxy, Upstream, Urls};
use wstape_recorder::ProxyRecording;

use super::address::resolve;
use super::error::ServeError;
use super::options::Serve;
use super::prepare::{named, prepare};
use super::upstream::finish;
use crate::cmd::announce::{Unannounced, announce};

/// Engines that listen.
pub(super) struct Engines {
    pub(super) running: Vec<Engine>,
    /// The control port, which only a single engine has.
    pub(super) control: Option<Control>,
    /// Toxiproxy's API, which only a single engine has, with a real one behind it.
    toxiproxy: Option<Toxiproxy>,
    /// The recording of a real engine's traffic.
    recording: Option<ProxyRecording>,
}

/// What all engines share.
struct Common<'a> {
    serve: &'a Serve,
    urls: Urls,
    tls: Option<Tls>,
}

impl Engines {
    /// Starts what should be served: the engine asked for, or every one named in the tapes, each on
    /// its own port. With port 0 these are any free ones, otherwise the requested one and those
    /// after it.
    pub(super) async fn start(serve: &Serve) -> Result<Self, ServeError> {
        let names = match &serve.engine {
            Some(name) => vec![name.clone()],
            None => named(serve)?,
        };
        let common = Common {
            serve,
            urls: Urls::default(),
            tls: serve.tls.tls(&serve.listen)?,
        };
        let mut engines = Self {
            running: Vec::new(),
            control: None,
            toxiproxy: None,
            recording: None,
        };
        let mut journals = Vec::new();
        if serve.upstream.wanted() && names.len() > 1 {
            let count = names.len();
            return Err(ServeError::UpstreamOfSeveral { count });
        }
        let started = if names.len() > 1 {
            engines.all(&common, &names, &mut journals).await
        } else {
            engines.only(&common, &mut journals).await
        };
        if let Err(error) = started {
            engines.shutdown().await?;
            // A run that never began leaves nothing behind.
            for path in journals {
                let _ = std::fs::remove_file(path);
            }
            return Err(error);
        }
        Ok(engines)
    }

    async fn only(
        &mut self,
        common: &Common<'_>,
        journals: &mut Vec<PathBuf>,
    ) -> Result<(), ServeError> {
        let serve = common.serve;
        let name = serve.engine.as_deref();
        let journal = serve.journal.journal.clone();
        let live = serve.upstream.open().await?;
        let upstream = live.map(|live| {
            self.recording = live.recording;
            (live.upstream, live.path)
        });
        let engine = common
            .listen((name, 0), upstream, journal, journals)
            .await?;
        self.running.push(engine.clone());
        if let Some(addr) = engine.local_addr() {
            serve.upstream.is_own(addr).await?;
        }
        if let Some(target) = serve.upstream.target()? {
            let upstream = format!("{}:{}", target.host(), target.port());
            self.toxiproxy = serve.control.open_toxiproxy(&engine, &upstream)?;
        }
        self.control = serve.control.open(&engine, serve.tls.ca())?;
        Ok(())
    }

    async fn all(
        &mut self,
        common: &Common<'_>,
        names: &[String],
        journals: &mut Vec<PathBuf>,
    ) -> Result<(), ServeError> {
        if common.serve.control.wanted() {
            return Err(ServeError::ControlOfSeveral);
        }
        for (at, name) in (0_u16..).zip(names) {
            let journal = common.serve.journal.journal.as_deref();
            let journal = journal.map(|path| beside(path, name));
            let engine = common
                .listen((Some(name), at), None, journal, journals)
                .await?;
            self.running.push(engine);
        }
        Ok(())
    }

    /// Says where to dial each engine, one per line.
    pub(super) fn say(&self) -> Result<(), Unannounced> {
        // Writing into a string does not fail.
        let mut said = String::new();
        for engine in &self.running {
            said.push_str("listening on ");
            said.push_str(&engine.url());
            if let Some(name) = engine.name().filter(|_| self.running.len() > 1) {
                let _ = write!(said, " for {name:?}");
            }
            said.push('\n');
        }
        if let Some(control) = &self.control {
            let _ = writeln!(said, "control on http://{}", control.addr());
        }
        if let Some(toxiproxy) = &self.toxiproxy {
            let _ = writeln!(said, "toxiproxy on http://{}", toxiproxy.addr());
        }
        announce(&said)
    }

    /// Ends all engines, and their journals.
    pub(super) async fn shutdown(mut self) -> Result<(), ServeError> {
        drop(self.control.take());
        drop(self.toxiproxy.take());
        for engine in &self.running {
            engine.shutdown().await;
        }
        let mut flushed = Ok(());
        for engine in &self.running {
            // Each journal is flushed, whatever happened to the one before.
            flushed = flushed.and(engine.journal().flush());
        }
        if let Some(recording) = self.recording.take() {
            finish(recording).await?;
        }
        flushed.map_err(ServeError::JournalWrite)
    }

    /// Returns once the recording can't continue; never without one.
    pub(super) async fn recording_failed(&self) {
        match &self.recording {
            Some(recording) => recording.failed().await,
            None => std::future::pending().await,
        }
    }
}

impl Common<'_> {
    /// An engine that listens `at` ports after the requested one. A newly created journal file is
    /// added to `journals`.
    async fn listen(
        &self,
        (name, at): (Option<&str>, u16),
        upstream: Option<(Upstream, String)>,
        journal: Option<PathBuf>,
        journals: &mut Vec<PathBuf>,
    ) -> Result<Engine, ServeError> {
        let serve = self.serve;
        let mut builder = prepare(serve, name)?.urls(self.urls.clone());
        if let Some(tls) = &self.tls {
            builder = builder.tls(tls.clone());
        }
        if let Some((upstream, path)) = upstream {
            builder = builder.upstream(upstream).path(path);
        }
        let (address, others) = resolve(&serve.listen).await?;
        let moved = |mut address: SocketAddr| {
            if address.port() != 0 {
                address.set_port(address.port().saturating_add(at));
            }
            address
        };
        let others: Vec<SocketAddr> = others.into_iter().map(moved).collect();
        if let Some(path) = journal {
            let new = !path.exists();
            builder = builder.journal_to(Box::new(serve.journal_at(&path)?));
            journals.extend(new.then_some(path));
        }
        Ok(builder.listen_on_any(moved(address), &others).await?)
    }
}

/// The journal of one of several engines: `run.jsonl` becomes `run.main.jsonl`.
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
