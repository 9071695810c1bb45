//! Uncaught errors, as Python, Node, Rust, Go, Java, Ruby and Perl print them.
//!
//! Each is recognised in the form it was seen in: from Python 3.11 (tasks, callbacks, threads,
//! finalizers), Node 20 (a crash, `--unhandled-rejections=warn`), Rust 1.95 and its older form, Go
//! 1.19, Java 17 (threads), Ruby 3.1 (threads) and Perl 5.36. An error that a program caught and
//! logged itself doesn't count.

mod error;
mod go;
mod java;
mod node;
mod perl;
mod python;
mod ruby;
mod rust;

pub use self::error::{Language, Uncaught};

use self::error::told;

/// The uncaught errors in what was printed, each once; `status` is the process's own exit status,
/// if it has ended.
pub(crate) fn uncaught(printed: &str, status: Option<i32>) -> Vec<Uncaught> {
    let lines: Vec<&str> = printed.lines().collect();
    let mut found: Vec<Uncaught> = (0..lines.len())
        .filter_map(|at| {
            python::in_passing(&lines, at)
                .or_else(|| java::in_passing(lines[at]))
                .or_else(|| ruby::in_passing(&lines, at))
                .or_else(|| node::in_passing(lines[at]))
                .or_else(|| rust::in_passing(&lines, at))
        })
        .collect();
    if status.is_some_and(|it| it != 0) {
        found.extend(crash(&lines, status));
    }
    found.sort();
    // If an error ended both a thread and the process, report the end of the process.
    found.dedup_by(|next, kept| {
        let same = next.first == kept.first && next.last == kept.last;
        kept.ended |= same && next.ended;
        same
    });
    found
}

/// The printed line that says why a process ended: the error's own if the runtime prints more after
/// it, otherwise the last one.
pub(crate) fn last_words(printed: &str, status: Option<i32>) -> Option<String> {
    let lines: Vec<&str> = printed.lines().collect();
    let last = lines.iter().rev().find(|line| !line.trim().is_empty())?;
    let crash = crash(&lines, status).filter(|it| it.language != Language::Python);
    Some(crash.map_or_else(|| told(last), |crash| crash.to_string()))
}

/// The error with which a process ended.
fn crash(lines: &[&str], status: Option<i32>) -> Option<Uncaught> {
    // Node announces its end, and a panic has its own exit status: anything else is quoted text.
    if let Some(ended) = node::end(lines).or_else(|| rust::end(lines, status)) {
        return Some(ended.ending());
    }
    let ended = go::end(lines, status)
        .or_else(|| java::end(lines, status))
        .or_else(|| ruby::end(lines, status))
        .or_else(|| perl::end(lines, status))
        .or_else(|| python::end(lines));
    ended.map(Uncaught::ending)
}

/// The errors in what was printed, as a report words them.
#[cfg(test)]
fn said(printed: &str, status: Option<i32>) -> Vec<String> {
    let found = uncaught(printed, status);
    found.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_crashes_ends_with_the_errors_own_line() {
        let crash = |own: &str, rest: &str| {
            format!(
                "node:events:502\n      throw er; // Unhandled\n      ^\n\n{own}\n{rest}\nNode.js v20.20.2\n"
            )
        };
        for (own, rest) in [
            (
                "TypeError: boom",
                "    at listOnTimeout (node:internal/timers:581:17)\n",
            ),
            (
                "Error: connect ECONNREFUSED 127.0.0.1:1",
                "    at x {\n  errno: -111,\n}\n",
            ),
            (
                "UnhandledPromiseRejection: This error originated either by",
                "    at y\n",
            ),
            ("{ a: 1 }", ""),
        ] {
            let printed = crash(own, rest);
            assert_eq!(last_words(&printed, Some(1)).as_deref(), Some(own));
            assert_eq!(said(&printed, Some(1)), [own]);
        }
        let plain = "\n[eval]:1\nthrow \"plain\"\n^\nplain\n(Use `node`)\n\nNode.js v20.20.2\n";
        assert_eq!(last_words(plain, Some(1)).as_deref(), Some("plain"));
    }

    #[test]
    fn a_rejection_that_node_warns_of_is_told_once() {
        let printed = "(node:13411) UnhandledPromiseRejectionWarning: RangeError: rej
    at [eval]:1:16
(Use `node --trace-warnings ...` to show where the warning was created)
(node:13411) UnhandledPromiseRejectionWarning: Unhandled promise rejection. This error originated either by
";
        let wanted = ["UnhandledPromiseRejectionWarning: RangeError: rej"];
        assert_eq!(said(printed, None), wanted);
    }

    #[test]
    fn a_panic_of_a_thread_is_told_and_that_of_the_main_thread_is_the_end() {
        let printed = "\nthread 'reader' (13489) panicked at src/m.rs:1:78:\nno frame\nstack backtrace:\n   0: x\n";
        let wanted = "thread 'reader' panicked at src/m.rs:1:78: no frame";
        assert_eq!(said(printed, None), [wanted]);
        let whole = printed.replace("reader", "main");
        let [error] = &uncaught(&whole, Some(101))[..] else {
            panic!()
        };
        assert!(error.ended);
        let own = last_words(&whole, Some(101)).unwrap();
        assert_eq!(own, "thread 'main' panicked at src/m.rs:1:78: no frame");
        let old = "thread 'main' panicked at 'no frame', src/m.rs:1:78\nnote: run with\n";
        let [error] = &uncaught(old, Some(101))[..] else {
            panic!()
        };
        assert!(error.last.is_empty());
    }
}
