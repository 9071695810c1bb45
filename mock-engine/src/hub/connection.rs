//! One transport connection, as the engine keeps it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use wstape_tape::{After, End, Micros};

use super::between::Between;
use super::outbox::Outgoing;
use super::phase::Phase;
use super::triggers::Triggers;
use crate::deflate::{Deflater, Terms};
use crate::frame;
use crate::ids::PortId;
use crate::link::{Conditions, HeldBytes, LinkHandle};

/// The most Pongs that may be late at a time on one connection; further ones are lost.
const MAX_LATE_PONGS: usize = 1024;

/// A connection that is not over.
#[derive(Debug)]
pub(super) struct Conn {
    link: LinkHandle,
    /// The port that it came in through, and when it was accepted.
    port: PortId,
    accepted_at: Micros,
    phase: Phase,
    triggers: Triggers,
    /// Prologue steps that wait for the 101.
    waiting: Vec<usize>,
    /// Pongs that are late on purpose.
    late_pongs: usize,
    /// Notified when its handshake, which waits for the tape's answer, may have one.
    answer: Option<Arc<Notify>>,
    /// Whether the client's Close has come, and the tape must answer it.
    closed_by_client: bool,
    /// Whether the tape has ended it, or is about to.
    ended_by_tape: bool,
    /// Whether it has asked for an upgrade.
    asked: bool,
    /// The path and query that its client last asked for.
    target: Option<Box<str>>,
    /// Set if its messages are compressed.
    deflater: Option<Box<Deflater>>,
    /// What is known of a real engine behind it.
    live: Option<Box<Live>>,
    /// The number of the newest check for whether the link forgets it; older checks don't count.
    idle_number: u64,
}

/// Whether and when something can be sent on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Now,
    /// Once the real engine is done with a frame or a message.
    Later,
    Never,
}

/// What a relay needs to carry a connection.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) link: LinkHandle,
    /// Resolves once the core has let go of the connection: its sender is dropped.
    pub(crate) over: oneshot::Receiver<()>,
    /// Notified when the toxics of its port have changed.
    pub(crate) poisons: Arc<Notify>,
}

/// The real engine behind a connection.
#[derive(Debug)]
struct Live {
    /// Whether it has sent its Close.
    closed: bool,
    /// How far its stream is into its frames, and what waits for a place between them.
    between: Between,
    /// Dropped when the connection is over.
    _over: oneshot::Sender<()>,
    /// Notified when the toxics of its port have changed.
    poisons: Arc<Notify>,
}

impl Conn {
    pub(super) fn new(link: LinkHandle, port: PortId, accepted_at: Micros) -> Self {
        Self {
            link,
            port,
            accepted_at,
            phase: Phase::Handshake,
            triggers: Triggers::default(),
            waiting: Vec::new(),
            late_pongs: 0,
            answer: None,
            closed_by_client: false,
            ended_by_tape: false,
            asked: false,
            target: None,
            deflater: None,
            live: None,
            idle_number: 0,
        }
    }

    /// Hands the connection to a relay, which carries it from now on.
    pub(super) fn attach(&mut self) -> Attached {
        let (sender, over) = oneshot::channel();
        let poisons = Arc::default();
        self.live = Some(Box::new(Live {
            closed: false,
            between: Between::default(),
            _over: sender,
            poisons: Arc::clone(&poisons),
        }));
        Attached {
            link: self.link.clone(),
            over,
            poisons,
        }
    }

    /// The port that it came in through.
    pub(super) fn port(&self) -> PortId {
        self.port
    }

    /// When it was accepted.
    pub(super) fn accepted_at(&self) -> Micros {
        self.accepted_at
    }

    /// Tells its relay that the toxics of its port have changed.
    pub(super) fn tell_poisons(&self) {
        if let Some(live) = &self.live {
            live.poisons.notify_one();
        }
    }

    /// Notes that the real engine has sent its Close.
    pub(super) fn close_by_engine(&mut self) {
        if let Some(live) = &mut self.live {
            live.closed = true;
        }
        self.phase = Phase::Closing;
    }

