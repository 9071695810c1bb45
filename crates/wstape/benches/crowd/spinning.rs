//! The crowd, while another client dials as fast as it can.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::listeners::CONNECTED;
use crate::plan::Plan;
use crate::process::{self, CLIENTS_CORE, Process, Server};
use crate::spinner::Spin;
use crate::{CrowdArgs, control, ratio, wstape};

/// Bounds of `docs/performance.md`: how long an answer of the control port takes,
const MAX_ANSWER: Duration = Duration::from_millis(100);
/// how much memory is used on top of what the crowd takes,
const MAX_MEMORY_BYTES: u64 = 64 << 20;
/// and how much the journal grows, including the crowd's own lines.
const MAX_JOURNAL_BYTES: u64 = 1 << 20;

/// The pause between two requests to the control port.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Seconds for which the crowd gets events before and after the spinning.
const ROOM: u64 = 3;

/// What was seen while a client spun.
#[derive(Default)]
struct Seen {
    answers: Vec<Duration>,
    unanswered: usize,
    /// Memory at the peak, in bytes.
    memory: u64,
}

/// Prints the figures of both kinds of spinner; returns the bounds that do not hold.
pub(crate) fn run(crowd: &CrowdArgs) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let both = [Spin::Leaves, Spin::Asks];
    let broken = both.map(|spin| beside(crowd, spin, folder.path()));
    broken.into_iter().flatten().collect()
}

fn beside(args: &CrowdArgs, spin: Spin, folder: &Path) -> Vec<String> {
    let plan = Plan::new(args.clients, args.spins + 2 * ROOM, (0, 1));
    let tape = folder.join("spin.jsonl");
    let journal = folder.join(format!("{}.jsonl", spin.word()));
    plan.write_tape(&tape).expect("room on the disk");
    let start = format!("connections:{}", plan.clients);
    let rest: [&OsStr; 7] = [
        tape.as_os_str(),
        "--start".as_ref(),
        start.as_ref(),
        "--control".as_ref(),
        "127.0.0.1:0".as_ref(),
        "--journal".as_ref(),
        journal.as_os_str(),
    ];
    let Some(server) = Server::start(wstape(&rest), true) else {
        return vec!["wstape serve did not start".to_owned()];
    };
    let mut crowd = process::crowd(server.addr, &plan);
    assert_eq!(crowd.line().as_deref(), Some(CONNECTED), "the crowd");
    std::thread::sleep(Duration::from_secs(ROOM));
    let (before, lines_before) = (server.process.memory(), process::size(&journal));
    let (taken, mut seen) = spin_beside(&server, spin, args.spins);
    let growth = process::size(&journal).saturating_sub(lines_before);
    // The crowd has all its events, or has waited long enough for them.
    let mut line = crowd.line().unwrap_or_default();
    if line == crate::listeners::SERVED {
        line = crowd.line().unwrap_or_default();
    }
    let heard: crate::listeners::Heard = serde_json::from_str(&line).expect("what the crowd heard");
    seen.answers.sort_unstable();
    let at = |hundredth: usize| {
        let nth = seen.answers.len() * hundredth / 100;
        let answer = seen.answers.get(nth).or(seen.answers.last());
        answer.copied().unwrap_or_default()
    };
    let longest = at(100);
    let memory = seen.memory.saturating_sub(before);
    println!(
        "{} clients, and one that dials for {} s and {}: {:.0} dials a second; control answers p50 {:.1?}, p99 {:.1?}, \
         longest {longest:.1?}, {} of {} none; memory +{:.1} MiB; journal +{:.0} KiB; the crowd's p99 {:.1} ms, lost {}",
        plan.clients,
        args.spins,
        spin.word(),
        ratio(taken, args.spins),
        at(50),
        at(99),
        seen.unanswered,
        seen.answers.len() + seen.unanswered,
        ratio(memory, 1 << 20),
        ratio(growth, 1 << 10),
        ratio(heard.p99_us, 1_000),
        heard.lost
    );
    let bounds = [
        (
            longest > MAX_ANSWER || seen.unanswered > 0,
            "the control port answered late",
        ),
        (memory > MAX_MEMORY_BYTES, "memory grew by more than 64 MiB"),
        (
            growth > MAX_JOURNAL_BYTES,
            "the journal grew by more than 1 MiB",
        ),
        (heard.lost > 0, "the crowd lost events"),
    ];
    let broken = bounds.into_iter().filter(|(broken, _)| *broken);
    let sentence = |(_, what): (bool, &str)| format!("{what}, beside one that {}", spin.word());
    broken.map(sentence).collect()
}

/// Returns how many dials succeeded, and what was seen meanwhile.
fn spin_beside(server: &Server, spin: Spin, seconds: u64) -> (u64, Seen) {
    let mut command = process::part_of_this(CLIENTS_CORE, "spinner");
    command.args([
        server.addr.to_string(),
        spin.word().to_owned(),
        seconds.to_string(),
    ]);
    let mut spinner = Process::start(command).expect("this binary");
    let control = server.control.expect("it is steered");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| watch(server, control, &is_over));
        let taken = spinner.line().and_then(|taken| taken.parse().ok());
        is_over.store(true, Ordering::Relaxed);
        (taken.unwrap_or(0), watch.join().expect("it panics nowhere"))
    })
}

/// Asks and measures until the spinning is over.
fn watch(server: &Server, control: SocketAddr, is_over: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    while !is_over.load(Ordering::Relaxed) {
        match control::ask(control) {
            Ok(took) => seen.answers.push(took),
            Err(_) => seen.unanswered += 1,
        }
        seen.memory = seen.memory.max(server.process.memory());
        std::thread::sleep(ASK_EVERY);
    }
    seen
}
