//! A live world: one case against one subscriber, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use tokio::runtime::Handle as RuntimeHandle;
use wstape_harness::{
    Dialer, Display, Handle, Notebook, REAL_TOLERANCE, Receiver, Running, Shutdown, Stage,
    Stopping, Subject, Terms, lead,
};
use wstape_mock_engine::{Clock, Engine, Entry, JournalKind, Timer};
use wstape_oracle::{Field, Heard, Judge, Mirror, Rule};
use wstape_tape::Micros;

use super::engine::{Pace, clock_of, end_of, engine_of, host_of, url};
use super::fired::count_fired;
use super::memory::{MAX_MEMORY_BYTES, Memory};
use super::network::WatchedDialer;
use super::observer::{Moment, Observer};
use super::played::{Played, Unplayable};
use super::trace::Happening;
use crate::call::Call;
use crate::case::{Case, Deed};
use crate::coverage::Coverage;
use crate::fnv::Fnv;
use crate::pulse::Pulse;
use crate::verdict::Verdict;

/// How many turns of the runtime tasks get to end in, once nothing keeps them.
const TURNS_TO_END: usize = 64;
/// How many turns of the runtime a subscriber gets to take in what was delivered.
const TURNS_TO_SETTLE: usize = 64;
/// How many more times, and how far apart, to look for leftover tasks of a subscriber judged by
/// bounds: for a minute in all.
const LOOKS_FOR_TASKS: usize = 12;
const LOOK_FOR_TASKS: Micros = Micros::from_ms(5_000);
/// How often to check whether a subscriber has recovered.
const LOOK_FOR_RECOVERY: Micros = Micros::from_ms(250);
/// How long after a shutdown nothing may connect, on top of the longest delay.
const AFTERMATH: Micros = Micros::from_ms(1_000);
/// How many times `AFTERMATH` a shutdown may take in real time.
const MAX_AFTERMATHS: usize = 12;
/// The most things that one receiver may report in a row before others get a turn.
const MAX_HEARD_AT_ONCE: usize = 1 << 20;

/// A live world.
pub(super) struct World {
    clock: Clock,
    /// What the world waits on while nothing happens.
    timer: Timer,
    observer: Arc<Observer>,
    mirror: Option<Arc<dyn Mirror>>,
    handle: Option<Box<dyn Handle>>,
    stopping: Option<Stopping>,
    stopped: bool,
    /// Receivers by number; `None` if dropped.
    receivers: Vec<Option<Box<dyn Receiver>>>,
    stalled: bool,
    pace: Pace,
    pulse: Arc<Pulse>,
    memory: Option<Memory>,
    calls: BTreeMap<String, u64>,
}

impl World {
    /// Plays the whole case.
    ///
    /// # Errors
    /// If the engine or the subscriber does not start.
    pub(super) async fn live(
        case: &Case,
        subject: &dyn Subject,
        pace: Pace,
    ) -> Result<Played, Unplayable> {
        let clock = clock_of(case, subject, pace);
        let (engine, net) = engine_of(case, &clock).in_memory()?;
        let deeds = case.deeds()?;
        let observer = Arc::new(Observer::new(clock.clone(), judge_of(case, subject, pace)));
        let host = host_of(subject).to_owned();
        let dialer: Arc<dyn Dialer> =
            Arc::new(WatchedDialer::new(net, Arc::clone(&observer), host));
        let _led = lead(Arc::clone(&dialer));
        engine.start();
        // The engine applies what holds at 0 before the subscriber's first dial.
        tokio::task::yield_now().await;
        let Running {
            mirror,
            record,
            handle,
            receiver,
        } = subject
            .start(Stage {
                url: url(case, &engine, subject),
                settings: case.settings.clone(),
                clock: Arc::new(clock.clone()),
                notebook: Notebook::unread(),
                display: Display::default(),
                shutdown: Shutdown::default(),
                dialer,
            })
            .map_err(Unplayable::Subject)?;
        observer.watch(mirror.clone(), record);
        if receiver.is_some() {
            observer.judge(|judge, _| judge.add_receiver());
        }
        let mut world = Self {
            clock: clock.clone(),
            timer: Timer::new(clock),
            observer: Arc::clone(&observer),
            mirror,
            handle,
            stopping: None,
            stopped: false,
            receivers: receiver.map(Some).into_iter().collect(),
            stalled: false,
            pace,
            pulse: Pulse::here(),
            memory: subject.memory().map(Memory::new),
            calls: BTreeMap::new(),
        };
        let end = end_of(case);
        for (at, deed) in deeds {
            if at >= end {
                break;
            }
            world.until(at).await;
            world.perform(deed).await;
        }
        world.until_over(end).await;
        world.close(case).await;
        let entries = engine.journal().take();
        engine.shutdown().await;
        world.bury(engine).await;
        Ok(world.judge(case, subject, &entries))
    }

