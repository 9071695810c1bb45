//! Controls: what a test or a program tells a running engine.
//!
//! Each takes effect before it returns, and sets a state in a layer of its own: it clears nothing
//! that a tape has set.

use bytes::Bytes;
use serde::Serialize;
use wstape_tape::{
    Accept, Action, Answers, ClockSkew, CloseFrame, Corruption, Direction, Down, End, Garbage,
    HttpAnswer, Latency, Micros, Partition, Pongs, RawFrame, Reading, Refusal, Step, TlsFault,
    Trigger,
};
use wstape_wire::time::{Zone, to_text};

use crate::engine::Engine;

impl Engine {
    /// Does what a step of a tape does. A step with `at_ms` happens now, whatever its time; one
    /// with `on_connect` joins the prologue, for connections to come; one triggered by what clients
    /// say, their silence or a scene applies from now on, to open connections too.
    pub fn apply(&self, step: Step) {
        let mut core = self.core();
        if matches!(step.trigger, Trigger::At(_)) {
            core.apply(self.controls(), step);
        } else {
            core.add_to_prologue(self.controls(), step);
        }
    }

    fn act(&self, action: Action) {
        self.apply(Step::at(Micros::ZERO, action));
    }

    /// Broadcasts an event whose `ts` is the clock's wall time.
    ///
    /// # Errors
    /// If `data` can't be JSON; nothing is sent then.
    pub fn emit(&self, event: &str, data: impl Serialize) -> serde_json::Result<()> {
        #[derive(Serialize)]
        struct Message<'a, D> {
            event: &'a str,
            ts: String,
            data: D,
        }
        let ts = to_text(self.hub().log().wall(), Zone::Offset);
        let json = serde_json::to_vec(&Message { event, ts, data })?;
        self.act(Action::Emit(json.into()));
        Ok(())
    }

    /// Broadcasts this JSON text unchanged.
    pub fn emit_json(&self, json: impl Into<Bytes>) {
        self.act(Action::Emit(json.into()));
    }

    /// Sends a Text message, valid JSON or not.
    pub fn text(&self, text: impl Into<String>) {
        self.act(Action::Text(text.into()));
    }

    /// Sends a Binary message.
    pub fn binary(&self, bytes: impl Into<Bytes>) {
        self.act(Action::Binary(bytes.into()));
    }

    /// Sends a Ping.
    pub fn ping(&self, payload: impl Into<Bytes>) {
        self.act(Action::Ping(payload.into()));
    }

    /// Sends an unsolicited Pong.
    pub fn pong(&self, payload: impl Into<Bytes>) {
        self.act(Action::Pong(payload.into()));
    }

    /// Sends a Close and waits one second for the client's (RFC 6455, 7.1.2).
    pub fn close(&self, code: u16, reason: impl Into<String>) {
        self.act(Action::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        })));
    }

    /// Sends any frame, legal or not.
    pub fn frame(&self, frame: RawFrame) {
        self.act(Action::Frame(frame));
    }

    /// Writes any bytes onto the upgraded streams.
    pub fn bytes(&self, bytes: impl Into<Bytes>) {
        self.act(Action::Bytes(bytes.into()));
    }

    /// Ends every transport connection without a closing handshake.
    pub fn drop_connections(&self, end: End) {
        self.act(Action::Drop(end));
    }

    /// Answers the next `n` handshakes with this status.
    pub fn refuse_next(&self, n: u32, status: u16) {
        self.refuse_with(Refusal::new(status), Some(n));
    }

    /// Answers handshakes with this refusal, `times` of them or until cleared.
    pub fn refuse_with(&self, refusal: Refusal, times: Option<u32>) {
        let mut step = Step::at(Micros::ZERO, Action::Refuse(Some(refusal)));
        step.times = times;
        // Zero times changes nothing.
        if times != Some(0) {
            self.apply(step);
        }
    }

    /// Sets how upgrades are answered; `None` restores the default.
    pub fn accept(&self, accept: Option<Accept>) {
        self.act(Action::Accept(accept));
    }

    /// Accepts connections and never answers them, or serves new ones again.
    pub fn hang(&self, on: bool) {
        self.act(Action::Hang(on));
    }

    /// Answers connections with something that is not HTTP; `None` serves them again.
    pub fn garbage(&self, garbage: Option<Garbage>) {
        self.act(Action::Garbage(garbage));
    }

    /// Sets what is wrong with the TLS of connections to come; `None` ends that.
    pub fn tls(&self, fault: Option<TlsFault>) {
        self.act(Action::Tls(fault));
    }

    /// Sets who decides how handshakes are answered.
    pub fn answers(&self, answers: Answers) {
        self.act(Action::Answers(answers));
    }

    /// Refuses connections, and resets those that are open.
    pub fn down(&self) {
        self.act(Action::Down(Down::Refuses));
    }

    /// Refuses connections, while those that are open live on.
    pub fn drain(&self) {
        self.act(Action::Down(Down::Drains));
    }

    /// Neither takes nor refuses dials, while open connections live on. Over TCP this works on
    /// Linux only: elsewhere dials are taken all the same, and the journal says so.
    pub fn pend_dials(&self) {
        self.act(Action::Down(Down::Pends));
    }

    /// Accepts this many dials and resets each before its answer, then listens again.
    pub fn reset_dials(&self, dials: u32) {
        if dials > 0 {
            self.act(Action::Down(Down::Resets { dials }));
        }
    }

    /// Listens again, unless a tape has the port down.
    pub fn up(&self) {
        self.act(Action::Down(Down::Up));
    }

    /// Holds bytes without FIN or RST.
    pub fn partition(&self, partition: Partition) {
        self.act(Action::Partition(partition));
    }

    /// Ends the partition: what was held is delivered in a burst.
    pub fn heal(&self) {
        self.partition(Partition::None);
    }

    /// Delays bytes, one way; a zero latency ends that. Jitter is drawn from `seed`.
    pub fn latency(&self, latency: Latency, direction: Direction, seed: u64) {
        let mut step = Step::at(Micros::ZERO, Action::Latency(latency));
        step.direction = direction;
        step.seed = Some(seed);
        self.apply(step);
    }

    /// Caps the bandwidth, in bytes per second; `None` ends that.
    pub fn bandwidth(&self, bytes_per_second: Option<u64>, direction: Direction) {
        let mut step = Step::at(Micros::ZERO, Action::BytesPerSecond(bytes_per_second));
        step.direction = direction;
        self.apply(step);
    }

    /// Delivers at most this many bytes at once; `None` ends that.
    pub fn slice(&self, bytes: Option<u32>, direction: Direction) {
        let mut step = Step::at(Micros::ZERO, Action::SliceBytes(bytes));
        step.direction = direction;
        self.apply(step);
    }

    /// Flips bits in bytes on their way, counting from now in each direction; `None` ends that.
    pub fn corrupt(&self, corruption: Option<Corruption>, direction: Direction) {
        let mut step = Step::at(Micros::ZERO, Action::Corrupt(corruption));
        step.direction = direction;
        self.apply(step);
    }

    /// Sets whether the engine reads what clients send.
    pub fn reading(&self, reading: Reading) {
        self.act(Action::Reading(reading));
    }

    /// Makes the link forget connections that carry nothing for this long: what the engine sends is
    /// lost, and what a client sends meets a reset. `None` ends that.
    pub fn idle_drop(&self, after: Option<Micros>) {
        // Zero would forget a connection before its handshake.
        if after != Some(Micros::ZERO) {
            self.act(Action::IdleDrop(after));
        }
    }

    /// Ends the engine's own side of every connection, and goes on reading.
    pub fn half_close(&self) {
        self.act(Action::HalfClose);
    }

    /// Sets how wrong the engine's wall clock is; `None` corrects it.
    pub fn clock_skew(&self, skew: Option<ClockSkew>) {
        self.act(Action::Clock(skew));
    }

    /// Sets how Pings are answered.
    pub fn pongs(&self, pongs: Pongs) {
        self.act(Action::Pongs(pongs));
    }

    /// Sets what a GET of a path answers.
    pub fn http(&self, answer: HttpAnswer) {
        self.act(Action::Http(answer));
    }

    /// Clears every fault set by these controls; those that a tape set stay.
    pub fn clear_faults(&self) {
        self.core().clear_faults(&[self.controls()]);
    }
}