    /// Whether the real engine has sent its Close.
    pub(super) fn engine_closed(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.closed)
    }

    /// How far a real engine's stream is into its frames, and what waits for a place between them;
    /// `None` without one.
    pub(super) fn between(&mut self) -> Option<&mut Between> {
        self.live.as_mut().map(|live| &mut live.between)
    }

    /// Whether something can be sent on it in its present state.
    pub(super) fn takes(&self, outgoing: &Outgoing) -> Takes {
        let between = self.live.as_ref().map(|live| &live.between);
        match between.filter(|between| between.keeps_back(outgoing)) {
            _ if !outgoing.goes_to(self.phase) => Takes::Never,
            None => Takes::Now,
            Some(between) if between.has_room(outgoing) => Takes::Later,
            Some(_) => Takes::Never,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Notes that it asks for an upgrade; returns whether it did before.
    pub(super) fn ask_upgrade(&mut self) -> bool {
        std::mem::replace(&mut self.asked, true)
    }

    /// Whether it has asked for an upgrade.
    pub(super) fn asked(&self) -> bool {
        self.asked
    }

    /// Forgets the steps that wait: it doesn't count as a connection of the tape, so they are
    /// another's.
    pub(super) fn forget_steps(&mut self) {
        self.waiting.clear();
        self.triggers = Triggers::default();
    }

    /// Compresses its messages from now on.
    pub(super) fn deflate(&mut self, terms: Terms) {
        self.deflater = Some(Box::new(Deflater::new(terms)));
    }

    /// Whether its messages are compressed, so that it can't share their bytes with other
    /// connections.
    pub(super) fn deflates(&self) -> bool {
        self.deflater.is_some()
    }

    /// Compresses a message for this connection; `None` if messages are not compressed.
    pub(super) fn compress(&mut self, opcode: u8, payload: &[u8]) -> Option<Bytes> {
        let deflater = self.deflater.as_mut()?;
        Some(frame::compressed(opcode, &deflater.message(payload)))
    }

    /// Notes what its client asks for.
    pub(super) fn ask(&mut self, target: &str) {
        self.target = Some(target.into());
    }

    /// The path and query that its client last asked for.
    pub(super) fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// The number of bytes that wait for its client.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.link.waiting_bytes()
    }

    /// Whether frames can be sent on it at all.
    pub(super) fn upgraded(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Closing)
    }

    /// Notes that the 101 is on its way; returns the steps that are now due.
    pub(super) fn upgrade(&mut self) -> Vec<usize> {
        if self.phase != Phase::HalfClosed {
            self.phase = Phase::Open;
        }
        self.answer = None;
        let mut steps = std::mem::take(&mut self.waiting);
        steps.extend(self.triggers.sent(0, 0));
        steps.sort_unstable();
        steps
    }

    /// Notes that it got an answer other than 101.
    pub(super) fn answered(&mut self) {
        self.phase = Phase::Answered;
        self.answer = None;
    }

    /// Notes that it will never be answered.
    pub(super) fn hang(&mut self) {
        self.phase = Phase::Hung;
    }

    /// Notes that it got something that is not HTTP, and that more of it may follow.
    pub(super) fn go_raw(&mut self) {
        self.phase = Phase::Raw;
    }

    /// Notes that the engine's Close is on its way.
    pub(super) fn begin_closing(&mut self) {
        self.phase = Phase::Closing;
    }

    /// Ends the engine's own side; `false` if that was ended before.
    pub(super) fn half_close(&mut self) -> bool {
        let new = self.phase != Phase::HalfClosed;
        self.phase = Phase::HalfClosed;
        self.link.half_close();
        new
    }

    /// Begins a new check for whether the link forgets it. Returns when something last passed, and
    /// the check's number; `None` if the link can't forget it.
    pub(super) fn begin_idle(&mut self) -> Option<(Micros, u64)> {
        let passed_at = self.link.passed_at()?;
        self.idle_number += 1;
        Some((passed_at, self.idle_number))
    }

    /// When something last passed, if this is the newest check's number.
    pub(super) fn idle_since(&self, number: u64) -> Option<Micros> {
        let newest = number == self.idle_number;
        newest.then(|| self.link.passed_at()).flatten()
    }

    /// Whether the link has forgotten it.
    pub(super) fn is_forgotten(&self) -> bool {
        self.link.is_forgotten()
    }

    /// Makes the link forget it.
    pub(super) fn forget(&self) {
        self.link.forget();
    }

    /// Who is notified when its handshake may be answered, and whether that is new.
    pub(super) fn await_answer(&mut self) -> (Arc<Notify>, bool) {
        let new = self.answer.is_none();
        let told = self.answer.get_or_insert_with(Arc::default);
        (Arc::clone(told), new)
    }

    /// Whether its handshake waits for the tape's answer.
    pub(super) fn awaits_answer(&self) -> bool {
        self.answer.is_some()
    }

    /// Makes its handshake, if it waits, ask again.
    pub(super) fn tell_to_ask(&self) {
        if let Some(told) = &self.answer {
            told.notify_one();
        }
    }

    /// Notes that the client's Close has come and the tape must answer it; `false` if it had come
    /// before.
    pub(super) fn close_by_client(&mut self) -> bool {
        !std::mem::replace(&mut self.closed_by_client, true)
    }

    pub(super) fn closed_by_client(&self) -> bool {
        self.closed_by_client
    }

    /// Notes that the tape has ended it, or is about to.
    pub(super) fn end_by_tape(&mut self) {
        self.ended_by_tape = true;
    }

    pub(super) fn ended_by_tape(&self) -> bool {
        self.ended_by_tape
    }

    /// Takes a Pong that is to be late; `false` if there are too many.
    pub(super) fn delay_pong(&mut self) -> bool {
        let room = self.late_pongs < MAX_LATE_PONGS;
        self.late_pongs += usize::from(room);
        room
    }

    /// Takes a late Pong off the count; returns whether it can still be sent.
    pub(super) fn pong_due(&mut self) -> bool {
        self.late_pongs -= 1;
        self.phase == Phase::Open && !self.closed_by_client
    }

    /// Makes a prologue step wait for the 101.
    pub(super) fn wait_for_upgrade(&mut self, index: usize) {
        self.waiting.push(index);
    }

    /// Makes a prologue step wait for a count.
    pub(super) fn wait_for_count(&mut self, after: After, index: usize) {
        self.triggers.add(after, index);
    }

    /// Whether what is sent may set off a step.
    pub(super) fn watches_sending(&self) -> bool {
        self.triggers.watch_sending()
    }

    /// Whether this many bytes of whole frames may be sent in one piece, because nothing looks at
    /// each.
    pub(super) fn joins(&self, bytes: usize) -> bool {
        let looked_at = self.watches_sending() || self.deflates() || self.live.is_some();
        !looked_at && self.link.joins(bytes)
    }

    /// Counts a frame from the client; returns the steps that it sets off.
    pub(super) fn count_received(&mut self) -> Vec<usize> {
        self.triggers.received()
    }

    /// Sends `bytes` only up to where a step wants exactly that many sent, and removes what was
    /// sent from `bytes`. Returns the steps that this sets off; `None` if more would wait than a
    /// link carries, and the link was reset.
    pub(super) fn send_to_mark(&mut self, bytes: &mut Bytes, frames: u64) -> Option<Vec<usize>> {
        let now = bytes.split_to(self.triggers.before_mark(bytes.len()));
        let sent = now.len();
        if !self.link.push(now) {
            return None;
        }
        let whole = bytes.is_empty();
        Some(self.triggers.sent(sent, if whole { frames } else { 0 }))
    }

    /// Sends all of `bytes`, when no step waits for a mark; `false` if the link was reset, as
    /// above.
    pub(super) fn send_whole(&mut self, bytes: Bytes, frames: u64) -> bool {
        self.triggers.sent(bytes.len(), frames);
        self.link.push(bytes)
    }

    /// Queues bytes that no step counts.
    pub(super) fn send_uncounted(&self, bytes: Bytes) {
        self.link.push(bytes);
    }

    /// Changes what its link does: towards the client, and from it. If this ends a hold, returns
    /// what was held back.
    pub(super) fn change_link(
        &self,
        to_client: Conditions,
        from_client: Conditions,
    ) -> Option<HeldBytes> {
        self.link.change(to_client, from_client)
    }

    /// What is held back now; `None` if nothing is.
    pub(super) fn held_bytes(&self) -> Option<HeldBytes> {
        self.link.held_bytes()
    }

    /// Whether the client could read but is behind.
    pub(super) fn behind(&self) -> bool {
        self.upgraded() && self.link.behind()
    }

    /// Ends the transport.
    pub(super) fn end_link(&self, end: End) {
        match end {
            End::Fin => self.link.fin(),
            End::Reset => self.link.reset(),
        }
    }

    /// Its link, now that it is over.
    pub(super) fn into_link(self) -> LinkHandle {
        self.link
    }

    /// Sends its bytes and a FIN now, whatever faults hold.
    pub(super) fn fin_now(&self) {
        self.link.fin_now();
    }
}
