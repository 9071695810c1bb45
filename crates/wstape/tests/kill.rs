//! A recording killed (kill -9) at any moment: the tape holds everything that was acknowledged and
//! only what was recorded, and at most its last line is torn.
//!
//! This program starts itself as the process to kill, which is why it has its own `main`.

#[path = "../../../recorder/tests/steps/mod.rs"]
mod steps;

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wstape_mock_engine::Engine;
use wstape_recorder::{Fsync, Output, Recording, Redactor, Rules};
use wstape_tape::{Action, Header, Step, TapeReader};

/// The argument that makes this program the one to be killed.
const RECORD: &str = "record-until-killed";
/// The most steps that are written together.
const MAX_TOGETHER: usize = 16;
/// The most bytes of a step's payload: some lines are written in several pages, so that a kill can
/// fall between them.
const PAYLOAD_BYTES: usize = 16 << 10;
/// The most bytes of a tape, if nobody kills its recorder.
const MAX_TAPE_BYTES: u64 = 2 << 20;
/// The most acknowledgements that are awaited before a kill.
const MAX_AWAITED: u32 = 25;
/// The most turns of an empty loop between the last acknowledgement and the kill: about as long as
/// it takes to write something.
const MAX_TURNS: u32 = 50_000;
/// The most bytes that a tap's tape has before the tap is killed.
const MAX_TAPPED_BYTES: u64 = 128 << 10;
/// The longest that a real recording may take to grow to the size at which it is killed.
const BOUND: Duration = Duration::from_secs(30);

/// How often a recorder is killed, for each way of forcing its tape to disk: 220 times in all.
const KILLS: [(&str, Fsync, u64); 3] = [
    ("never", Fsync::Never, 120),
    ("interval", Fsync::Interval(Duration::from_millis(5)), 60),
    ("always", Fsync::Always, 40),
];
/// How often a recorder that writes into a pipe is killed, and the most bytes read before.
const PIPE_KILLS: u64 = 40;
const MAX_TAKEN_BYTES: u64 = 128 << 10;
/// The argument for standard output in place of a path.
const STDOUT: &str = "-";
/// How often `wstape tap` is killed.
const TAP_KILLS: u64 = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, path, fsync, seed] = &arguments[..]
        && word == RECORD
    {
        let fsync = KILLS.into_iter().find(|(name, ..)| name == fsync);
        record(
            Path::new(path),
            fsync.expect("its name").1,
            seed.parse().expect("a number"),
        );
    }
    let mut trials: Vec<Trial> = KILLS
        .into_iter()
        .map(|(name, _, kills)| {
            let title = format!("killed_{kills}_times_nothing_acknowledged_is_lost::fsync_{name}");
            Trial::test(title, move || killed(name, kills))
        })
        .collect();
    trials.push(Trial::test(
        "killed_in_the_middle_of_a_write_nothing_acknowledged_is_lost",
        piped,
    ));
    trials.push(Trial::test(
        "a_tap_that_is_killed_leaves_a_tape_that_plays",
        tapped,
    ));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Records without end, and reports how many lines were acknowledged, eight bytes each time: on
/// standard output, or on standard error if the tape goes to standard output.
fn record(path: &Path, fsync: Fsync, seed: u64) -> ! {
    let (output, mut told): (_, Box<dyn Write>) = if path == Path::new(STDOUT) {
        (Output::stdout(), Box::new(io::stderr()))
    } else {
        (Output::create(path, false), Box::new(io::stdout()))
    };
    let output = output.expect("a new file");
    let mut tell = |lines: u64| {
        told.write_all(&lines.to_le_bytes()).expect("it is read");
        told.flush().expect("it is read");
    };
    let output = output.fsync(fsync);
    let stats = output.stats();
    let redactor = Redactor::new(Rules::default(), [7; 32]);
    let mut tape = Recording::begin(output, Header::new("killed"), redactor).expect("it begins");
    tell(stats.counts().lines);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut steps = steps::steps(seed, PAYLOAD_BYTES);
    while stats.counts().written_bytes < MAX_TAPE_BYTES {
        for step in steps.by_ref().take(rng.random_range(1..=MAX_TOGETHER)) {
            tape.push(step).expect("it is written");
        }
        tape.commit().expect("it is written");
        tell(stats.counts().lines);
    }
    loop {
        std::thread::park();
    }
}

