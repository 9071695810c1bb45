//! Makes the writing thread give way to the traffic.

#[cfg(target_os = "linux")]
pub(super) use linux::stand_back;
#[cfg(not(target_os = "linux"))]
pub(super) use other::stand_back;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::process::setpriority_process;
    use rustix::thread::gettid;

    /// The thread's `nice` value, from 0 to 19.
    const WRITER_NICE: i32 = 10;

    /// Gives the traffic priority when processor time is short: what must be written waits in the
    /// queue, and the traffic does not wait at all.
    pub(in super::super) fn stand_back() {
        // If the system refuses, carry on without.
        let _ = setpriority_process(Some(gettid()), WRITER_NICE);
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    /// Only Linux has per-thread priorities by this call; elsewhere both compete equally.
    pub(in super::super) fn stand_back() {}
}
