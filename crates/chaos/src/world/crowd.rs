//! A crowd: many subscribers of one engine that are dropped together.

use std::sync::Arc;

use parking_lot::Mutex;
use wstape_harness::{Dialer, Dialing, Notebook, Stage, Subject, Transport};
use wstape_mock_engine::{Clock, EngineError, MemoryNet};
use wstape_oracle::{Findings, Rule, spread};
use wstape_tape::{Micros, Trigger};

use super::engine::{clock_of, engine_of, url};
use super::fired::count_fired;
use super::trace::{Happening, Trace};
use crate::case::Case;
use crate::coverage::Coverage;
use crate::verdict::Verdict;

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
    fn dial<'a>(&'a self, _host: &'a str, _port: u16) -> Dialing<'a> {
        Box::pin(async {
            self.dials.lock().push((self.clock.now(), self.number));
            let stream = self.net.connect().await?;
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
            _ => None,
        })
}

/// Plays the case of a crowd.
///
/// # Errors
/// Where the engine or a subscriber does not start, in words.
pub(super) async fn play(case: &Case, subject: &dyn Subject) -> Result<(Verdict, Trace), String> {
    let engine_error = |error: EngineError| error.to_string();
    let clock = clock_of(case, subject);
    let (engine, net) = engine_of(case, &clock).in_memory().map_err(engine_error)?;
    engine.start();
    tokio::task::yield_now().await;
    let dials = Arc::new(Dials::default());
    let mut crowd = Vec::new();
    for number in 0..case.about.crowd {
        let mut settings = case.settings.clone();
        settings.jitter_seed = settings.jitter_seed.wrapping_add(u64::from(number));
        let dialer: Arc<dyn Dialer> = Arc::new(CountedDialer {
            net: net.clone(),
            clock: clock.clone(),
            number,
            dials: Arc::clone(&dials),
        });
        let started = subject.start(Stage {
            url: url(case, &engine, subject.time()),
            settings,
            clock: Arc::new(clock.clone()),
            notebook: Notebook::unread(),
            dialer,
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
    if let Some(dropped) = dropped_at(case) {
        let crowd = case.about.crowd as usize;
        spread(&case.settings, crowd, dropped, &dials, &mut findings);
    }
    let mut trace = Trace::new();
    for (at, number) in &dials {
        trace.push(*at, u64::from(*number) + 1, Happening::Dial);
    }
    let reconnects = (dials.len() as u64).saturating_sub(u64::from(case.about.crowd));
    let found = findings.finish();
    let mut coverage = Coverage::of(&found);
    count_fired(case, subject.time(), &entries, &mut coverage);
    let verdict = Verdict {
        violations: found.violations,
        coverage,
        hash: trace.hash(),
        virtual_us: clock.now().0,
        reconnects,
        messages: 0,
    };
    Ok((verdict, trace))
}