fn killed(fsync: &str, kills: u64) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut torn = 0;
    let mut acknowledged = 0;
    for seed in 0..kills {
        let path = folder.path().join(format!("{seed}.jsonl"));
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1);
        let awaited = rng.random_range(0..=MAX_AWAITED);
        let turns = rng.random_range(0..=MAX_TURNS);

        let mut child = Victim(recording(&path, fsync, seed).spawn()?);
        let mut told = child.0.stdout.take().ok_or("no standard output")?;
        let mut lines = [0; 8];
        for _ in 0..awaited {
            told.read_exact(&mut lines)?;
        }
        for _ in 0..turns {
            std::hint::spin_loop();
        }
        child.kill()?;
        // What it acknowledged before it died; it may have died in the middle of a number.
        let mut rest = Vec::new();
        told.read_to_end(&mut rest)?;
        if let Some(last) = rest.chunks_exact(8).last() {
            lines.copy_from_slice(last);
        }
        let lines = u64::from_le_bytes(lines);
        let tape = fs::read(&path).unwrap_or_default();
        torn += u64::from(judge(seed, lines, &tape)? > 0);
        acknowledged += lines;
        fs::remove_file(&path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
    }
    println!("fsync {fsync}: {kills} kills, {acknowledged} lines acknowledged, {torn} torn lines");
    Ok(())
}

/// Kills a recorder that writes into a pipe that nobody empties, so that nearly every kill comes in
/// the middle of a write.
fn piped() -> Result<(), Failed> {
    let mut torn = 0;
    let mut acknowledged = 0;
    for seed in 0..PIPE_KILLS {
        let taken = ChaCha8Rng::seed_from_u64(seed).random_range(0..=MAX_TAKEN_BYTES);
        let mut child = Victim(recording(Path::new(STDOUT), "never", seed).spawn()?);
        let mut tape = Vec::new();
        let mut pipe = child.0.stdout.take().ok_or("no standard output")?;
        pipe.by_ref().take(taken).read_to_end(&mut tape)?;
        child.wait_until_it_waits()?;
        child.kill()?;
        // What was acknowledged is in the pipe, and outlives the process that wrote it.
        pipe.read_to_end(&mut tape)?;
        let mut told = Vec::new();
        let mut errors = child.0.stderr.take().ok_or("no standard error")?;
        errors.read_to_end(&mut told)?;
        let last = told.chunks_exact(8).last().unwrap_or(&[0; 8]);
        let lines = u64::from_le_bytes(last.try_into()?);
        torn += u64::from(judge(seed, lines, &tape)? > 0);
        acknowledged += lines;
    }
    println!("pipe: {PIPE_KILLS} kills, {acknowledged} lines acknowledged, {torn} torn lines");
    if torn == 0 {
        return Err("no kill fell into the middle of a write: nothing was tested".into());
    }
    Ok(())
}

/// Returns the command for this program as the one that records.
fn recording(path: &Path, fsync: &str, seed: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("it has a path"));
    command
        .args([RECORD.as_ref(), path.as_os_str(), fsync.as_ref()])
        .arg(seed.to_string())
        .stdout(Stdio::piped());
    if path == Path::new(STDOUT) {
        command.stderr(Stdio::piped());
    }
    command
}

/// Checks that all `acknowledged` lines are in the tape; returns the length of its torn line.
fn judge(seed: u64, acknowledged: u64, tape: &[u8]) -> Result<usize, String> {
    let recorded = steps::steps(seed, PAYLOAD_BYTES);
    let (lines, torn) = read(tape, recorded).map_err(|error| format!("seed {seed}: {error}"))?;
    if lines < acknowledged {
        return Err(format!(
            "seed {seed}: {lines} of {acknowledged} acknowledged lines"
        ));
    }
    Ok(torn)
}

