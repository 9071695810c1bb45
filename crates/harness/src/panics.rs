//! Where the last panic of a thread was: what leads to the line.

use std::cell::RefCell;
use std::panic;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Takes down from here on where panics are, for [`panic_message`](crate::panic_message), and says
/// nothing of those for which `is_quiet` holds, asked on the thread that panics.
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

/// Where the last panic of this thread was, once.
pub(crate) fn last_place() -> Option<String> {
    LAST.take()
}
