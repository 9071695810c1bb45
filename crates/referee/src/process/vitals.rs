//! What a client's processes use: processor time, memory and sockets.

use std::collections::BTreeSet;

/// What the processes below a keeper use at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Vitals {
    /// Processor time so far, in seconds, including that of children that ended.
    pub(crate) processor_s: f64,
    /// Proportional memory now, in bytes: shared pages are divided among those that share them.
    pub(crate) memory_bytes: u64,
    /// Sockets connected to the engine's port, by their number in the system.
    pub(crate) sockets: BTreeSet<u64>,
}

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    /// Only processor time.
    Processor,
    /// Memory too, which takes the system a while to add up.
    Memory,
    /// Sockets too, which means searching all of the system's.
    Sockets,
}

/// Measures everything below this process; `None` if the system can't tell. Only sockets connected
/// to this port count.
#[cfg(target_os = "linux")]
pub(crate) fn measure(keeper: u32, port: u16, wanted: Wanted) -> Option<Vitals> {
    use procfs::process::Process;

    let process = |pid: u32| Process::new(i32::try_from(pid).ok()?).ok();
    let own = process(keeper)?.stat().ok()?;
    let mut ticks = u64::try_from(own.cutime + own.cstime).unwrap_or(0);
    let mut vitals = Vitals::default();
    let to_the_port = if wanted >= Wanted::Sockets {
        sockets_to(port)
    } else {
        BTreeSet::new()
    };
    // A process that ends meanwhile is counted by its parent, which waits for it.
    for process in super::tree::below(keeper).into_iter().filter_map(process) {
        if let Ok(stat) = process.stat() {
            ticks += stat.utime + stat.stime;
            ticks += u64::try_from(stat.cutime + stat.cstime).unwrap_or(0);
        }
        if wanted >= Wanted::Memory {
            vitals.memory_bytes += proportional(&process).unwrap_or(0);
        }
        if !to_the_port.is_empty() {
            let held = sockets_of(&process);
            vitals.sockets.extend(held.intersection(&to_the_port));
        }
    }
    // 32 bits of ticks are more than a year.
    let per_second = u32::try_from(procfs::ticks_per_second()).unwrap_or(u32::MAX);
    let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
    vitals.processor_s = f64::from(ticks) / f64::from(per_second);
    Some(vitals)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn measure(_: u32, _: u16, _: Wanted) -> Option<Vitals> {
    None
}

#[cfg(target_os = "linux")]
fn proportional(process: &procfs::process::Process) -> Option<u64> {
    let rollup = process.smaps_rollup().ok()?;
    let map = rollup.memory_map_rollup.0.first()?;
    map.extension.map.get("Pss").copied()
}

/// All the system's sockets whose other end is this port, in any state.
#[cfg(target_os = "linux")]
fn sockets_to(port: u16) -> BTreeSet<u64> {
    let tables = [procfs::net::tcp(), procfs::net::tcp6()];
    let entries = tables.into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.remote_address.port() == port)
        .map(|entry| entry.inode)
        .collect()
}

/// The sockets that a process holds open.
#[cfg(target_os = "linux")]
fn sockets_of(process: &procfs::process::Process) -> BTreeSet<u64> {
    use procfs::process::FDTarget;

    let held = process.fd().into_iter().flatten().flatten();
    held.filter_map(|fd| match fd.target {
        FDTarget::Socket(inode) => Some(inode),
        _ => None,
    })
    .collect()
}
