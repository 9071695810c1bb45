//! Builds an engine.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::runtime::Handle;
use wstape_tape::{Header, Tape};

use crate::acceptor::Acceptor;
use crate::authorization::Authorization;
use crate::clock::{self, Clock};
use crate::encryption::Encryption;
use crate::engine::Engine;
use crate::error::{EngineError, cannot_listen};
use crate::hub::{Hub, Setup, StartTrigger};
use crate::ids::LayerIndex;
use crate::journal::{Journal, JournalHeader, JournalSetup, Redact, Retention};
use crate::layer::Layer;
use crate::log::Log;
use crate::memory::MemoryNet;
use crate::paths::Paths;
use crate::playback::Playback;
use crate::port::{Gate, Port, TcpPort};
use crate::speed::Speed;
use crate::start::StartAt;
use crate::timestamps::{Place, Shift, Timestamps};
use crate::upstream::Upstream;
use crate::urls::Urls;

/// Builds an [`Engine`]: tapes, clock, and how the tapes are played.
#[derive(Default)]
pub struct EngineBuilder {
    clock: Option<Clock>,
    layers: Vec<Layer>,
    name: Option<String>,
    token: Option<String>,
    speed: Speed,
    looped: bool,
    timestamps: Timestamps,
    time_at: Option<String>,
    start_at: StartAt,
    retention: Retention,
    journal_file: Option<Box<dyn Write + Send>>,
    redact: Option<Box<dyn Redact>>,
    followed: bool,
    judging: bool,
    paths: Vec<String>,
    urls: Urls,
    encryption: Encryption,
    upstream: Option<Upstream>,
}

impl std::fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineBuilder")
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts building an engine.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }
}

impl EngineBuilder {
    /// The clock that everything waits on. Default: in memory, a virtual one that shows the base
    /// tape's wall time at 0; on TCP, the machine's.
    ///
    /// On a virtual clock a microsecond is one tokio millisecond. For a client that waits on
    /// tokio's own timers, use [`Clock::real_at`] in memory too: on a runtime with paused time it
    /// counts that time as it is.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Adds a tape: the first is the base, further ones are overlays, in order. Without any, the
    /// engine does only what its controls tell it.
    #[must_use]
    pub fn layer(mut self, layer: impl Into<Layer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// The engine's name: from tapes for several engines, it plays only the steps that name it or
    /// no engine. Default: every step.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The bearer token that clients must bring; without it they get 401. A step's `accept.token`
    /// takes precedence. Default: none.
    #[must_use]
    pub fn token(mut self, token: Option<String>) -> Self {
        self.token = token;
        self
    }

    /// How fast the tape's time passes.
    #[must_use]
    pub fn speed(mut self, speed: Speed) -> Self {
        self.speed = speed;
        self
    }

    /// Whether the tape starts over at its end, with its times continuing. The prologue is not
    /// played again, and what it set stays. A layer made of an open
    /// [`TapeReader`](wstape_tape::TapeReader) plays in the first round only: use
    /// [`Layer::from_path`].
    #[must_use]
    pub fn looped(mut self, looped: bool) -> Self {
        self.looped = looped;
        self
    }

    /// What happens to the events' `ts`.
    #[must_use]
    pub fn timestamps(mut self, timestamps: Timestamps) -> Self {
        self.timestamps = timestamps;
        self
    }

    /// Where a message has the time that [`Timestamps::Shift`] moves, as a JSON Pointer such as
    /// `/T`, for a feed that does not call it `ts`. Text messages and JSON of any shape are then
    /// searched, and a number found there, even inside a string, is a time too: seconds,
    /// milliseconds, microseconds or nanoseconds since 1970, by its size, with decimals or without.
    #[must_use]
    pub fn time_at(mut self, pointer: impl Into<String>) -> Self {
        self.time_at = Some(pointer.into());
        self
    }

    /// When the tape's time 0 is.
    #[must_use]
    pub fn start_at(mut self, start_at: StartAt) -> Self {
        self.start_at = start_at;
        self
    }

    /// How much of the journal is kept in memory.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Writes each journal entry here as a line of JSON, on a thread of its own, so that a slow
    /// disk stalls nobody. What a client repeats faster than anyone can read is folded into one
    /// line a second; lines lost to a slow disk are counted in their place.
    #[must_use]
    pub fn journal_to(mut self, file: Box<dyn Write + Send>) -> Self {
        self.journal_file = Some(file);
        self
    }

    /// Takes secrets out of the journal's lines, both in a file and for readers that follow it.
    /// [`Journal::entries`] keeps them, for rules that look for them. Default: nothing is taken
    /// out.
    #[must_use]
    pub fn redact(mut self, redact: Box<dyn Redact>) -> Self {
        self.redact = Some(redact);
        self
    }

    /// Whether to keep the journal's newest lines, up to
    /// [`MAX_SHOWN_BYTES`](crate::MAX_SHOWN_BYTES), for readers that follow it as it is written.
    /// Default: no.
    #[must_use]
    pub fn followed(mut self, followed: bool) -> Self {
        self.followed = followed;
        self
    }

    /// Whether to judge what the tapes expect of clients, for [`Engine::next_verdict`]. Default:
    /// no, and whoever reads the journal judges.
    #[must_use]
    pub fn judging(mut self, judging: bool) -> Self {
        self.judging = judging;
        self
    }

    /// Accepts upgrades at this path only; each further call allows another. Default: upgrades at
    /// any path are accepted, and the engine's URL has the path that the base tape was recorded at,
    /// else the first that its steps name, else `/ws`.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.paths.push(path.into());
        self
    }

