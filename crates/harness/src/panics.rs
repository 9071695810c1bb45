//! Where a thread last panicked, down to the line.

use std::cell::RefCell;
use std::panic;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Records from now on where panics happen, for [`panic_message`](crate::panic_message). A panic is
/// not printed if `is_quiet`, called on the panicking thread, returns true.
pub fn note_panics(is_quiet: fn() -> bool) {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        LAST.set(
            info.location()
                .map(|place| format!("{}:{}", place.file(), place.line())),
        );
        if !is_quiet() {
            loud(info);
        }
    }));
}

/// Returns where this thread last panicked, once for each panic.
pub(crate) fn last_place() -> Option<String> {
    LAST.take()
}
