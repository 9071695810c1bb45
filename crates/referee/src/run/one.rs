//! One run: a client, an engine, and the questions, until each has its answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use wstape_mock_engine::{Clock, Engine, EngineBuilder, Retention, StartAt};
use wstape_tape::Micros;

use super::baseline::Baseline;
use super::flood::Pour;
use super::lateness::Lateness;
use super::names::Names;
use super::options::{Options, RefereeError};
use super::other_port::OtherPort;
use crate::case::Run;
use crate::facts::{Alike, Facts, micros, seconds};
use crate::lanes::Lanes;
use crate::process::{
    Client, Exit, Leftovers, Output, Process, Told, Uncaught, Vitals, Wanted, last_words, uncaught,
};
use crate::question::{Look, Question, Sample, ended, load_may_decide};
use crate::report::RunReport;
use crate::verdict::{Finding, Verdict};

/// How long a client may take from its start to its first dial.
const START_WAIT_S: f64 = 60.0;
/// How often resource use is measured.
const MEASURE_EVERY: Duration = Duration::from_millis(500);
/// How often to look during a storm: each look takes in everything that came meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often a flood looks for room.
const POUR_EVERY: Duration = Duration::from_millis(1);
/// A spinning client is stopped after this many dials, unless the case asks about its reconnects.
const MAX_DIALS: usize = 1_000;
/// The most entries that the journal keeps, which have to last from one look to the next.
const MAX_ENTRIES: usize = 100_000;

/// A run's result: its report, and whether the machine was too busy to believe it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) report: RunReport,
    pub(super) was_busy: bool,
    pub(super) rests_on_gaps: bool,
    /// Its contributions to questions that several processes answer together, by question.
    pub(super) samples: Vec<Option<Sample>>,
}

impl Outcome {
    /// Returns the outcome of a run that was not played to its end.
    pub(super) fn unplayed(run: &Run<'_>) -> Self {
        Self {
            report: RunReport::unplayed(run.name()),
            was_busy: false,
            rests_on_gaps: false,
            samples: Vec::new(),
        }
    }
}

/// Plays one run to its end; `begun` is called once the client has dialled, or has used up its
/// time.
pub(super) async fn play(
    options: &Options,
    baseline: &Baseline,
    run: &Run<'_>,
    names: &Names,
    begun: &mut (dyn FnMut() + Send),
) -> Result<Outcome, RefereeError> {
    let clock = Clock::real_now();
    let other = if run.case.other_port {
        Some(OtherPort::open(clock.clone(), names.token.clone()).await?)
    } else {
        None
    };
    let other_url = other.as_ref().map_or(String::new(), OtherPort::url);
    let length = micros(run.case.until_s + START_WAIT_S);
    let quiet_from = run.case.quiet_from_s.map(micros);
    let builder = Engine::builder()
        .layer(options.healthy.lasting(length, quiet_from))
        .layer(run.tape(&other_url)?);
    let asks = run.asks().map_err(io::Error::from)?;
    let flood = run.flood().map_err(io::Error::from)?;
    let mut session = Session::start(options, builder, clock, names, run.case.copies).await?;
    session.other = other;
    session.alike = baseline.alike.clone();
    session.start_s = baseline.start_s();
    session.may_end = run.case.may_end || options.once;
    session.flood = flood.map(Pour::new);
    let unasked = unasked(options, baseline, &asks);
    let findings = session.ask(run, &unasked, &asks, begun).await;
    let samples = session.samples(&unasked, &asks);
    let mut outcome = session.end(run, &asks, findings).await;
    outcome.samples = samples;
    Ok(outcome)
}

/// An engine with its clients, and what has been seen of them.
pub(super) struct Session {
    engine: Engine,
    clients: Vec<Client>,
    clock: Clock,
    started: Micros,
    facts: Facts,
    vitals: Vec<(Micros, Vitals)>,
    measured: Option<Instant>,
    lateness: Lateness,
    other: Option<OtherPort>,
    told_to_end: Option<Micros>,
    gone: Option<Micros>,
    left_behind: Vec<Process>,
    alike: Alike,
    may_end: bool,
    /// How long its start may keep others from being started, in seconds.
    start_s: f64,
    flood: Option<Pour>,
}

