//! Java's format: an uncaught error ends its thread, and the process if no other thread keeps it
//! alive.

use super::error::{Language, Uncaught};

/// The exit status of a process whose last thread ended that way.
const ENDED: i32 = 1;
/// How its first line begins, before the thread's name.
const BEGINS: &str = "Exception in thread \"";

/// An error that ended a thread. Python's line about a thread has no quotation mark.
pub(super) fn in_passing(line: &str) -> Option<Uncaught> {
    let (_, error) = line.strip_prefix(BEGINS)?.split_once("\" ")?;
    (!error.is_empty()).then(|| Uncaught::new(Language::Java, line, ""))
}

/// The error with which a process ended: the last one, followed only by its stack.
pub(super) fn end(lines: &[&str], status: Option<i32>) -> Option<Uncaught> {
    if status != Some(ENDED) {
        return None;
    }
    let at = lines.iter().rposition(|line| in_passing(line).is_some())?;
    let stack = lines[at + 1..].iter().rev().find(|line| !line.is_empty());
    let is_last = stack.is_none_or(|line| line.starts_with("\tat ") || line.starts_with("\t... "));
    in_passing(lines[at]).filter(|_| is_last)
}

#[cfg(test)]
mod tests {
    use super::super::{last_words, said, uncaught};

    const THREAD: &str = "Exception in thread \"reader\" java.lang.IllegalStateException: no frame
and more of it
\tat Client.lambda$main$0(Client.java:3)
\tat java.base/java.lang.Thread.run(Thread.java:840)
";

    #[test]
    fn a_thread_of_java_that_ended_by_an_error_is_told_though_the_process_goes_on() {
        let own = "Exception in thread \"reader\" java.lang.IllegalStateException: no frame";
        assert_eq!(said(THREAD, None), [own]);
        let went_on = format!("{THREAD}dialling again\n");
        // The process ended later, for another reason.
        assert!(!uncaught(&went_on, Some(1))[0].ended);
        assert!(
            said(
                "java.net.ConnectException: refused\n\tat Client.main(Client.java:9)\n",
                None
            )
            .is_empty()
        );
    }

    #[test]
    fn a_java_whose_main_thread_ends_by_an_error_ends_with_it() {
        let printed = "Exception in thread \"main\" java.lang.RuntimeException: the end
\tat Client.main(Client.java:7)
Caused by: java.io.IOException: why
\t... 1 more
";
        let own = "Exception in thread \"main\" java.lang.RuntimeException: the end";
        let [error] = &uncaught(printed, Some(1))[..] else {
            panic!()
        };
        assert!(error.ended);
        assert_eq!(last_words(printed, Some(1)).as_deref(), Some(own));
    }
}