    /// Runs until `until`, and looks at everything whenever something happens.
    async fn until(&mut self, until: Micros) {
        let mut next_look = self.observer.judge(|judge, _| judge.next_look());
        loop {
            let next = next_look.map_or(until, |next| next.min(until));
            let timer = &mut self.timer;
            let mut gave_up = None;
            let stopped = tokio::select! {
                biased;
                stopped = poll_stopping(&mut self.stopping) => Some(stopped),
                how = poll_ended(&mut self.handle) => {
                    gave_up = Some(how);
                    None
                }
                () = self.observer.stirred.notified() => None,
                () = self.pulse.answer() => None,
                () = poll_fn(|cx| timer.poll(cx, next)) => None,
            };
            if let Some(how) = gave_up {
                // Nothing is left to shut down.
                self.handle = None;
                self.observer
                    .note(0, Happening::Stopped(how.is_ok()), |judge, at| {
                        judge.gave_up(at, how);
                    });
            }
            if let Some(stopped) = stopped {
                self.stopping = None;
                self.stopped = true;
                let ended_well = stopped.is_ok();
                self.observer
                    .note(0, Happening::Stopped(ended_well), |judge, at| {
                        judge.stopped(at, ended_well);
                    });
            }
            next_look = self.look();
            if self.clock.now() >= until {
                return;
            }
        }
    }

    /// Runs until `end`. In real time, stops once the subscriber has recovered: the rest would be
    /// minutes of waiting for nothing new.
    async fn until_over(&mut self, end: Micros) {
        while self.pace == Pace::Real && !self.observer.judge(|judge, _| judge.has_recovered()) {
            let next = Micros(self.clock.now().0.saturating_add(LOOK_FOR_RECOVERY.0));
            if next >= end {
                break;
            }
            self.until(next).await;
        }
        let end = match self.pace {
            Pace::Virtual => end,
            // A recovered subscriber is watched at work for a moment longer.
            Pace::Real => Micros(self.clock.now().0.saturating_add(AFTERMATH.0)).min(end),
        };
        self.until(end).await;
    }

    /// Looks at everything; returns when to look again, even if nothing happens.
    fn look(&mut self) -> Option<Micros> {
        if let Some(taken) = self.memory.as_mut().and_then(Memory::too_much) {
            self.observer.judge(|judge, at| {
                judge.broke(Rule::R13, at, || {
                    format!(
                        "expected a case to take at most {} MiB of memory, found {} MiB allocated \
                         since its start",
                        MAX_MEMORY_BYTES >> 20,
                        taken >> 20
                    )
                });
            });
        }
        self.listen();
        self.observer.look_around()
    }

    /// Lets receivers that are reading hear what there is.
    fn listen(&mut self) {
        if self.stalled {
            return;
        }
        for (number, receiver) in self.receivers.iter_mut().enumerate() {
            let Some(receiver) = receiver else { continue };
            for _ in 0..MAX_HEARD_AT_ONCE {
                let Some(heard) = receiver.hear() else { break };
                if heard == Heard::Closed {
                    break;
                }
                self.observer.heard(number, &heard);
            }
        }
    }

