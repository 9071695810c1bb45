//! A world: one case, played at one subscriber, in virtual time.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::runtime::{Builder, Handle as RuntimeHandle};
use wstape_mock_engine::{Clock, Engine, EngineBuilder, Entry, StartAt};
use wstape_tape::{Action, Micros, Trigger};

use super::case::{Call, Case, Deed};
use super::crowd;
use super::fired::count_fired;
use super::logs::{Searched, Secret, Watch};
use super::network::{WatchedDialer, Witness};
use super::rules::{Bench, Rule, Violation};
use super::subject::{Field, Handle, Heard, Judged, Opening, Receiver, Started, Stopping};
use super::trace::{Happening, Trace};
use super::verdict::Verdict;
use wstape_harness::SubjectClock;

/// The host that an engine in memory answers for.
const HOST: &str = "mock-engine";
/// User info, the password in it, and query of the URL in a case about secrets.
const SECRET_USER: &str = "usr-5ecret:pw-5ecret";
const SECRET_PASSWORD: &str = "pw-5ecret";
const SECRET_QUERY: &str = "key=qry-5ecret";
/// Turns that tasks get to end in, once nothing keeps them.
const TURNS_TO_END: usize = 64;
/// Turns that a subscriber gets to take in what was delivered.
const TURNS_TO_SETTLE: usize = 64;
/// How long after a shutdown nothing may connect, beyond the longest delay.
const AFTERMATH: Micros = Micros::from_ms(1_000);
/// How long a case goes on whose base has no `end`.
const WITHOUT_END: Micros = Micros::from_ms(1_000);
/// Things that one receiver may say in a row before others get a turn.
const MAX_HEARD_AT_ONCE: usize = 1 << 20;

/// A case that was played.
#[derive(Debug, Clone)]
pub struct Played {
    /// What came of it.
    pub verdict: Verdict,
    /// All that happened.
    pub trace: Trace,
    /// The mirror at the first violation, or at the end, as JSON text.
    pub mirror: String,
    /// What the model says that it should be.
    pub model: String,
}

/// Plays a case at a subscriber and judges it.
///
/// A case that can't be played (a tape that is no tape, a subscriber that does not start) comes
/// out as a violation of [`Rule::R13`], and so does a panic: nothing that a case does may end the
/// run.
///
/// # Panics
/// Inside a tokio runtime.
#[must_use]
pub fn play(case: &Case, subject: &dyn Judged) -> Played {
    let caught = catch_unwind(AssertUnwindSafe(|| play_out(case, subject)));
    match caught {
        Ok(Ok(played)) => played,
        Ok(Err(error)) => unplayed(error.to_string()),
        Err(panic) => {
            let why = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            unplayed(format!("expected no panic, found one: {why}"))
        }
    }
}

fn unplayed(what: String) -> Played {
    Played {
        verdict: Verdict {
            violations: vec![Violation {
                rule: Rule::R13,
                at_us: 0,
                dial: None,
                what,
            }],
            ..Verdict::default()
        },
        trace: Trace::new(),
        mirror: String::new(),
        model: String::new(),
    }
}

