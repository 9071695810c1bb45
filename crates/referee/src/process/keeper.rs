//! The keeper: a small process between the referee and a client, so that nothing is left running.
//!
//! ```text
//! referee ──stdin──► keeper ──starts, in a group of its own──► client ─► whatever it starts
//!         ◄─stdout── (adopts orphans: a subreaper on Linux)
//!         ◄─stderr── what the client prints
//! ```
//!
//! It ends everything below it when its standard input ends, as it does when the referee dies.
//! Whatever a client moves out of its group, or leaves behind as an orphan, is still below it. It
//! also reports how late its own timer is, which shows how busy the machine is for a process like
//! the client.
//!
//! Orders to it, one per line: `term`. Words from it, one JSON line each: [`Word`].

use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};
use serde::{Deserialize, Serialize};

use super::tree;

/// How often the keeper checks its timer and the client.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often it reports how late it was.
const LATENESS_EVERY: Duration = Duration::from_millis(500);
/// How often it checks whether everything it killed is gone.
const END_LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long everything below it may take to end, once killed.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// What a keeper reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    /// The client could not be started.
    NotStarted {
        /// What the system says.
        why: String,
    },
    /// The keeper timer's greatest lateness since the last report.
    LateUs(u64),
    /// The client ended.
    Exited(Exit),
    /// Everything below the keeper was ended; it exits now.
    Left {
        /// Processes that could not be ended.
        left: u32,
    },
}

/// How a client's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Status(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Status(-1),
        }
    }
}

/// What the keeper was told.
enum Event {
    Term,
    End,
}

/// Runs as the keeper of the client that these words start. Returns once standard input has ended
/// and nothing is left below this process.
///
/// # Errors
/// If standard output can't be written: the referee is gone, and everything was ended.
pub fn keep(words: impl IntoIterator<Item = OsString>) -> io::Result<ExitCode> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut words = words.into_iter();
    let Some(program) = words.next() else {
        return Err(io::Error::other("a keeper needs a command"));
    };
    let prints =
        || -> io::Result<Stdio> { Ok(Stdio::from(io::stderr().as_fd().try_clone_to_owned()?)) };
    let client = Command::new(program)
        .args(words)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(prints()?)
        .stderr(prints()?)
        .spawn();
    let mut client = match client {
        Ok(client) => client,
        Err(error) => {
            say(&Word::NotStarted {
                why: error.to_string(),
            })?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let told = watch(&mut client);
    let ended = end_all(&mut client);
    told.and_then(|()| say(&ended))?;
    Ok(ExitCode::SUCCESS)
}

fn say(word: &Word) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, word)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Watches timer, client and orders until the orders end.
fn watch(client: &mut Child) -> io::Result<()> {
    let orders = listen();
    let mut exited = false;
    let mut late = Duration::ZERO;
    let mut said = Instant::now();
    loop {
        let due = Instant::now() + LOOK_EVERY;
        match orders.recv_timeout(LOOK_EVERY) {
            Ok(Event::End) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Ok(Event::Term) => signal_group(client, Signal::TERM),
            Err(RecvTimeoutError::Timeout) => {
                late = late.max(Instant::now().saturating_duration_since(due));
            }
        }
        if said.elapsed() >= LATENESS_EVERY {
            let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
            say(&Word::LateUs(micros))?;
            (late, said) = (Duration::ZERO, Instant::now());
        }
        if !exited && let Some(status) = client.try_wait()? {
            exited = true;
            say(&Word::Exited(status.into()))?;
        }
        if exited {
            reap();
        }
    }
}

/// Reads orders on a thread of its own.
fn listen() -> mpsc::Receiver<Event> {
    let (sender, orders) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if line == "term" && sender.send(Event::Term).is_err() {
                return;
            }
        }
        // The receiver may already be gone.
        let _ = sender.send(Event::End);
    });
    orders
}

/// Signals the client's group; it is no error if the group is gone.
fn signal_group(client: &Child, signal: Signal) {
    if let Some(group) = i32::try_from(client.id()).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

/// Reaps orphans that ended, to remove them from the system's process table.
fn reap() {
    while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
}

/// Kills the client's group and everything below this process; reports what could not be killed.
fn end_all(client: &mut Child) -> Word {
    // Until it is reaped, no other process can have its number.
    if matches!(client.try_wait(), Ok(None)) {
        signal_group(client, Signal::KILL);
    }
    let until = Instant::now() + KILL_WAIT;
    loop {
        let below = tree::below(std::process::id());
        reap();
        if below.is_empty() || Instant::now() >= until {
            let left = u32::try_from(below.len()).unwrap_or(u32::MAX);
            return Word::Left { left };
        }
        for &pid in &below {
            tree::kill(pid);
        }
        thread::sleep(END_LOOK_EVERY);
    }
}
