//! Processes on a core each, what they say, and the memory they take.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::listeners::Heard;
use crate::plan::Plan;

/// The core that a server has for itself, and the one of what connects to it, as far as the machine
/// leaves them.
pub(crate) const SERVERS_CORE: &str = "0";
pub(crate) const CLIENTS_CORE: &str = "1";

/// Open files of a process beside its connections: a runtime's, a journal, a listening port.
const OTHER_FILES: u64 = 200;

/// What a server says first, and what `serve --control` says then.
const LISTENING: &str = "listening on ws://";
const CONTROL: &str = "control on http://";

/// Lets this process and those that it starts have so many connections each, or says what is wanted.
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

/// A program that runs on one core, where `taskset` is there to say so.
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

/// This program under that part of it, on the core.
pub(crate) fn part_of_this(core: &str, part: &str) -> Command {
    let program = std::env::current_exe().expect("this binary");
    let mut command = on_core(core, program.into());
    command.arg(part);
    command
}

/// A process whose lines are read; it ends with this value.
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

    /// Its next line; `None` once it has ended.
    pub(crate) fn line(&mut self) -> Option<String> {
        self.lines.next()?.ok()
    }

    /// Memory that it has in use, in bytes (`VmRSS` of `proc_pid_status(5)`).
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

/// A server, where it listens, and where it is steered.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) addr: SocketAddr,
    pub(crate) control: Option<SocketAddr>,
    /// Memory before anyone came, in bytes.
    pub(crate) idle: u64,
}

impl Server {
    /// `None` where it does not start.
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

    /// Memory for each of so many clients, in bytes.
    pub(crate) fn memory_of(&self, clients: usize) -> u64 {
        self.process.memory().saturating_sub(self.idle) / clients as u64
    }
}

fn address(process: &mut Process, before: &str) -> Option<SocketAddr> {
    let line = process.line()?;
    let addr = line.trim().strip_prefix(before)?;
    addr.split('/').next()?.parse().ok()
}

/// The crowd of a plan, dialing that server.
pub(crate) fn crowd(addr: SocketAddr, plan: &Plan) -> Process {
    let mut command = part_of_this(CLIENTS_CORE, "listeners");
    command.args([addr.to_string(), plan.to_json()]);
    Process::start(command).expect("this binary")
}

/// What a crowd says at last.
pub(crate) fn heard(crowd: &mut Process) -> Heard {
    let line = crowd.line().expect("what the crowd heard");
    serde_json::from_str(&line).expect("what the crowd heard")
}

/// Bytes of a file.
pub(crate) fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}
