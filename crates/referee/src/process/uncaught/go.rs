//! Go's format: an unrecovered panic, or a fatal error of the runtime, ends the process.

use super::error::{Language, Uncaught};

/// The exit status of a Go program that ended this way.
const PANICKED: i32 = 2;
/// How its first line begins.
const BEGINS: [&str; 2] = ["panic: ", "fatal error: "];
/// How the stacks after it begin.
const STACK: &str = "goroutine ";

/// The panic with which a process ended.
pub(super) fn end(lines: &[&str], status: Option<i32>) -> Option<Uncaught> {
    if status != Some(PANICKED) {
        return None;
    }
    let stack = lines.iter().position(|line| line.starts_with(STACK))?;
    let begins = |line: &&&str| BEGINS.iter().any(|it| line.starts_with(it));
    let first = lines[..stack].iter().rev().find(begins)?;
    Some(Uncaught::new(Language::Go, first, ""))
}

#[cfg(test)]
mod tests {
    use super::super::{last_words, said, uncaught};

    const PANIC: &str = "2026/11/27 10:00:00 websocket: close 1006 (abnormal closure)
panic: repeated read on failed websocket connection

goroutine 1 [running]:
main.follow()
\t/tmp/client.go:25 +0x1f
main.main()
\t/tmp/client.go:40 +0x1d
";

    #[test]
    fn a_go_that_panics_ends_with_its_own_line_and_not_with_its_stack() {
        let own = "panic: repeated read on failed websocket connection";
        assert_eq!(last_words(PANIC, Some(2)).as_deref(), Some(own));
        assert_eq!(said(PANIC, Some(2)), [own]);
        assert!(uncaught(PANIC, Some(2))[0].ended);
        let deadlock = PANIC.replace("panic: repeated", "fatal error: all goroutines");
        assert_eq!(said(&deadlock, Some(2)).len(), 1);
    }

    #[test]
    fn a_go_that_logs_a_panic_which_it_recovered_from_has_none() {
        assert!(said(PANIC, None).is_empty());
        assert!(said(PANIC, Some(1)).is_empty());
        assert!(said("panic: of somebody else\n", Some(2)).is_empty());
    }
}
