//! Whatever a subscriber does wrong gives a named finding, and none of it holds up the run.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use wstape_chaos::{
    BLOCKING_AFTER, Case, Determinism, Draw, HANG_AFTER, Job, Options, Play, Run, Tally, draw, play,
};
use wstape_harness::{Stage, Subject, Terms, subject};
use wstape_oracle::{Rule, Violation};
use wstape_tape::Tape;

/// The most looks at a run before it is reported as hanging.
const MAX_LOOKS: u32 = 5_000_000;

/// How many looks to take at a run just before a finding is due, because it takes several to show
/// what the run is doing.
const EARLY_LOOKS: u32 = 2_000;

/// Returns a case of ten seconds in which nothing happens.
fn case() -> Case {
    let tape = Tape::parse("quiet", "{\"tape\":1}\n{\"at_ms\":10000,\"end\":true}\n");
    Case::from_tape(tape.expect("a tape")).expect("a case")
}

/// Returns what the case finds.
fn found(subject: &dyn Subject) -> Vec<(Rule, String)> {
    let violations = play(&case(), subject).verdict.violations;
    violations.into_iter().map(|v| (v.rule, v.what)).collect()
}

fn says(found: &[(Rule, String)], rule: Rule, what: &str) {
    let named = |(of, said): &(Rule, String)| *of == rule && said.contains(what);
    assert!(found.iter().any(named), "{rule}, {what}: {found:?}");
}

async fn connect(stage: &Stage) -> wstape_dial::Stream {
    let stream = wstape_dial::dial("127.0.0.1", 1).await.expect("it dials");
    let (socket, _) = tokio_tungstenite::client_async(stage.url.as_str(), stream)
        .await
        .expect("it connects");
    socket.into_inner()
}

#[test]
fn a_panic_is_named_with_what_it_said() {
    let panics = subject(|stage| async move {
        let _stream = connect(&stage).await;
        panic!("the feed is empty");
    });
    let found = found(&panics);
    says(
        &found,
        Rule::R13,
        "expected no panic, found one: the feed is empty",
    );
}

#[test]
fn a_future_that_ends_by_itself_is_named() {
    let gives_up = subject(|stage| async move {
        let _stream = connect(&stage).await;
    });
    says(&found(&gives_up), Rule::R2, "found that it ended by itself");
}

#[test]
fn a_socket_of_tokios_own_is_named_with_what_to_do() {
    let bypasses = subject(|stage| async move {
        let _stream = connect(&stage).await;
        let _ = tokio::net::TcpStream::connect("127.0.0.1:1").await;
    });
    says(&found(&bypasses), Rule::R13, "dial through wstape_dial");
}

#[test]
fn one_that_never_dials_is_named() {
    let idle = subject(|_| std::future::pending());
    says(
        &found(&idle),
        Rule::R2,
        "it never dialled through the dialer it was given",
    );
}

#[test]
fn a_task_that_outlives_the_shutdown_is_named_and_one_that_ends_when_it_wakes_is_none() {
    let leaks = subject(|stage| async move {
        let _stream = connect(&stage).await;
        tokio::spawn(std::future::pending::<()>());
        std::future::pending::<()>().await;
    });
    says(
        &found(&leaks),
        Rule::R5,
        "expected no task once shutdown is over, found 1",
    );
    let late = subject(|stage| async move {
        let _stream = connect(&stage).await;
        tokio::spawn(tokio::time::sleep(Duration::from_secs(30)));
        std::future::pending::<()>().await;
    });
    assert_eq!(found(&late), []);
}

#[test]
fn dials_without_any_time_between_are_named() {
    let spins = subject(|_| async {
        loop {
            let stream = wstape_dial::dial("127.0.0.1", 1).await;
            drop(stream);
        }
    });
    says(
        &found(&spins),
        Rule::R3,
        "expected time to pass between dials",
    );
}

#[test]
fn memory_that_grows_and_grows_is_named_where_an_allocator_counts_it() {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let hoards = subject(|stage| async move {
        let _stream = connect(&stage).await;
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            TAKEN.fetch_add(64 << 20, Ordering::Relaxed);
        }
    });
    assert_eq!(found(&hoards), []);
    let measured = hoards.memory(|| TAKEN.load(Ordering::Relaxed));
    says(
        &found(&measured),
        Rule::R13,
        "expected a case to take at most 256 MiB of memory, found",
    );
}

/// A shutdown that is never over.
struct NeverEnds;