/// Why a case can't be played.
#[derive(Debug, thiserror::Error)]
enum Unplayable {
    #[error("no runtime: {0}")]
    Runtime(#[from] io::Error),
    #[error(transparent)]
    Engine(#[from] wstape_mock_engine::EngineError),
    #[error(transparent)]
    Case(#[from] super::case::CaseError),
    #[error("the subscriber does not start: {0}")]
    Subject(String),
}

fn play_out(case: &Case, subject: &dyn Judged) -> Result<Played, Unplayable> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    if case.about.crowd > 1 {
        let (verdict, trace) = runtime
            .block_on(crowd::play(case, subject))
            .map_err(Unplayable::Subject)?;
        return Ok(Played {
            verdict,
            trace,
            mirror: String::new(),
            model: String::new(),
        });
    }
    let secrets = secrets(case);
    if secrets.is_empty() {
        return runtime.block_on(World::live(case, subject));
    }
    let watch = Watch::begin(secrets);
    let played = runtime.block_on(World::live(case, subject));
    // What still runs ends, and may log.
    drop(runtime);
    let searched = watch.end();
    let mut played = played?;
    judge_logs(&searched, &mut played.verdict);
    Ok(played)
}

/// What must not be logged in this case.
fn secrets(case: &Case) -> Vec<Secret> {
    if !case.about.secrets {
        return Vec::new();
    }
    let token = case.settings.token.as_deref();
    token
        .into_iter()
        .flat_map(|token| Secret::both("the token", token))
        .chain(Secret::both("the user info", SECRET_USER))
        .chain(Secret::both("the password", SECRET_PASSWORD))
        .chain(Secret::both("the query", SECRET_QUERY))
        .collect()
}

/// R14: no secret in any log line.
fn judge_logs(searched: &Searched, verdict: &mut Verdict) {
    if searched.lines > 0 {
        verdict.coverage.held(Rule::R14, searched.lines);
    }
    if let Some((name, by)) = &searched.found {
        verdict.violations.push(Violation {
            rule: Rule::R14,
            at_us: 0,
            dial: None,
            what: format!("expected no secret in any log line, found {name} in one of {by}"),
        });
    }
}

/// The URL of the engine, with secrets in it where the case is about them.
fn url(case: &Case, engine: &Engine) -> String {
    let url = engine.url();
    if case.about.secrets {
        let rest = url.strip_prefix("ws://").unwrap_or(&url);
        format!("ws://{SECRET_USER}@{rest}?{SECRET_QUERY}")
    } else {
        url
    }
}

/// The engine that plays a case, to be.
pub(super) fn engine_of(case: &Case, clock: &Clock) -> EngineBuilder {
    Engine::builder()
        .clock(clock.clone())
        .token(case.settings.engine_token.clone())
        .start_at(StartAt::Call)
        .layer(Arc::clone(&case.base))
        .layer(Arc::clone(&case.faults))
}

/// When the case is over.
fn end_of(case: &Case) -> Micros {
    let last = case.base.steps.iter().rev().find_map(|step| {
        let Trigger::At(at) = step.trigger else {
            return None;
        };
        Some((at, step.action == Action::End))
    });
    match last {
        Some((at, true)) => at,
        Some((at, false)) => Micros(at.0.saturating_add(WITHOUT_END.0)),
        None => WITHOUT_END,
    }
}

/// A world while it lives.
struct World {
    clock: Clock,
    witness: Arc<Witness>,
    view: Arc<dyn super::subject::View>,
    handle: Option<Box<dyn Handle>>,
    stopping: Option<Stopping>,
    stopped: bool,
    /// Receivers by their number; `None` where one was dropped.
    receivers: Vec<Option<Box<dyn Receiver>>>,
    stalled: bool,
    calls: std::collections::BTreeMap<String, u64>,
    /// The mirror when the first rule broke.
    mirror_then: Option<String>,
}

impl World {
    async fn live(case: &Case, subject: &dyn Judged) -> Result<Played, Unplayable> {
        let clock = Clock::virtual_at(case.base.header.wall_at_zero());
        let (engine, net) = engine_of(case, &clock).in_memory()?;
        let deeds = case.deeds()?;
        let witness = Arc::new(Witness::new(clock.clone(), Bench::new(case)));
        let dialer = WatchedDialer::new(net, Arc::clone(&witness), HOST.to_owned());
        engine.start();
        // The engine applies what holds at 0 before the subscriber's first dial.
        tokio::task::yield_now().await;
        let Started {
            view,
            handle,
            receiver,
        } = subject
            .start(Opening {
                url: url(case, &engine),
                settings: case.settings.clone(),
                clock: Arc::new(SubjectClock::new(clock.clone())),
                dialer: Arc::new(dialer),
            })
            .map_err(Unplayable::Subject)?;
        witness.watch(Arc::clone(&view));
        witness.bench(|bench, _| bench.add_receiver());
        let mut world = Self {
            clock: clock.clone(),
            witness: Arc::clone(&witness),
            view,
            handle: Some(handle),
            stopping: None,
            stopped: false,
            receivers: vec![Some(receiver)],
            stalled: false,
            calls: std::collections::BTreeMap::new(),
            mirror_then: None,
        };
        let end = end_of(case);
        for (at, deed) in deeds {
            if at >= end {
                break;
            }
            world.until(at).await;
            world.perform(deed).await;
        }
        world.until(end).await;
        world.close(case).await;
        let journal = engine.journal();
        let entries = journal.entries();
        engine.shutdown().await;
        world.bury(engine).await;
        Ok(world.judge(case, &entries))
    }

    /// Lives until `until`, looking whenever something stirs.
    async fn until(&mut self, until: Micros) {
        loop {
            let next = self
                .witness
                .bench(|bench, _| bench.next_look())
                .map_or(until, |next| next.min(until));
            let stopped = tokio::select! {
                biased;
                stopped = poll_stopping(&mut self.stopping) => Some(stopped),
                () = self.witness.stirred.notified() => None,
                () = self.clock.sleep_until(next) => None,
            };
            if let Some(stopped) = stopped {
                self.stopping = None;
                self.stopped = true;
                let ended_well = stopped.is_ok();
                self.witness
                    .note(0, Happening::Stopped(ended_well), |bench, at| {
                        bench.stopped(at, ended_well);
                    });
            }
            self.look();
            if self.clock.now() >= until {
                return;
            }
        }
    }

    fn look(&mut self) {
        self.listen();
        self.witness.look(false);
        self.witness.bench(Bench::look_at_receivers);
        if self.mirror_then.is_none()
            && self
                .witness
                .bench(|bench, _| !bench.findings.violations.is_empty())
        {
            self.mirror_then = Some(self.mirror());
        }
    }

    /// Lets receivers that read hear what there is.
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
                self.witness.heard(number, &heard);
            }
        }
    }

    /// Lets the subscriber take in what was delivered to it.
    async fn settle(&mut self) {
        for _ in 0..TURNS_TO_SETTLE {
            self.look();
            if !self.witness.bench(|bench, _| bench.unsettled()) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn perform(&mut self, deed: Deed) {
        let call = match deed {
            Deed::DialTakes(takes) => return self.witness.dials_take(takes),
            Deed::Call(call) => call,
        };
        let possible = match call {
            Call::Shutdown | Call::DropHandle | Call::NewReceiver => self.handle.is_some(),
            Call::DropReceiver => self.receivers.iter().any(Option::is_some),
            Call::StallReceivers => !self.stalled,
            Call::ResumeReceivers => self.stalled,
            Call::Backfill(_) => true,
        };
        if !possible {
            return;
        }
        if let Call::Backfill(_) = call {
            self.settle().await;
        }
        *self.calls.entry(call.name().to_owned()).or_default() += 1;
        self.witness.note(0, Happening::Called(call), |_, _| ());
        match call {
            Call::Shutdown => self.shut_down(),
            Call::DropHandle => drop(self.handle.take()),
            Call::DropReceiver => {
                let mut numbered = self.receivers.iter_mut().enumerate();
                if let Some((number, receiver)) = numbered.find(|(_, it)| it.is_some()) {
                    *receiver = None;
                    self.witness.bench(|bench, _| bench.drop_receiver(number));
                }
            }
            Call::NewReceiver => {
                self.settle().await;
                if let Some(handle) = &self.handle {
                    self.receivers.push(Some(handle.receiver()));
                    let stalled = self.stalled;
                    self.witness.bench(|bench, _| {
                        bench.add_receiver();
                        bench.stall_receivers(stalled);
                    });
                }
            }
            Call::StallReceivers => self.stall(true),
            Call::ResumeReceivers => self.stall(false),
            Call::Backfill(field) => self.backfill(field),
        }
    }

    fn stall(&mut self, stalled: bool) {
        // What there is to hear is heard before, or after.
        self.listen();
        self.stalled = stalled;
        self.witness
            .bench(|bench, _| bench.stall_receivers(stalled));
        self.listen();
    }

    fn shut_down(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.witness.bench(Bench::shutdown);
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
        self.view.backfill(field, payload, wall);
        self.witness
            .bench(|bench, at| bench.backfilled(at, field, payload));
    }

    /// Ends the case: whoever still has a handle shuts down, and nothing may follow.
    async fn close(&mut self, case: &Case) {
        if self.stalled {
            self.stall(false);
        }
        if self.handle.is_some() {
            self.witness
                .note(0, Happening::Called(Call::Shutdown), |_, _| ());
            self.shut_down();
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

    /// The engine is gone; looks whether the subscriber has left anything.
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
        let alive = metrics.num_alive_tasks();
        self.witness.bench(|bench, at| {
            bench.findings.broke(Rule::R5, at, || {
                format!("expected no task once shutdown is over, found {alive}")
            });
        });
    }

    fn mirror(&self) -> String {
        let mut text = Vec::from(*b"{");
        for field in Field::ALL {
            text.extend_from_slice(format!("\"{}\":", field.name()).as_bytes());
            self.view.field(field, &mut text);
            text.push(b',');
        }
        let heartbeat = match self.view.last_heartbeat() {
            Some(at) => format!("\"{at:?}\""),
            None => "null".to_owned(),
        };
        let health = serde_json::to_string(&self.view.health())
            .expect("a connection's record serialises into memory");
        text.extend_from_slice(
            format!("\"last_heartbeat\":{heartbeat},\"connection\":{health}}}").as_bytes(),
        );
        String::from_utf8_lossy(&text).into_owned()
    }

    fn judge(self, case: &Case, journal: &[Entry]) -> Played {
        let at = self.clock.now();
        let mirror = self.mirror();
        let (mut trace, mut bench) = self.witness.take(Bench::new(case));
        bench.findings.held(Rule::R13);
        trace.hash_in(mirror.as_bytes());
        let model = bench.expected();
        let (reconnects, messages) = (bench.reconnects, bench.messages);
        let (violations, mut coverage) = bench.finish(at);
        count_fired(case, journal, &mut coverage);
        coverage.calls = self.calls;
        Played {
            verdict: Verdict {
                violations,
                coverage,
                hash: trace.hash(),
                virtual_us: at.0,
                reconnects,
                messages,
            },
            trace,
            mirror: self.mirror_then.unwrap_or(mirror),
            model,
        }
    }
}

/// The shutdown's outcome, where one is under way; otherwise never.
async fn poll_stopping(stopping: &mut Option<Stopping>) -> Result<(), String> {
    match stopping {
        Some(stopping) => stopping.await,
        None => std::future::pending().await,
    }
}
