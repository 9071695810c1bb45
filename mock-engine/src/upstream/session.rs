//! One connection, from its first request to its end.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use wstape_tape::{End, Micros};

use super::config::Upstream;
use super::observer::Watch;
use super::stream::UpstreamStream;
use crate::accepted::Accepted;
use crate::deflate::Terms;
use crate::hub::{Attached, Hub};
use crate::ids::ConnId;
use crate::link::LinkHandle;
use crate::toxics::{Poisoned, Tap};

/// How long it may take to reach the real engine: TCP, and TLS if that is spoken.
const MAX_DIAL_WAIT: Micros = Micros::from_ms(10_000);

/// The most bytes of the client that may wait for the real engine to be reached, or to answer.
pub(super) const MAX_AHEAD_BYTES: usize = 64 << 10;

/// A connection that is carried to the real engine.
pub(super) struct Session {
    pub(super) hub: Arc<Hub>,
    pub(super) id: ConnId,
    pub(super) upstream: Upstream,
    pub(super) io: Poisoned<Accepted>,
    pub(super) link: LinkHandle,
    /// Resolves once the core drops the connection.
    over: Option<oneshot::Receiver<()>>,
    /// Notified when the toxics of its port have changed.
    poisons: Arc<Notify>,
    pub(super) taps: Taps,
    /// The stream to the real engine, once that has been dialled.
    pub(super) stream: Option<Poisoned<Box<dyn UpstreamStream>>>,
    pub(super) watch: Watch,
    /// What the client has sent and nobody has taken yet.
    pub(super) ahead: BytesMut,
    /// Whether the client has ended its stream.
    pub(super) client_fin: bool,
    /// What the real engine has sent and nobody has taken yet.
    pub(super) behind: BytesMut,
}

/// What comes next on a connection.
pub(super) enum Next {
    /// A request.
    Request,
    /// Frames: the engine's 101 has been passed on. How messages are compressed, if that is known.
    Frames(Compression),
    /// Bytes that nobody here parses.
    Raw,
    /// Nothing: it is over.
    Over(Over),
}

/// Whether a client's messages can be read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Compression {
    /// They are plain.
    None,
    /// They may be compressed, on these terms.
    Agreed(Terms),
    /// There is an unknown extension.
    Unknown,
}

/// How a connection came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The client reset it.
    ClientReset,
    /// In any other way.
    Otherwise,
}

impl Session {
    pub(super) fn new(hub: Arc<Hub>, upstream: Upstream, io: Accepted, attached: Attached) -> Self {
        let (id, taps) = (io.id(), Taps::default());
        let clock = hub.log().clock().clone();
        Self {
            hub,
            id,
            upstream,
            io: Poisoned::new(io, taps.upstream.clone(), clock),
            link: attached.link,
            over: Some(attached.over),
            poisons: attached.poisons,
            taps,
            stream: None,
            watch: Watch::default(),
            ahead: BytesMut::new(),
            client_fin: false,
            behind: BytesMut::new(),
        }
    }

    /// Carries the connection until it is over; a fault that ends it also ends the stream to the
    /// real engine, in the same way.
    pub(super) async fn carry(mut self) {
        let link = self.link.clone();
        let told = self.over.take();
        let cut = async move {
            if let Some(told) = told {
                // Nobody ever sends: this resolves when the sender is dropped.
                let _ = told.await;
            }
            match link.ended() {
                Some(end) => end,
                // The client has left; what is in flight still passes.
                None => std::future::pending().await,
            }
        };
        let poisons = Arc::clone(&self.poisons);
        let taps = self.taps.clone();
        let poisoned = follow(Arc::clone(&self.hub), self.id, poisons, taps);
        let over = tokio::select! {
            biased;
            end = cut => Err(end),
            () = poisoned => Ok(Over::Otherwise),
            over = self.converse() => Ok(over),
        };
        // A fault may have ended it in the meantime.
        let over = match over {
            Ok(Over::Otherwise) => self.link.ended().map_or(Ok(Over::Otherwise), Err),
            over => over,
        };
        let reset = match over {
            Err(end) => {
                self.watch.engine_ended(end);
                end == End::Reset
            }
            Ok(Over::ClientReset) => {
                self.watch.client_ended(End::Reset);
                true
            }
            Ok(Over::Otherwise) => false,
        };
        if let (Some(stream), true) = (self.stream.take(), reset) {
            stream.into_inner().reset();
        }
    }