    /// Puts the engine in front of a real one: every layer is an overlay on its traffic, and
    /// clients' requests, frames and ends pass through.
    #[must_use]
    pub fn upstream(mut self, upstream: Upstream) -> Self {
        self.upstream = Some(upstream);
        self
    }

    /// Where the engines of this run are dialled. This one is added to the list under its name.
    #[must_use]
    pub fn urls(mut self, urls: Urls) -> Self {
        self.urls = urls;
        self
    }

    /// TLS on the port, which makes its URL a `wss` one. In memory no TLS is spoken: there, a TLS
    /// fault of the tape makes a dial fail or hang.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: crate::tls::Tls) -> Self {
        self.encryption = Encryption::with(tls);
        self
    }

    /// Builds an engine in memory, and the net to dial it through.
    ///
    /// # Errors
    /// [`EngineError::Tape`] if the prologue or the first step of a tape is invalid;
    /// [`EngineError::NoRuntime`] outside a tokio runtime. The default clock is virtual:
    /// [`EngineError::NotPaused`] if that runtime's time is not paused.
    pub fn in_memory(self) -> Result<(Engine, MemoryNet), EngineError> {
        in_a_runtime()?;
        let clock = match &self.clock {
            Some(clock) => clock.clone(),
            None if clock::is_paused() => Clock::virtual_at(self.header().wall_at_zero()),
            None => return Err(EngineError::NotPaused),
        };
        let (engine, acceptor) = self.build(clock, Port::Memory)?;
        Ok((engine, MemoryNet::new(acceptor)))
    }

    /// Builds an engine on a TCP port; port 0 takes a free one.
    ///
    /// # Errors
    /// [`EngineError::Tape`] as above; [`EngineError::Listen`] if the address is taken or not this
    /// machine's; [`EngineError::NoRuntime`] if something other than tokio polls it.
    pub async fn listen(self, addr: SocketAddr) -> Result<Engine, EngineError> {
        self.listen_on_any(addr, &[]).await
    }

    /// Like [`listen`](Self::listen), but if it can't listen on `addr` it tries `others` in order,
    /// such as a name's other addresses.
    ///
    /// # Errors
    /// As [`listen`](Self::listen), with the error for `addr`.
    // Async because it may be called only where the engine's tasks can run.
    pub async fn listen_on_any(
        self,
        addr: SocketAddr,
        others: &[SocketAddr],
    ) -> Result<Engine, EngineError> {
        std::future::ready(self.listen_now(addr, others)).await
    }

    fn listen_now(self, addr: SocketAddr, others: &[SocketAddr]) -> Result<Engine, EngineError> {
        in_a_runtime()?;
        let clock = self.clock.clone().unwrap_or_else(Clock::real_now);
        let listen_error = |error: io::Error| EngineError::Listen {
            addr,
            reason: cannot_listen(&error),
        };
        let bound = TcpPort::bind(addr).or_else(|error| {
            let other = others.iter().find_map(|&addr| TcpPort::bind(addr).ok());
            other.ok_or(error)
        });
        let encryption = self.encryption.clone();
        let port = Arc::new(bound.map_err(listen_error)?);
        let (engine, acceptor) = self.build(clock, Port::Tcp(Arc::clone(&port)))?;
        if engine.core().port().gate() == Gate::Listens {
            port.set(Gate::Listens).map_err(listen_error)?;
        }
        engine.accept_from(acceptor, port, encryption);
        Ok(engine)
    }

    fn header(&self) -> Header {
        self.layers
            .first()
            .map(|layer| layer.header().clone())
            .unwrap_or_default()
    }

    fn shift(&self) -> Shift {
        let base = self.header().wall_at_zero();
        let walls = self.layers.iter().map(|layer| {
            let header = layer.header();
            header.epoch.or(header.recorded_at).unwrap_or(base)
        });
        let place = match &self.time_at {
            Some(pointer) => Place::of_messages(pointer),
            None => Place::of_events(),
        };
        Shift::new(place, walls.collect())
    }

    fn build(mut self, clock: Clock, port: Port) -> Result<(Engine, Acceptor), EngineError> {
        if self.upstream.is_some() {
            for layer in &self.layers {
                layer.fits_a_real_engine()?;
            }
        }
        if self.layers.is_empty() || self.upstream.is_some() {
            // An empty base, so that another can replace it.
            self.layers.insert(0, Tape::default().into());
        }
        let shift = (self.timestamps == Timestamps::Shift).then(|| self.shift());
        let controls = LayerIndex(self.layers.len());
        // Rust's controls send text as it is given; what is posted over HTTP may hold references.
        let speaks = self.layers.iter().map(Layer::speaks);
        let speaks = speaks.chain([false, true]).collect();
        let name = self.name.as_deref();
        let played = self.layers.first().and_then(|base| base.own_path(name));
        let paths = Paths::new(self.paths, played.as_deref());
        let audiences = self.layers.iter().map(|layer| layer.audience(name));
        let audiences = audiences.collect();
        let url = paths.url(port.addr(), self.encryption.scheme());
        let header = JournalHeader::new(self.name.clone(), url, clock.wall());
        let (playback, steps) =
            Playback::open(self.layers, self.speed, self.looped, self.name.clone())?;
        let journal = Journal::new(JournalSetup {
            retention: self.retention,
            file: self.journal_file,
            shown: self.followed,
            redact: self.redact,
            header,
            up: clock.now(),
        });
        let setup = Setup {
            log: Log::new(clock, journal),
            layers: controls.0 + 2,
            prologue: steps,
            speaks,
            audiences,
            urls: self.urls.clone(),
            speed: self.speed,
            shift,
            judging: self.judging,
            start_trigger: match self.start_at {
                StartAt::FirstConnection if self.speed == Speed::Max => {
                    Some(StartTrigger::Upgrades(1))
                }
                StartAt::Connections(many) => Some(StartTrigger::Upgrades(many)),
                StartAt::FirstConnection => Some(StartTrigger::Accept),
                StartAt::Call | StartAt::Now => None,
            },
            live: self.upstream.is_some(),
            port,
        };
        let hub = Arc::new(Hub::new(setup, playback));
        let (acceptor, arrivals) = Acceptor::new(Arc::clone(&hub), self.encryption.is_on());
        let authorization = Authorization::new(self.token);
        let engine = Engine::run(hub, authorization, paths, self.upstream, arrivals, controls);
        if let Some(name) = &self.name {
            self.urls.set(name.clone(), engine.url());
        }
        match self.start_at {
            StartAt::Call => {}
            StartAt::Now => engine.start(),
            StartAt::FirstConnection | StartAt::Connections(_) => engine.prepare(),
        }
        Ok((engine, acceptor))
    }
}

/// Checks that this thread is in a tokio runtime, on which the engine's tasks can run.
fn in_a_runtime() -> Result<(), EngineError> {
    Handle::try_current().map_err(|_| EngineError::NoRuntime)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_a_runtime_it_says_where_to_build_one() {
        let error = Engine::builder().in_memory().map(drop).unwrap_err();
        assert!(matches!(error, EngineError::NoRuntime), "{error}");
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let listening = Engine::builder().listen_now(loopback, &[]);
        assert!(matches!(listening, Err(EngineError::NoRuntime)));
    }

    #[tokio::test]
    async fn virtual_time_that_is_not_paused_is_an_error_and_no_tape_that_never_ends() {
        let error = Engine::builder().in_memory().map(drop).unwrap_err();
        assert!(matches!(error, EngineError::NotPaused), "{error}");
        let real = Engine::builder().clock(Clock::real_now());
        assert!(real.in_memory().is_ok());
        tokio::time::pause();
        assert!(Engine::builder().in_memory().is_ok());
    }
}