    /// Lets the subscriber take in what was delivered to it.
    async fn settle(&mut self) {
        for _ in 0..TURNS_TO_SETTLE {
            self.look();
            if !self.observer.judge(|judge, _| judge.is_unsettled()) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn perform(&mut self, deed: Deed) {
        let call = match deed {
            Deed::DialTakes(takes) => return self.observer.dials_take(takes),
            Deed::Call(call) => call,
        };
        let possible = match call {
            Call::Shutdown | Call::DropHandle | Call::NewReceiver => self.handle.is_some(),
            Call::DropReceiver => self.receivers.iter().any(Option::is_some),
            Call::StallReceivers => !self.stalled,
            Call::ResumeReceivers => self.stalled,
            Call::Backfill(_) => self.mirror.is_some(),
        };
        if !possible {
            return;
        }
        if let Call::Backfill(_) = call {
            self.settle().await;
        }
        *self.calls.entry(call.name().to_owned()).or_default() += 1;
        self.observer.note(0, Happening::Called(call), |_, _| ());
        match call {
            Call::Shutdown => self.shut_down(),
            Call::DropHandle => drop(self.handle.take()),
            Call::DropReceiver => {
                let mut numbered = self.receivers.iter_mut().enumerate();
                if let Some((number, receiver)) = numbered.find(|(_, it)| it.is_some()) {
                    *receiver = None;
                    self.observer.judge(|judge, _| judge.drop_receiver(number));
                }
            }
            Call::NewReceiver => {
                self.settle().await;
                if let Some(receiver) = self.handle.as_ref().and_then(|it| it.receiver()) {
                    self.receivers.push(Some(receiver));
                    let stalled = self.stalled;
                    self.observer.judge(|judge, _| {
                        judge.add_receiver();
                        judge.stall_receivers(stalled);
                    });
                }
            }
            Call::StallReceivers => self.stall(true),
            Call::ResumeReceivers => self.stall(false),
            Call::Backfill(field) => self.backfill(field),
        }
    }

    fn stall(&mut self, stalled: bool) {
        // Receivers hear what is waiting: before a stall begins, or once it is over.
        self.listen();
        self.stalled = stalled;
        self.observer
            .judge(|judge, _| judge.stall_receivers(stalled));
        self.listen();
    }

    fn shut_down(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.observer.judge(Judge::shutdown);
            self.stopping = Some(handle.shutdown());
        }
    }

    fn backfill(&self, field: Field) {
        let payload = match field {
            Field::Status => r#"{"market":{"regime":"BACKFILL"},"positions":{"open":7}}"#,
            Field::Positions => r#"{"positions":[{"symbol":"BACKFILL","side":"long","size":1.0}]}"#,
            Field::Risk => r#"{"account_value":1.5,"halted":true}"#,
            Field::Regime => r#"{"regime":"BACKFILL","confidence":0.5}"#,
        };
        let wall = self.clock.wall();
        let Some(mirror) = &self.mirror else { return };
        if mirror.backfill(field, payload, wall) {
            self.observer
                .judge(|judge, at| judge.backfilled(at, field, payload));
        }
    }

    /// Ends the case: shuts down through any handle that remains; nothing may follow.
    async fn close(&mut self, case: &Case) {
        if self.stalled {
            self.stall(false);
        }
        if self.handle.is_some() {
            self.observer
                .note(0, Happening::Called(Call::Shutdown), |_, _| ());
            self.shut_down();
        }
        if self.pace == Pace::Real {
            return self.close_in_real_time().await;
        }
        let longest = Micros::from(case.settings.max_backoff);
        let until = self
            .clock
            .now()
            .0
            .saturating_add(longest.0.saturating_mul(2))
            .saturating_add(AFTERMATH.0);
        self.until(Micros(until)).await;
    }

    /// Closes the case in real time: waits for the shutdown, but not for what might follow it
    /// minutes later.
    async fn close_in_real_time(&mut self) {
        let later = |clock: &Clock| Micros(clock.now().0.saturating_add(AFTERMATH.0));
        for _ in 0..MAX_AFTERMATHS {
            let until = later(&self.clock);
            self.until(until).await;
            if self.stopping.is_none() {
                break;
            }
        }
        let until = later(&self.clock);
        self.until(until).await;
    }

    /// Drops the engine, then checks whether the subscriber has left any task behind.
    async fn bury(&mut self, engine: Engine) {
        drop(engine);
        if !self.stopped {
            return;
        }
        let metrics = RuntimeHandle::current().metrics();
        for _ in 0..TURNS_TO_END {
            if metrics.num_alive_tasks() == 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
        if self.pace == Pace::Virtual && self.observer.judge(|judge, _| judge.is_bounded()) {
            // A task that notices the end when it next wakes is not a leftover.
            for _ in 0..LOOKS_FOR_TASKS {
                let next = Micros(self.clock.now().0.saturating_add(LOOK_FOR_TASKS.0));
                self.clock.sleep_until(next).await;
                if metrics.num_alive_tasks() == 0 {
                    return;
                }
            }
        }
        let alive = metrics.num_alive_tasks();
        self.observer.judge(|judge, at| {
            judge.broke(Rule::R5, at, || {
                format!("expected no task once shutdown is over, found {alive}")
            });
        });
    }

    fn judge(self, case: &Case, subject: &dyn Subject, journal: &[Entry]) -> Played {
        let at = self.clock.now();
        let mirror = self.observer.text();
        let (mut trace, mut judge, mut moments) =
            self.observer.take(judge_of(case, subject, self.pace));
        judge.held(Rule::R13);
        trace.hash_in(mirror.as_bytes());
        let model = judge.expected();
        let (reconnects, messages) = (judge.reconnects(), judge.messages());
        let found = judge.finish(at);
        // Violations that are found only now get the moment at the end of the case.
        for violation in &found.violations[moments.len()..] {
            trace.mark(
                at,
                violation.dial.unwrap_or_default(),
                &format!("BROKEN {violation}"),
            );
            moments.push(Moment {
                mirror: mirror.clone(),
                model: model.clone(),
            });
        }
        let mut coverage = Coverage::of(&found);
        let engine_hash = engine_hash(journal);
        count_fired(case, subject.time(), journal, &mut coverage);
        coverage.calls = self.calls;
        Played {
            verdict: Verdict {
                violations: found.violations,
                coverage,
                hash: trace.hash(),
                engine_hash,
                blamed: BTreeSet::new(),
                virtual_us: at.0,
                reconnects,
                messages,
            },
            trace,
            moments,
        }
    }
}

/// Returns the judge of a case. In real time it also tolerates late dials, because timers fire late
/// on a busy machine.
fn judge_of(case: &Case, subject: &dyn Subject, pace: Pace) -> Judge {
    let quiet_at = case.about.quiet_at_us.map(Micros);
    let judge = match subject.terms_of(&case.settings) {
        Terms::Settings => Judge::exact(&case.settings, case.base.header.wall_at_zero(), quiet_at),
        Terms::Bounds(mut bounds) => {
            if pace == Pace::Real {
                bounds.max_off = REAL_TOLERANCE.into();
            }
            Judge::bounded(bounds, quiet_at).model(subject.model())
        }
    };
    judge.judging(&subject.rules()).asking(subject.own_rules())
}

/// The hash of what the engine did by the tape alone.
fn engine_hash(journal: &[Entry]) -> u64 {
    let mut hash = Fnv::new();
    for entry in journal.iter().filter(|entry| entry.conn.is_none()) {
        let words = match &entry.kind {
            JournalKind::Mark(words) | JournalKind::State(words) => words,
            kind @ (JournalKind::Down | JournalKind::Up | JournalKind::End) => kind.name(),
            _ => continue,
        };
        hash.take(&entry.at.0.to_le_bytes());
        hash.take(words.as_bytes());
    }
    hash.value()
}

/// Waits for the subscriber to end although nobody asked it to, and returns how it ended.
async fn poll_ended(handle: &mut Option<Box<dyn Handle>>) -> Result<(), String> {
    poll_fn(|cx| match handle {
        Some(handle) => handle.poll_ended(cx),
        None => Poll::Pending,
    })
    .await
}

/// Waits for the outcome of the shutdown in progress; if there is none, waits for ever.
async fn poll_stopping(stopping: &mut Option<Stopping>) -> Result<(), String> {
    match stopping {
        Some(stopping) => stopping.await,
        None => std::future::pending().await,
    }
}