impl Session {
    pub(super) async fn start(
        options: &Options,
        builder: EngineBuilder,
        clock: Clock,
        names: &Names,
        copies: usize,
    ) -> Result<Self, RefereeError> {
        let engine = builder
            .clock(clock.clone())
            .retention(Retention::Last(MAX_ENTRIES))
            .start_at(StartAt::FirstConnection)
            .listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await?;
        let told = Told::new(engine.url(), names.token.clone());
        let started = clock.now();
        // Each has a mark of its own: ending one sweeps up everything with its mark.
        let clients = (1..=copies.max(1))
            .map(|n| {
                let mark = format!("{}-{n}", names.mark);
                Client::start(&options.keeper, &options.client, &told, &mark)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            engine,
            clients,
            clock,
            started,
            facts: Facts::new(names.token.clone()),
            vitals: Vec::new(),
            measured: None,
            lateness: Lateness::new(),
            other: None,
            told_to_end: None,
            gone: None,
            left_behind: Vec::new(),
            alike: Alike::default(),
            may_end: false,
            start_s: 0.0,
            flood: None,
        })
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Waits for something to happen, or for the next look, and takes it in.
    pub(super) async fn go_on(&mut self, wanted: Option<Wanted>) {
        let flows = self.flood.as_ref().is_some_and(Pour::flows);
        let journal = self.engine.journal();
        let changed = self.clients[0].seen().clone();
        tokio::select! {
            biased;
            () = self.lateness.tick() => {}
            () = tokio::time::sleep(POUR_EVERY), if flows => {}
            () = async {
                journal.wait_for(|entries| !entries.is_empty()).await;
                tokio::time::sleep(LOOK_EVERY).await;
            } => {}
            () = changed.changed.notified() => {}
        }
        for entry in journal.take() {
            self.facts.observe(&entry);
        }
        if self.gone.is_none() && self.all_exited() {
            self.gone = Some(self.clock.now());
            self.measured = None;
        }
        let due = self
            .measured
            .is_none_or(|last| last.elapsed() >= MEASURE_EVERY);
        // What is left behind is measured once the client has gone, and then as often as everything
        // else.
        if due && self.gone.is_some() && self.told_to_end.is_some() {
            self.measured = Some(Instant::now());
            self.left_behind = self.clients.iter().flat_map(Client::processes).collect();
        }
        if let Some(wanted) = wanted.filter(|_| due) {
            self.measured = Some(Instant::now());
            if let Some(vitals) = self.clients[0].vitals(self.port(), wanted) {
                self.vitals.push((self.clock.now(), vitals));
            }
        }
    }

    fn all_exited(&self) -> bool {
        self.clients
            .iter()
            .all(|it| it.seen().exit().is_some() || it.seen().keeper_gone())
    }

    /// How a client's process ended, if it has, and its last words.
    pub(super) fn exit(&self) -> Option<(Exit, Option<String>)> {
        let seen = self.clients.iter().map(Client::seen);
        let mut ended = seen.filter_map(|seen| Some((seen, seen.exit()?)));
        let (seen, exit) = ended.next()?;
        let status = match exit {
            Exit::Status(status) => Some(status),
            Exit::Signal(_) => None,
        };
        Some((exit, last_words(&seen.output(Output::text), status)))
    }

    /// Why the client could not be started.
    pub(super) fn not_started(&self) -> Option<String> {
        self.clients.iter().find_map(|it| it.seen().not_started())
    }

    /// What the first client has printed.
    pub(super) fn printed(&self) -> String {
        self.clients[0].seen().output(Output::text)
    }

    /// Uncaught errors of all clients.
    fn uncaught(&self) -> Vec<Uncaught> {
        let by_itself = self.told_to_end.is_none();
        let of = |seen: &std::sync::Arc<crate::process::Seen>| {
            let status = match seen.exit() {
                Some(Exit::Status(status)) if by_itself => Some(status),
                _ => None,
            };
            uncaught(&seen.output(Output::text), status)
        };
        let mut all: Vec<Uncaught> = self.clients.iter().flat_map(|it| of(it.seen())).collect();
        all.dedup();
        all
    }

    /// Proportional memory of one client, if the system tells.
    pub(super) fn memory_bytes(&self) -> Option<u64> {
        let vitals = self.clients[0].vitals(self.port(), Wanted::Memory);
        vitals.map(|it| it.memory_bytes)
    }

    fn port(&self) -> u16 {
        self.engine.local_addr().map_or(0, |addr| addr.port())
    }

    /// Seconds since the client was started.
    pub(super) fn running_s(&self) -> f64 {
        seconds(self.clock.now().0 - self.started.0)
    }

    /// Seconds from the client's start to its first dial, if it has dialled.
    pub(super) fn dialled_s(&self) -> Option<f64> {
        let first = self.facts.attempts().first()?;
        Some(seconds(first.accepted.0.saturating_sub(self.started.0)))
    }

    /// The requests to the other port, if there is one.
    fn strangers(&self) -> Vec<(Micros, bool)> {
        self.other.as_ref().map(OtherPort::seen).unwrap_or_default()
    }

    fn look<'a>(&'a self, strangers: &'a [(Micros, bool)]) -> Look<'a> {
        Look {
            facts: &self.facts,
            alike: &self.alike,
            vitals: &self.vitals,
            strangers,
            told_to_end: self.told_to_end,
            gone: self.gone,
            left_behind: &self.left_behind,
            now: self.clock.now(),
            copies: self.clients.len(),
        }
    }

    /// Asks until each question has its answer, or time runs out.
    async fn ask(
        &mut self,
        run: &Run<'_>,
        unasked: &[Option<Finding>],
        asks: &[Question],
        begun: &mut (dyn FnMut() + Send),
    ) -> Vec<Finding> {
        let mut answers = unasked.to_vec();
        let wanted = asks.iter().filter_map(Question::wants).max();
        let reconnects = asks.iter().any(|it| matches!(it, Question::Leak(_)));
        loop {
            self.go_on(wanted).await;
            let is_slow = self.running_s() > self.start_s;
            if !self.facts.attempts().is_empty() || is_slow || self.gone.is_some() {
                begun();
            }
            let strangers = self.strangers();
            let look = self.look(&strangers);
            for (ask, answer) in asks.iter().zip(&mut answers) {
                if answer.is_none() {
                    *answer = ask.look(&look);
                }
            }
            if answers.iter().all(Option::is_some) {
                break;
            }
            let spins = !reconnects && self.facts.attempts().len() >= MAX_DIALS;
            if spins || self.is_over(run) || self.ended_by_itself() {
                break;
            }
            self.tell_to_end(run);
            self.pour();
        }
        let strangers = self.strangers();
        if let Some(settled) = self.settled() {
            // It ended by itself: open questions can't be asked any more.
            let mut findings: Vec<Finding> = answers.into_iter().flatten().collect();
            findings.push(settled);
            return findings;
        }
        let look = self.look(&strangers);
        let all = asks.iter().zip(answers);
        all.map(|(ask, answer)| answer.unwrap_or_else(|| ask.at_the_end(&look)))
            .collect()
    }

    /// Whether the case's time is over. It begins with the first dial.
    fn is_over(&self, run: &Run<'_>) -> bool {
        let now = self.clock.now();
        match self.facts.attempts().first() {
            Some(first) => seconds(now.0 - first.accepted.0) > run.case.until_s,
            None => self.running_s() > run.case.until_s + START_WAIT_S,
        }
    }

    fn ended_by_itself(&self) -> bool {
        self.gone.is_some() && self.told_to_end.is_none()
    }

    /// Says what it means that the client ended by itself, if it did.
    fn settled(&self) -> Option<Finding> {
        if !self.ended_by_itself() {
            return None;
        }
        Some(match self.exit() {
            Some((exit, last_line)) => ended(exit, last_line.as_deref(), self.may_end),
            None => Finding::new(Verdict::Fail, "killed the process that kept it"),
        })
    }

    /// Returns the run's contributions to questions that several processes answer together.
    fn samples(&self, unasked: &[Option<Finding>], asks: &[Question]) -> Vec<Option<Sample>> {
        let look = self.look(&[]);
        let all = asks.iter().zip(unasked);
        all.map(|(ask, unasked)| ask.sample(&look).filter(|_| unasked.is_none()))
            .collect()
    }

    /// Sends as much of a flood as there is room for.
    fn pour(&mut self) {
        if let Some(mut flood) = self.flood.take() {
            let look = self.look(&[]);
            flood.pour(&self.engine, &look);
            self.flood = Some(flood);
        }
    }

    fn tell_to_end(&mut self, run: &Run<'_>) {
        let Some(signal) = &run.case.signal else {
            return;
        };
        if self.told_to_end.is_some() {
            return;
        }
        let look = self.look(&[]);
        let due = signal
            .after
            .find(&look)
            .is_some_and(|from| look.since(from) >= signal.wait_s);
        if due {
            for client in &mut self.clients {
                client.term();
            }
            self.told_to_end = Some(self.clock.now());
        }
    }

    /// Ends the clients and the engine.
    pub(super) async fn stop(self) -> (Facts, Vec<Leftovers>, Duration) {
        let lateness = self
            .clients
            .iter()
            .map(|it| it.seen().lateness())
            .fold(self.lateness.most(), Duration::max);
        let leftovers = self.clients.into_iter().map(Client::end).collect();
        self.engine.shutdown().await;
        (self.facts, leftovers, lateness)
    }

    async fn end(self, run: &Run<'_>, asks: &[Question], findings: Vec<Finding>) -> Outcome {
        let took_s = self.running_s();
        let outputs = self.clients.iter().map(Client::seen);
        let printed_token = outputs.clone().any(|it| it.output(Output::leaked));
        let printed = self.printed();
        let died = self.told_to_end.is_none()
            && outputs
                .filter_map(|it| it.exit())
                .any(|it| matches!(it, Exit::Signal(_)));
        let uncaught = self.uncaught();
        let given_away = self.strangers().iter().any(|(_, token)| *token);
        let until = self.clock.now();
        let (facts, leftovers, lateness) = self.stop().await;
        let late_s = lateness.as_secs_f64();
        let was_busy = load_may_decide(asks, &findings, late_s);
        let mut report = RunReport::new(run.name(), findings);
        report.took_s = took_s;
        report.late_s = late_s;
        report.journal = facts.lines();
        report.printed = printed;
        report.died = died;
        report.uncaught = uncaught;
        report.token.sent = facts.attempts().iter().any(|it| it.brought_token);
        report.token.printed = printed_token;
        report.token.given_away = given_away;
        report.lanes = Lanes::of(&facts, until);
        report.notes = leftovers.iter().filter_map(|it| said(*it)).collect();
        Outcome {
            report,
            was_busy,
            rests_on_gaps: asks.iter().any(Question::rests_on_gaps),
            samples: Vec::new(),
        }
    }
}

/// Returns the questions that need not be asked of this client, with the reason.
fn unasked(options: &Options, baseline: &Baseline, asks: &[Question]) -> Vec<Option<Finding>> {
    let why = |ask: &Question| {
        if options.once && ask.takes_coming_back() {
            return Some("it promises one connection only".to_owned());
        }
        (baseline.together > 1 && ask.rests_on_gaps()).then(|| {
            let n = baseline.together;
            format!("it has {n} connections at a time: whose gap is whose can't be told")
        })
    };
    let none = |what| Finding::new(Verdict::NotApplicable, what);
    asks.iter().map(|ask| why(ask).map(none)).collect()
}

/// Says what had to be cleaned up, in a sentence.
fn said(leftovers: Leftovers) -> Option<String> {
    let mut said = Vec::new();
    if leftovers.keeper_was_killed {
        said.push("it killed the process that kept it".to_owned());
    }
    if leftovers.escaped > 0 {
        said.push(format!(
            "{} of its processes had escaped and were ended",
            leftovers.escaped
        ));
    }
    if leftovers.left > 0 {
        said.push(format!(
            "{} of its processes could not be ended",
            leftovers.left
        ));
    }
    (!said.is_empty()).then(|| said.join("; "))
}
