//! What a client's processes use: processor time and memory.

/// What the processes below a keeper use, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Vitals {
    /// Processor time so far, in seconds; of children that ended, too.
    pub(crate) processor_s: f64,
    /// Proportional memory now, in bytes: shared pages are divided among those that share them.
    pub(crate) memory_bytes: u64,
}

/// What is to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    /// Processor time alone.
    Processor,
    /// Memory too, which takes the system a while to sum up.
    Memory,
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
        if wanted == Wanted::Memory {
            vitals.memory_bytes += proportional(&process).unwrap_or(0);
        }
    }
    // 32 bits of ticks are more than a year.
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
