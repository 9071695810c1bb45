//! Which processes are below another, and which carry a mark.

use rustix::process::{Pid, Signal};

/// Environment variable that identifies the processes of one run, wherever they went.
pub(crate) const MARK: &str = "WSTAPE_REFEREE_RUN";

/// The most processes below a keeper that are examined at once: a client that forks without end is
/// ended batch by batch.
const MAX_BELOW: usize = 4_096;

/// The processes below this one, parents before children. Empty without `/proc`.
pub(crate) fn below(pid: u32) -> Vec<u32> {
    let mut found = children(pid);
    let mut next = 0;
    while next < found.len() && found.len() < MAX_BELOW {
        found.extend(children(found[next]));
        next += 1;
    }
    found
}

/// Kills a process; returns whether there was one to kill.
pub(crate) fn kill(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::kill_process(pid, Signal::KILL).is_ok())
}

/// A process, as a person recognises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: u32,
    /// Its command line.
    pub(crate) command: String,
}

/// The processes below this one with their command lines. Zombies have none, and are left out.
#[cfg(target_os = "linux")]
pub(crate) fn named_below(pid: u32) -> Vec<Process> {
    let named = |pid: u32| {
        let process = procfs::process::Process::new(i32::try_from(pid).ok()?).ok()?;
        let words = process.cmdline().ok().filter(|words| !words.is_empty())?;
        let command = words.join(" ");
        Some(Process { pid, command })
    };
    below(pid).into_iter().filter_map(named).collect()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn named_below(_: u32) -> Vec<Process> {
    Vec::new()
}

#[cfg(target_os = "linux")]
fn children(pid: u32) -> Vec<u32> {
    let Ok(process) = i32::try_from(pid)
        .map_err(|_| ())
        .and_then(|pid| procfs::process::Process::new(pid).map_err(|_| ()))
    else {
        return Vec::new();
    };
    let Ok(tasks) = process.tasks() else {
        return Vec::new();
    };
    // A thread that ends meanwhile has passed its children to another.
    tasks
        .flatten()
        .filter_map(|task| task.children().ok())
        .flatten()
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn children(_: u32) -> Vec<u32> {
    Vec::new()
}

/// Kills every process whose environment carries this mark; returns how many there were. What a
/// client starts inherits the mark, unless it clears its environment.
#[cfg(target_os = "linux")]
pub(crate) fn sweep(mark: &str) -> usize {
    use std::ffi::OsStr;

    let Ok(all) = procfs::process::all_processes() else {
        return 0;
    };
    let mut swept = 0;
    for process in all.flatten() {
        let carries = process
            .environ()
            .is_ok_and(|env| env.get(OsStr::new(MARK)).is_some_and(|it| it == mark));
        if carries && u32::try_from(process.pid).is_ok_and(kill) {
            swept += 1;
        }
    }
    swept
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn sweep(_: &str) -> usize {
    0
}