impl wstape_harness::Handle for NeverEnds {
    fn shutdown(self: Box<Self>) -> wstape_harness::Stopping {
        Box::pin(std::future::pending())
    }
}

/// Follows the feed, and never stops.
struct Unstoppable;

impl Subject for Unstoppable {
    fn name(&self) -> String {
        "unstoppable".to_owned()
    }

    fn start(&self, stage: Stage) -> Result<wstape_harness::Running, String> {
        tokio::spawn(async move {
            let _stream = connect(&stage).await;
            std::future::pending::<()>().await;
        });
        Ok(wstape_harness::Running {
            handle: Some(Box::new(NeverEnds)),
            ..wstape_harness::Running::default()
        })
    }
}

#[test]
fn a_shutdown_that_never_ends_is_named() {
    says(
        &found(&Unstoppable),
        Rule::R5,
        "expected shutdown to end within 10.000000 s",
    );
}

/// Holds a subscriber up until the test is over, and tells the test that it does.
struct HeldUp {
    begins: Receiver<()>,
    over: Arc<AtomicBool>,
    /// Dropping this lets the subscriber go on.
    _lets_go: Sender<()>,
}

/// What a subscriber does that never ends.
type Hold = Arc<dyn Fn() + Send + Sync>;

fn held_up() -> (HeldUp, Hold, Arc<AtomicBool>) {
    let (begun, begins) = channel();
    let (lets_go, waits) = channel();
    let (begun, waits) = (Mutex::new(begun), Mutex::new(waits));
    let over = Arc::new(AtomicBool::new(false));
    let holds: Hold = Arc::new(move || {
        let _ = begun.lock().expect("no panic").send(());
        // Blocks until the test is over.
        let _: Result<(), _> = waits.lock().expect("no panic").recv();
    });
    let held_up = HeldUp {
        begins,
        over: Arc::clone(&over),
        _lets_go: lets_go,
    };
    (held_up, holds, over)
}

/// Plays the case, in a watched run, to a subject that does not end it. Returns what is found
/// within `after` of the run's time, and checks that nothing is found before.
fn hangs(subject: impl Subject + 'static, held_up: &HeldUp, after: Duration) -> Violation {
    let play: Play = Arc::new(move |case| play(case, &subject).verdict);
    let draw: Draw = Arc::new(|seed| draw(seed, &[], &Terms::default()));
    let options = Options {
        workers: NonZeroUsize::MIN,
        check_determinism: false,
        determinism: Determinism::NotJudged,
        finds_hanging: true,
        keep_going: false,
    };
    let jobs = std::iter::once(Job::Tape("quiet".to_owned(), Box::new(case())));
    let mut run = Run::start(play, draw, jobs, Tally::default(), options);
    held_up.begins.recv().expect("it begins");
    run.watch(Duration::ZERO);
    let nearly = after.saturating_sub(Duration::from_millis(1));
    for _ in 0..EARLY_LOOKS {
        assert!(!run.watch(nearly), "too early");
        thread::yield_now();
    }
    let over = (0..MAX_LOOKS).any(|_| {
        thread::yield_now();
        run.watch(after)
    });
    assert!(over, "the run hangs");
    held_up.over.store(true, Ordering::Release);
    let mut broken = run.finish().broken;
    assert_eq!(broken.len(), 1);
    assert!(broken[0].hangs);
    broken.remove(0).violation
}

#[test]
fn one_that_blocks_its_thread_is_named_and_does_not_hang_the_run() {
    let (held_up, holds, _) = held_up();
    let blocks = subject(move |stage| {
        let holds = Arc::clone(&holds);
        async move {
            let _stream = connect(&stage).await;
            holds();
        }
    });
    let violation = hangs(blocks, &held_up, HANG_AFTER);
    assert_eq!(violation.rule, Rule::R13);
    assert!(
        violation
            .what
            .contains("it blocks its thread: a sleep of std's"),
        "{violation}"
    );
}

#[test]
fn one_that_computes_without_an_await_is_named_and_does_not_hang_the_run() {
    let (held_up, _, over) = held_up();
    let (begun, begins) = channel();
    let begun = Mutex::new(begun);
    let held_up = HeldUp { begins, ..held_up };
    let computes = subject(move |stage| {
        let begun = begun.lock().expect("no panic").clone();
        let over = Arc::clone(&over);
        async move {
            let _stream = connect(&stage).await;
            let _ = begun.send(());
            while !over.load(Ordering::Acquire) {
                std::hint::spin_loop();
            }
            std::future::pending::<()>().await;
        }
    });
    let violation = hangs(computes, &held_up, HANG_AFTER);
    // If the system does not say whether a thread runs, it counts as blocking.
    let named = ["it computes without an await", "it blocks its thread"];
    assert!(
        named.iter().any(|name| violation.what.contains(name)),
        "{violation}"
    );
}

