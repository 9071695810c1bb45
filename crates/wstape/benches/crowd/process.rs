//! Processes, each on a core of its own, what they print, and the memory they take.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::listeners::Heard;
use crate::plan::Plan;

/// The core that a server has for itself, and the one for what connects to it, as far as the
/// machine can spare them.
pub(crate) const SERVERS_CORE: &str = "0";
pub(crate) const CLIENTS_CORE: &str = "1";

/// Open files of a process besides its connections: a runtime's, a journal, a listening port.
const OTHER_FILES: u64 = 200;

/// What a server prints first, and what `serve --control` prints next.
const LISTENING: &str = "listening on ws://";
const CONTROL: &str = "control on http://";

/// Raises the limit of open files of this process and its children, so that each may have this many
/// connections; an error says what is needed.
pub(crate) fn allow_connections(clients: usize) -> Result<(), String> {
    let wanted = clients as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let most = limit.maximum.unwrap_or(u64::MAX);
    let raised = Rlimit {
        current: Some(wanted),
        ..limit
    };
    if most < wanted || setrlimit(Resource::Nofile, raised).is_err() {
        return Err(format!(
            "{clients} clients want {wanted} open files of a process, and it may have {most}: raise the \
             hard limit (ulimit -Hn {wanted}), or take fewer clients (--clients {})",
            most.saturating_sub(OTHER_FILES)
        ));
    }
    Ok(())
}

/// Returns the command for a program on one core, if there is a `taskset` to pin it.
pub(crate) fn on_core(core: &str, program: OsString) -> Command {
    let taskset = Command::new("taskset")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if taskset.is_err() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", core]).arg(program);
    command
}

/// Returns the command for one part of this program, on that core.
pub(crate) fn part_of_this(core: &str, part: &str) -> Command {
    let program = std::env::current_exe().expect("this binary");
    let mut command = on_core(core, program.into());
    command.arg(part);
    command
}

/// A process whose output is read line by line; dropping this value ends it.
pub(crate) struct Process {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> std::io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().expect("a pipe");
        let lines = BufReader::new(stdout).lines();
        Ok(Self { child, lines })
    }

    /// Returns its next line; `None` once it has ended.
    pub(crate) fn line(&mut self) -> Option<String> {
        self.lines.next()?.ok()
    }

    /// Returns the memory that it has in use, in bytes (`VmRSS` of `proc_pid_status(5)`).
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.and_then(|kib| kib.trim().parse::<u64>().ok())
            .unwrap_or(0)
            * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server, where it listens, and where its control port is.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) addr: SocketAddr,
    pub(crate) control: Option<SocketAddr>,
    /// Memory before anyone connected, in bytes.
    pub(crate) idle: u64,
}

impl Server {
    /// Starts a server; `None` if it does not start.
    pub(crate) fn start(command: Command, is_steered: bool) -> Option<Self> {
        let mut process = Process::start(command).ok()?;
        let addr = address(&mut process, LISTENING)?;
        let control = if is_steered {
            Some(address(&mut process, CONTROL)?)
        } else {
            None
        };
        let idle = process.memory();
        Some(Self {
            process,
            addr,
            control,
            idle,
        })
    }

    /// Returns the memory per client for this many clients, in bytes.
    pub(crate) fn memory_of(&self, clients: usize) -> u64 {
        self.process.memory().saturating_sub(self.idle) / clients as u64
    }
}

fn address(process: &mut Process, before: &str) -> Option<SocketAddr> {
    let line = process.line()?;
    let addr = line.trim().strip_prefix(before)?;
    addr.split('/').next()?.parse().ok()
}

/// Starts the crowd of a plan, which dials that server.
pub(crate) fn crowd(addr: SocketAddr, plan: &Plan) -> Process {
    let mut command = part_of_this(CLIENTS_CORE, "listeners");
    command.args([addr.to_string(), plan.to_json()]);
    Process::start(command).expect("this binary")
}

/// Reads what a crowd prints last.
pub(crate) fn heard(crowd: &mut Process) -> Heard {
    let line = crowd.line().expect("what the crowd heard");
    serde_json::from_str(&line).expect("what the crowd heard")
}

/// Returns the size of a file, in bytes.
pub(crate) fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}
