//! Ruby's format: an uncaught error ends its thread, and the process if that is the main one.

use super::error::{Language, Uncaught};

/// The exit status of a process whose main thread ended that way.
const ENDED: i32 = 1;
/// What Ruby prints about a thread, before the error's own line.
const THREAD: &str = " terminated with exception (report_on_exception is true):";
/// How the lines of its stack begin.
const STACK: &str = "\tfrom ";

/// An error that ended a thread.
pub(super) fn in_passing(lines: &[&str], at: usize) -> Option<Uncaught> {
    let of_thread = lines[at].starts_with("#<Thread:") && lines[at].ends_with(THREAD);
    let own = own_message(lines.get(at + 1).filter(|_| of_thread)?)?;
    Some(Uncaught::new(Language::Ruby, "a thread ended with", own))
}

/// The error with which a process ended: its own line, followed only by its stack.
pub(super) fn end(lines: &[&str], status: Option<i32>) -> Option<Uncaught> {
    if status != Some(ENDED) {
        return None;
    }
    let behind = lines
        .iter()
        .rev()
        .take_while(|line| line.starts_with(STACK));
    let at = lines.len().checked_sub(behind.count() + 1)?;
    let own = own_message(lines[at])?;
    Some(Uncaught::new(Language::Ruby, own, ""))
}

/// The message and class of `client.rb:3:in 'follow': the message (TheClass)`, without the place.
fn own_message(line: &str) -> Option<&str> {
    let (place, own) = line.split_once("': ")?;
    let names_a_class = own.ends_with(')') && own.contains(" (");
    (place.contains(":in `") || place.contains(":in '"))
        .then_some(own)
        .filter(|_| names_a_class)
}

#[cfg(test)]
mod tests {
    use super::super::{last_words, said, uncaught};

    const MAIN: &str = "client.rb:3:in `follow': no frame (RuntimeError)
\tfrom client.rb:5:in `<main>'
";

    #[test]
    fn a_thread_of_ruby_that_ended_by_an_error_is_told_though_the_process_goes_on() {
        let printed = format!(
            "#<Thread:0x00007f1 client.rb:1 run> terminated with exception (report_on_exception is true):\n{MAIN}dialling again\n"
        );
        assert_eq!(
            said(&printed, None),
            ["a thread ended with: no frame (RuntimeError)"]
        );
        assert!(!uncaught(&printed, Some(1))[0].ended);
    }

    #[test]
    fn a_ruby_that_ends_with_an_error_ends_with_its_message_and_not_with_its_stack() {
        let own = "no frame (RuntimeError)";
        assert_eq!(last_words(MAIN, Some(1)).as_deref(), Some(own));
        assert!(uncaught(MAIN, Some(1))[0].ended);
        // An error that it caught and logged has something after it, or another status.
        assert!(said(&format!("{MAIN}dialling again\n"), Some(1)).is_empty());
        assert!(said(MAIN, None).is_empty());
    }
}
