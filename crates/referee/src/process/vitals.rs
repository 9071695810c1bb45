//! What a client's processes use: processor time, memory, sockets.

/// What the processes below a keeper use, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Vitals {
    /// Processor time so far, in seconds; of children that ended, too.
    pub(crate) processor_s: f64,
    /// Proportional memory now, in bytes: shared pages are divided among those that share them.
    pub(crate) memory_bytes: u64,
    /// TCP sockets that are open now.
    pub(crate) sockets: u64,
}

/// What is to be measured: each costs time of its own.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    pub(crate) memory: bool,
    pub(crate) sockets: bool,
}

/// Measures everything below this process; `None` where the system can't tell.
#[cfg(target_os = "linux")]
pub(crate) fn measure(keeper: u32, wanted: Wanted) -> Option<Vitals> {
    use procfs::process::Process;

    let process = |pid: u32| Process::new(i32::try_from(pid).ok()?).ok();
    let own = process(keeper)?.stat().ok()?;
    let mut ticks = u64::try_from(own.cutime + own.cstime).unwrap_or(0);
    let mut vitals = Vitals::default();
    // What ends meanwhile is counted by whoever waits for it.
    for process in super::tree::below(keeper).into_iter().filter_map(process) {
        if let Ok(stat) = process.stat() {
            ticks += stat.utime + stat.stime;
            ticks += u64::try_from(stat.cutime + stat.cstime).unwrap_or(0);
        }
        if wanted.memory {
            vitals.memory_bytes += proportional(&process).unwrap_or(0);
        }
        if wanted.sockets {
            vitals.sockets += tcp_sockets(&process).unwrap_or(0);
        }
    }
    // Of a process's time no more than whole days would not fit.
    let per_second = u32::try_from(procfs::ticks_per_second()).unwrap_or(u32::MAX);
    let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
    vitals.processor_s = f64::from(ticks) / f64::from(per_second);
    Some(vitals)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn measure(_: u32, _: Wanted) -> Option<Vitals> {
    None
}

#[cfg(target_os = "linux")]
fn proportional(process: &procfs::process::Process) -> Option<u64> {
    let rollup = process.smaps_rollup().ok()?;
    let map = rollup.memory_map_rollup.0.first()?;
    map.extension.map.get("Pss").copied()
}

/// Open files of the process that are TCP sockets, whatever their state.
#[cfg(target_os = "linux")]
fn tcp_sockets(process: &procfs::process::Process) -> Option<u64> {
    use procfs::process::FDTarget;
    use std::collections::BTreeSet;

    let inodes: BTreeSet<u64> = process
        .tcp()
        .into_iter()
        .chain(process.tcp6())
        .flatten()
        .filter(|entry| entry.state != procfs::net::TcpState::Listen)
        .map(|entry| entry.inode)
        .collect();
    let open = process.fd().ok()?.flatten();
    let sockets = open.filter(|file| match file.target {
        FDTarget::Socket(inode) => inodes.contains(&inode),
        _ => false,
    });
    Some(sockets.count() as u64)
}
