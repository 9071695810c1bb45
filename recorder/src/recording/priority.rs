//! How the writing thread lets the traffic go first.

#[cfg(target_os = "linux")]
pub(super) use linux::stand_back;
#[cfg(not(target_os = "linux"))]
pub(super) use other::stand_back;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::process::setpriority_process;
    use rustix::thread::gettid;

    /// How far the thread stands back: `nice`, from 0 to 19.
    const WRITER_NICE: i32 = 10;

    /// Lets the traffic have the processor first, where there is not enough of it for both: what
    /// is to be written waits in the queue, and the traffic does not wait at all.
    pub(in super::super) fn stand_back() {
        // A system that refuses does without.
        let _ = setpriority_process(Some(gettid()), WRITER_NICE);
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    /// Only Linux has priorities of single threads by this call; elsewhere both compete alike.
    pub(in super::super) fn stand_back() {}
}