    async fn converse(&mut self) -> Over {
        loop {
            match self.request().await {
                Next::Request => {}
                Next::Frames(compression) => return self.frames(compression).await,
                Next::Raw => return self.raw().await,
                Next::Over(over) => return over,
            }
        }
    }

    /// Dials the real engine, unless that was done before. `Err` if that ended the connection.
    pub(super) async fn reach(&mut self) -> Result<(), Over> {
        if self.stream.is_some() {
            return Ok(());
        }
        self.watch = Watch::new(self.upstream.observer.as_deref());
        let log = self.hub.log();
        let patience = log.in_future(MAX_DIAL_WAIT);
        let dialed = tokio::select! {
            biased;
            dialed = self.upstream.dialer.dial() => dialed,
            // The client left in the meantime; its end has been reported.
            () = left(&mut self.io, &mut self.ahead, &mut self.client_fin) => {
                return Err(Over::ClientReset);
            }
            () = log.clock().sleep_until(patience) => {
                Err(format!("no connection within {} s", MAX_DIAL_WAIT.0 / 1_000_000))
            }
        };
        match dialed {
            Ok(stream) => {
                let clock = self.hub.log().clock().clone();
                let tap = self.taps.downstream.clone();
                self.stream = Some(Poisoned::new(stream, tap, clock));
                Ok(())
            }
            Err(why) => {
                self.watch.unreachable(&why);
                self.hub.core().unreachable(self.id, &why);
                Err(Over::Otherwise)
            }
        }
    }

    /// Sends an answer of the tapes to the client.
    pub(super) async fn send(&mut self, bytes: &Bytes) -> Result<(), Over> {
        let sent = self.io.write_all(bytes).await;
        sent.map_err(|_| Over::Otherwise)
    }

    /// Ends the stream to the client, and waits for it to leave.
    pub(super) async fn see_off(&mut self) -> Over {
        // A link accepts an end whatever came before.
        let _ = self.io.shutdown().await;
        self.swallow().await
    }

    /// Reads and discards until the client is gone.
    pub(super) async fn swallow(&mut self) -> Over {
        loop {
            self.ahead.clear();
            match self.io.read_buf(&mut self.ahead).await {
                Ok(1..) => {}
                Ok(0) => return Over::Otherwise,
                Err(_) => return Over::ClientReset,
            }
        }
    }
}

/// Both directions' taps.
#[derive(Debug, Clone, Default)]
pub(super) struct Taps {
    pub(super) upstream: Tap,
    pub(super) downstream: Tap,
}

/// Applies what a connection's toxics do besides changing its link, as they change. Never returns:
/// the core ends what they end.
async fn follow(hub: Arc<Hub>, id: ConnId, changed: Arc<Notify>, taps: Taps) {
    let mut stopped = false;
    loop {
        let poisons = hub.core().poisons(id);
        taps.upstream.turn(poisons.upstream);
        taps.downstream.turn(poisons.downstream);
        let stops = poisons.upstream.stopped || poisons.downstream.stopped;
        if stopped && !stops {
            hub.core()
                .cut(id, End::Fin, "its timeout toxic was removed");
        }
        stopped = stops;
        let due = [
            poisons.close_at.map(|at| (at, End::Fin, "timeout toxic")),
            poisons
                .reset_at
                .map(|at| (at, End::Reset, "reset_peer toxic")),
        ];
        let first = due.into_iter().flatten().min_by_key(|(at, ..)| *at);
        let Some((at, end, why)) = first else {
            changed.notified().await;
            continue;
        };
        tokio::select! {
            biased;
            () = changed.notified() => {}
            () = hub.log().clock().sleep_until(at) => {
                hub.core().cut(id, end, why);
                // The link reports the outcome.
                return std::future::pending().await;
            }
        }
    }
}

/// Reads ahead, as far as the bound allows; returns if the client resets its stream.
pub(super) async fn left(io: &mut Poisoned<Accepted>, ahead: &mut BytesMut, fin: &mut bool) {
    while !*fin && ahead.len() < MAX_AHEAD_BYTES {
        match io.read_buf(ahead).await {
            Ok(0) => *fin = true,
            Ok(_) => {}
            Err(_) => return,
        }
    }
    std::future::pending::<()>().await;
}
