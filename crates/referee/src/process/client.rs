//! A running client, as the referee holds it.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::command::{ClientCommand, Told};
use super::keeper::{Exit, Word};
use super::output::Output;
use super::tree::{self, Process};
use super::vitals::{self, Vitals, Wanted};

/// How long reading the remaining output may take, once everything has ended.
const READ_WAIT: Duration = Duration::from_secs(1);

/// How a keeper is started: this program, with a subcommand that runs [`keep`](super::keep).
#[derive(Debug, Clone)]
pub struct KeeperCommand {
    /// The program.
    pub program: std::path::PathBuf,
    /// The arguments before the client's own words.
    pub args: Vec<OsString>,
}

/// Why a client could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The client's own program.
    #[error("cannot start {program}: {why}")]
    Client {
        /// The program.
        program: String,
        /// What the system says.
        why: String,
    },
    /// The keeper process.
    #[error("cannot start the process that keeps the client, {program}: {why}")]
    Keeper {
        /// The program.
        program: String,
        /// What the system says.
        why: String,
    },
}

/// A client's process, with everything it starts. Dropping it ends all of it.
#[derive(Debug)]
pub(crate) struct Client {
    keeper: Child,
    orders: Option<ChildStdin>,
    seen: Arc<Seen>,
    readers: Vec<JoinHandle<()>>,
    mark: String,
}

/// What has been seen of a client so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    state: Mutex<State>,
    output: Mutex<Output>,
    /// Notified when the client's process could not be started, has ended, or was cleaned up.
    pub(crate) changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    not_started: Option<String>,
    exit: Option<Exit>,
    late_us: u64,
    left: Option<u32>,
    keeper_gone: bool,
}

impl Client {
    /// Starts a client under a keeper.
    ///
    /// # Errors
    /// If the keeper can't be started. [`Seen`] reports what becomes of the client.
    pub(crate) fn start(
        keeper: &KeeperCommand,
        client: &ClientCommand,
        told: &Told,
        mark: &str,
    ) -> Result<Self, StartError> {
        let failed = |error: io::Error| StartError::Keeper {
            program: keeper.program.display().to_string(),
            why: error.to_string(),
        };
        let mut process = Command::new(&keeper.program)
            .args(&keeper.args)
            .args(client.words_for(told))
            .envs(told.environment())
            .env(tree::MARK, mark)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let seen = Arc::new(Seen::default());
        *seen.output.lock() = Output::looking_for(&told.token);
        let (words, printed) = (process.stdout.take(), process.stderr.take());
        let mut readers = Vec::new();
        if let Some(words) = words {
            let seen = Arc::clone(&seen);
            readers.push(thread::spawn(move || listen(words, &seen)));
        }
        if let Some(printed) = printed {
            let seen = Arc::clone(&seen);
            readers.push(thread::spawn(move || collect(printed, &seen)));
        }
        Ok(Self {
            orders: process.stdin.take(),
            keeper: process,
            seen,
            readers,
            mark: mark.to_owned(),
        })
    }

    pub(crate) fn seen(&self) -> &Arc<Seen> {
        &self.seen
    }

    /// Sends SIGTERM to the client's group.
    pub(crate) fn term(&mut self) {
        if let Some(orders) = &mut self.orders {
            // If the keeper is gone, it has already ended the client.
            let _ = orders.write_all(b"term\n").and_then(|()| orders.flush());
        }
    }

    /// What all of its processes use now; only sockets connected to this port count.
    pub(crate) fn vitals(&self, port: u16, wanted: Wanted) -> Option<Vitals> {
        vitals::measure(self.keeper.id(), port, wanted)
    }

    /// Its processes, as a person recognises them.
    pub(crate) fn processes(&self) -> Vec<Process> {
        tree::named_below(self.keeper.id())
    }

    /// Ends all of it, and returns what could not be ended: empty if nothing is left.
    pub(crate) fn end(mut self) -> Leftovers {
        self.end_now()
    }

    fn end_now(&mut self) -> Leftovers {
        drop(self.orders.take());
        // The keeper ends by itself once its orders end; a killed one is already gone.
        let _ = self.keeper.wait();
        let swept = tree::sweep(&self.mark);
        // An escaped process without the mark may hold a pipe open: don't wait for it.
        let until = Instant::now() + READ_WAIT;
        while self.readers.iter().any(|it| !it.is_finished()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        let state = self.seen.state.lock();
        Leftovers {
            keeper_was_killed: state.left.is_none() && state.not_started.is_none(),
            left: state.left.unwrap_or(0),
            escaped: u32::try_from(swept).unwrap_or(u32::MAX),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if self.orders.is_some() {
            self.end_now();
        }
    }
}

/// What had to be cleaned up besides the client itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Leftovers {
    /// Whether the client, or something it started, killed the keeper.
    pub(crate) keeper_was_killed: bool,
    /// Processes that could not be ended.
    pub(crate) left: u32,
    /// Processes that had escaped from the keeper, and were ended.
    pub(crate) escaped: u32,
}

impl Seen {
    /// Why it could not be started.
    pub(crate) fn not_started(&self) -> Option<String> {
        self.state.lock().not_started.clone()
    }

    /// How it ended, if it has.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.state.lock().exit
    }

    /// Whether the keeper itself has gone.
    pub(crate) fn keeper_gone(&self) -> bool {
        self.state.lock().keeper_gone
    }

    /// The keeper timer's greatest lateness so far.
    pub(crate) fn lateness(&self) -> Duration {
        Duration::from_micros(self.state.lock().late_us)
    }

    /// What it printed.
    pub(crate) fn output<T>(&self, look: impl FnOnce(&Output) -> T) -> T {
        look(&self.output.lock())
    }
}

/// Reads the keeper's words until it is gone.
fn listen(words: impl Read, seen: &Seen) {
    for line in BufReader::new(words).lines().map_while(Result::ok) {
        let Ok(word) = serde_json::from_str(&line) else {
            continue;
        };
        let mut state = seen.state.lock();
        match word {
            Word::NotStarted { why } => state.not_started = Some(why),
            Word::LateUs(us) => {
                state.late_us = state.late_us.max(us);
                continue;
            }
            Word::Exited(exit) => state.exit = Some(exit),
            Word::Left { left } => state.left = Some(left),
        }
        drop(state);
        seen.changed.notify_waiters();
    }
    seen.state.lock().keeper_gone = true;
    seen.changed.notify_waiters();
}

/// Reads the client's output as fast as it comes, until nobody is left to write it.
fn collect(mut printed: impl Read, seen: &Seen) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match printed.read(&mut buffer) {
            Ok(0) => return,
            Ok(n) => seen.output.lock().push(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