/// Reads what there is; returns how many lines are whole, the header included, and how long the
/// torn one is. A step that differs from the recorded one is an error, and so is a torn line that
/// isn't its beginning.
fn read(bytes: &[u8], mut recorded: impl Iterator<Item = Step>) -> Result<(u64, usize), String> {
    if !bytes.contains(&b'\n') {
        return Ok((0, bytes.len()));
    }
    let mut reader = TapeReader::new("killed", bytes).map_err(|error| error.to_string())?;
    let mut lines = 1;
    for step in reader.by_ref() {
        let step = step.map_err(|error| error.to_string())?;
        if Some(&step) != recorded.next().as_ref() {
            return Err(format!("line {} is not what was recorded", step.line));
        }
        lines += 1;
    }
    let Some(torn) = reader.torn() else {
        return Ok((lines, 0));
    };
    let next = recorded
        .next()
        .map(|step| step.to_line())
        .unwrap_or_default();
    if !next.as_bytes().starts_with(&torn.bytes) || !bytes.ends_with(&torn.bytes) {
        return Err(format!(
            "line {}: what is torn was never recorded",
            torn.line
        ));
    }
    Ok((lines, torn.bytes.len()))
}

/// A process that does not outlive the test that started it.
struct Victim(Child);

impl Victim {
    /// Waits until the process itself waits: it has one thread, and only a full pipe stops that.
    fn wait_until_it_waits(&self) -> Result<(), Failed> {
        let started = Instant::now();
        loop {
            // `pid (name) state …`, proc(5).
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
            if stat
                .rsplit(')')
                .next()
                .is_some_and(|rest| rest.starts_with(" S"))
            {
                return Ok(());
            }
            if started.elapsed() > BOUND {
                return Err("the recording does not fill the pipe".into());
            }
            std::thread::yield_now();
        }
    }

    /// Kills it, and waits until it is gone.
    fn kill(&mut self) -> io::Result<()> {
        self.0.kill()?;
        self.0.wait().map(|_| ())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}

/// Kills the real binary while it taps an engine that sends as fast as it can.
fn tapped() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut events = 0;
    for seed in 0..TAP_KILLS {
        let path = folder.path().join(format!("{seed}.jsonl"));
        let size = ChaCha8Rng::seed_from_u64(seed).random_range(1..=MAX_TAPPED_BYTES);
        runtime.block_on(async {
            let engine = Engine::builder().listen(([127, 0, 0, 1], 0).into()).await?;
            engine.start();
            let tap = Command::new(env!("CARGO_BIN_EXE_wstape"))
                .args(["tap", &engine.url(), "--quiet", "--out"])
                .arg(&path)
                .spawn()?;
            let mut tap = Victim(tap);
            let grown = tokio::time::timeout(BOUND, send_until(&engine, &path, size)).await;
            tap.kill()?;
            engine.shutdown().await;
            grown.map_err(|_| "the recording does not grow")?;
            Ok::<_, Failed>(())
        })?;
        events += contiguous(&path).map_err(|error| format!("seed {seed}: {error}"))?;
    }
    println!("tap: {TAP_KILLS} kills, {events} events");
    Ok(())
}

/// Sends numbered events until the tape has this many bytes, never far ahead of it: neither the
/// engine nor anything between them is under test.
async fn send_until(engine: &Engine, path: &Path, bytes: u64) {
    const AHEAD_BYTES: u64 = 64 << 10;
    let size = || fs::metadata(path).map_or(0, |tape| tape.len());
    engine.wait_for_connections(1).await.unwrap();
    let mut sent = 0;
    for number in 1_u64.. {
        let event = format!(r#"{{"event":"risk","data":{{"number":{number}}}}}"#);
        sent += event.len() as u64;
        engine.emit_json(event);
        while size().saturating_add(AHEAD_BYTES) < sent && size() < bytes {
            tokio::task::yield_now().await;
        }
        if size() >= bytes {
            return;
        }
    }
}

/// Counts the events in the tape; one that is missing before another is an error.
fn contiguous(path: &Path) -> Result<u64, String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut reader =
        TapeReader::new("killed", BufReader::new(file)).map_err(|error| error.to_string())?;
    let mut events = 0;
    for step in reader.by_ref() {
        let step = step.map_err(|error| error.to_string())?;
        if let Action::Emit(json) = &step.action {
            events += 1;
            let expected = format!(r#"{{"event":"risk","data":{{"number":{events}}}}}"#);
            if *json != expected {
                return Err(format!(
                    "line {}: expected {expected}, found {json:?}",
                    step.line
                ));
            }
        }
    }
    Ok(events)
}