#[test]
fn tasks_that_wake_each_other_for_ever_are_named_and_do_not_hang_the_run() {
    let (held_up, _, over) = held_up();
    let (begun, begins) = channel();
    let begun = Mutex::new(begun);
    let held_up = HeldUp { begins, ..held_up };
    let spins = subject(move |stage| {
        let begun = begun.lock().expect("no panic").clone();
        let over = Arc::clone(&over);
        async move {
            let _stream = connect(&stage).await;
            let _ = begun.send(());
            while !over.load(Ordering::Acquire) {
                tokio::task::yield_now().await;
            }
            std::future::pending::<()>().await;
        }
    });
    // It answers whoever asks, so one look has to ask before the look that finds it.
    let violation = hangs(spins, &held_up, HANG_AFTER);
    let named = [
        "it spins: its tasks wake each other",
        "it computes without an await",
    ];
    assert!(
        named.iter().any(|name| violation.what.contains(name)),
        "{violation}"
    );
}

#[test]
fn one_that_waits_for_a_thread_of_its_own_is_named_after_five_seconds() {
    let (held_up, holds, _) = held_up();
    let waits = subject(move |stage| {
        let holds = Arc::clone(&holds);
        async move {
            let _stream = connect(&stage).await;
            let _ = tokio::task::spawn_blocking(move || holds()).await;
        }
    });
    let violation = hangs(waits, &held_up, BLOCKING_AFTER);
    assert!(
        violation.what.contains("within 5 s of wall time"),
        "{violation}"
    );
    assert!(
        violation
            .what
            .contains("it waits for another thread (spawn_blocking"),
        "{violation}"
    );
}

/// Returns a case in which the link ends, and then ten minutes go by.
fn lost() -> Case {
    let lines = concat!(
        "{\"tape\":1}\n",
        "{\"at_ms\":1000,\"drop\":\"fin\",\"x-fault\":\"fin\",\"x-layer\":\"faults\"}\n",
        "{\"at_ms\":600000,\"end\":true}\n",
    );
    Case::from_tape(Tape::parse("lost", lines).expect("a tape")).expect("a case")
}

#[test]
fn one_that_sleeps_by_a_clock_of_its_own_is_named_with_what_to_do() {
    // Does what a timer of another crate does: a thread wakes the task once real time has passed.
    // Here that is only once the case is over.
    let (goes_by, real_time) = channel::<()>();
    let real_time = Arc::new(Mutex::new(real_time));
    let sleeps = subject(move |stage| {
        let real_time = Arc::clone(&real_time);
        async move {
            loop {
                let mut stream = connect(&stage).await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
                let (wake, woken) = tokio::sync::oneshot::channel();
                let real_time = Arc::clone(&real_time);
                thread::spawn(move || {
                    let _: Result<(), _> = real_time.lock().expect("no panic").recv();
                    wake.send(())
                });
                let _ = woken.await;
            }
        }
    });
    let violations = play(&lost(), &sleeps).verdict.violations;
    drop(goes_by);
    let found: Vec<_> = violations.into_iter().map(|v| (v.rule, v.what)).collect();
    says(&found, Rule::R2, "a wait by another clock than tokio's");
    says(&found, Rule::R2, "use --real");
}

#[test]
fn a_report_shows_the_trace_up_to_the_moment_which_is_marked() {
    let storms = subject(|_| async {
        loop {
            let _ = wstape_dial::dial("127.0.0.1", 1).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let trace = play(&case(), &storms).trace;
    let lines = trace.before_broke(Rule::R3, 4);
    assert_eq!(lines.len(), 6, "{lines:#?}");
    assert!(lines[0].ends_with("lines before"), "{lines:#?}");
    assert!(lines[4].ends_with("dial"), "{lines:#?}");
    assert!(lines[5].starts_with('►'), "{lines:#?}");
    assert!(lines[5].ends_with("#21   R3 broke here"), "{lines:#?}");
    assert_eq!(trace.before_broke(Rule::R9, 4), [""; 0]);
}
