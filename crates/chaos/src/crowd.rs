//! A crowd: many subscribers of one engine that are dropped together.

use std::io;
use std::sync::Arc;

use engine_client::{DialError, Dialer, Dialing, JitterMode, Target, Transport};
use parking_lot::Mutex;
use wstape_mock_engine::{Clock, EngineError, MemoryNet};
use wstape_tape::{Micros, Trigger};

use super::case::Case;
use super::fired::count_fired;
use super::rules::{Findings, Rule};
use super::subject::{Judged, Opening};
use super::trace::{Happening, Trace};
use super::verdict::Verdict;
use super::world::engine_of;
use wstape_harness::SubjectClock;

/// The stretch of time whose reconnects are counted.
const WINDOW: Micros = Micros::from_ms(100);
/// Times its share that a stretch may hold at most.
const MOST_SHARES: u64 = 3;

/// When whose dial began.
type Dials = Mutex<Vec<(Micros, u32)>>;

/// A dialer that takes down when it is used.
#[derive(Debug)]
struct CountedDialer {
    net: MemoryNet,
    clock: Clock,
    number: u32,
    dials: Arc<Dials>,
}

impl Dialer for CountedDialer {
    fn dial<'a>(&'a self, _: &'a Target) -> Dialing<'a> {
        Box::pin(async {
            self.dials.lock().push((self.clock.now(), self.number));
            let connected: io::Result<_> = self.net.connect().await;
            let stream = connected.map_err(DialError::Connect)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

/// When the crowd is dropped: the first step of the faults tape.
fn dropped_at(case: &Case) -> Option<Micros> {
    case.faults
        .steps
        .iter()
        .find_map(|step| match step.trigger {
            Trigger::At(at) => Some(at),
            Trigger::OnConnect { .. } => None,
        })
}

/// Plays the case of a crowd.
///
/// # Errors
/// Where the engine or a subscriber does not start, in words.
pub(super) async fn play(case: &Case, subject: &dyn Judged) -> Result<(Verdict, Trace), String> {
    let engine_error = |error: EngineError| error.to_string();
    let clock = Clock::virtual_at(case.base.header.wall_at_zero());
    let (engine, net) = engine_of(case, &clock).in_memory().map_err(engine_error)?;
    engine.start();
    tokio::task::yield_now().await;
    let dials = Arc::new(Dials::default());
    let mut crowd = Vec::new();
    for number in 0..case.about.crowd {
        let mut settings = case.settings.clone();
        settings.jitter_seed = settings.jitter_seed.wrapping_add(u64::from(number));
        let started = subject.start(Opening {
            url: engine.url(),
            settings,
            clock: Arc::new(SubjectClock::new(clock.clone())),
            dialer: Arc::new(CountedDialer {
                net: net.clone(),
                clock: clock.clone(),
                number,
                dials: Arc::clone(&dials),
            }),
        })?;
        crowd.push(started);
    }
    engine.finished().await.map_err(engine_error)?;
    let entries = engine.journal().entries();
    drop(crowd);
    engine.shutdown().await;

    let dials = std::mem::take(&mut *dials.lock());
    let mut findings = Findings::new();
    findings.held(Rule::R13);
    spread(case, &dials, &mut findings);
    let mut trace = Trace::new();
    for (at, number) in &dials {
        trace.push(*at, u64::from(*number) + 1, Happening::Dial);
    }
    let reconnects = (dials.len() as u64).saturating_sub(u64::from(case.about.crowd));
    let (violations, mut coverage) = findings.finish();
    count_fired(case, &entries, &mut coverage);
    let verdict = Verdict {
        violations,
        coverage,
        hash: trace.hash(),
        virtual_us: clock.now().0,
        reconnects,
        messages: 0,
    };
    Ok((verdict, trace))
}

/// R15: the busiest stretch of reconnects holds at most so many times its share.
fn spread(case: &Case, dials: &[(Micros, u32)], findings: &mut Findings) {
    let (Some(dropped), JitterMode::Full) = (dropped_at(case), case.settings.jitter) else {
        return;
    };
    let cap = Micros::from(case.settings.initial_backoff.min(case.settings.max_backoff));
    let mut again = vec![None; case.about.crowd as usize];
    for (at, number) in dials {
        if *at >= dropped
            && let Some(first) = again.get_mut(*number as usize)
        {
            first.get_or_insert(*at);
        }
    }
    let mut times: Vec<Micros> = again.into_iter().flatten().collect();
    times.sort_unstable();
    if cap <= WINDOW || times.len() < case.about.crowd as usize {
        if times.len() < case.about.crowd as usize {
            findings.broke(Rule::R15, dropped, || {
                format!(
                    "expected all {} that were dropped to dial again, found {}",
                    case.about.crowd,
                    times.len()
                )
            });
        }
        return;
    }
    findings.held(Rule::R15);
    let (mut from, mut busiest, mut busiest_at) = (0, 0, Micros::ZERO);
    for (to, at) in times.iter().enumerate() {
        while at.0 - times[from].0 >= WINDOW.0 {
            from += 1;
        }
        if to + 1 - from > busiest {
            (busiest, busiest_at) = (to + 1 - from, times[from]);
        }
    }
    let crowd = times.len() as u64;
    let most = (MOST_SHARES * crowd * WINDOW.0).div_ceil(cap.0);
    if busiest as u64 > most {
        findings.broke(Rule::R15, busiest_at, || {
            format!(
                "expected at most {most} of {crowd} reconnects within {WINDOW} s, spread over \
                 {cap} s; found {busiest}"
            )
        });
    }
}
