//! Python's format.

use super::error::{Language, Uncaught};

/// Python's traceback begins at most this many lines after its first line.
const MAX_TO_TRACEBACK: usize = 3;
const TRACEBACK: &str = "Traceback (most recent call last):";
/// What Python prints about an error from a task, a callback, a thread or a finalizer.
const OF_PYTHON: [&str; 4] = [
    "exception was never retrieved",
    "Exception in callback ",
    "Exception in thread ",
    "Exception ignored in",
];

/// The traceback with which a process ended: its last line is the error's own.
pub(super) fn end(lines: &[&str]) -> Option<Uncaught> {
    let begins = lines.iter().rposition(|line| is_traceback(line))?;
    let (own, ends) = own_line(lines, begins)?;
    // If anything else was printed after it, the process went on.
    let is_last = lines[ends + 1..].iter().all(|line| is_more_of_it(line));
    is_last.then(|| Uncaught::new(Language::Python, TRACEBACK, own))
}

/// An error from a task, a callback, a thread or a finalizer.
pub(super) fn in_passing(lines: &[&str], at: usize) -> Option<Uncaught> {
    let first = lines[at];
    if !OF_PYTHON.iter().any(|it| first.contains(it)) {
        return None;
    }
    let mut near = lines.iter().enumerate().skip(at + 1).take(MAX_TO_TRACEBACK);
    let (begins, _) = near.find(|(_, line)| is_traceback(line))?;
    let (own, _) = own_line(lines, begins)?;
    Some(Uncaught::new(Language::Python, first, own))
}

fn is_traceback(line: &str) -> bool {
    line.trim_start_matches([' ', '|', '+'])
        .starts_with("Traceback (most")
        || line.contains("Exception Group Traceback (most")
}

/// More lines of an error's message, or of a group of errors.
fn is_more_of_it(line: &str) -> bool {
    line.is_empty() || line.starts_with([' ', '|', '+'])
}

/// The error's own line after a traceback that begins here, and its position; the last one in a
/// chain of errors.
fn own_line<'a>(lines: &[&'a str], begins: usize) -> Option<(&'a str, usize)> {
    let is_group = lines[begins].trim_start().starts_with(['|', '+']);
    let text = |line: &'a str| {
        if is_group {
            line.trim_start().strip_prefix("| ").unwrap_or(line)
        } else {
            line
        }
    };
    let behind = lines[begins + 1..].iter();
    let own = behind
        .map(|line| text(line))
        .position(|line| !line.is_empty() && !line.starts_with(' '))?;
    let at = begins + 1 + own;
    let rest = &lines[at + 1..];
    let next = rest.iter().position(|line| is_traceback(line));
    let leads_on = |until: usize| {
        rest[..until].iter().any(|line| {
            line.starts_with("The above exception was the direct cause")
                || line.starts_with("During handling of the above exception")
        })
    };
    match next {
        Some(next) if leads_on(next) => own_line(lines, at + 1 + next),
        _ => Some((text(lines[at]), at)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{last_words, said, uncaught};

    const TASK: &str = "connected
Task exception was never retrieved
future: <Task finished name='Task-2' coro=<f() done> exception=ValueError('chained')>
Traceback (most recent call last):
  File \"a.py\", line 9, in g
    raise KeyError(\"x\")
KeyError: 'x'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File \"a.py\", line 10, in g
    raise ValueError(\"chained\") from e
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
ValueError: chained
and more of it
connected again
";

    #[test]
    fn an_error_of_a_task_that_went_on_is_told_by_its_first_line_and_its_own() {
        let wanted = ["Task exception was never retrieved: ValueError: chained"];
        assert_eq!(said(TASK, None), wanted);
        // Ten times the same is one error.
        assert_eq!(said(&TASK.repeat(10), None), wanted);
        // A logger's prefix must not hide it.
        let logged = TASK.replace("Task exc", "ERROR:asyncio:Task exc");
        assert_eq!(said(&logged, None).len(), 1);
    }

    #[test]
    fn what_a_program_logs_of_an_error_that_it_caught_is_none() {
        let caught = "ERROR:root:lost it, going on
Traceback (most recent call last):
  File \"a.py\", line 15, in <module>
    1/0
ZeroDivisionError: division by zero
dialling again
";
        assert!(said(caught, None).is_empty());
        // Nor is it one if the process ends later, for another reason.
        assert!(said(caught, Some(2)).is_empty());
        assert_eq!(
            last_words(caught, Some(2)).as_deref(),
            Some("dialling again")
        );
        assert!(said("thread 'x' is fine\nException in thread safety\n", None).is_empty());
    }

    #[test]
    fn a_python_that_ends_with_a_traceback_ends_with_its_last_line() {
        let printed = "Traceback (most recent call last):
  File \"a.py\", line 3, in <module>
    main()
websockets.exceptions.InvalidStatus: server rejected WebSocket connection: HTTP 429
";
        let [error] = &uncaught(printed, Some(1))[..] else {
            panic!()
        };
        assert!(
            error.ended
                && error
                    .last
                    .starts_with("websockets.exceptions.InvalidStatus")
        );
        let own = last_words(printed, Some(1)).unwrap();
        assert!(
            own.starts_with("websockets.exceptions.InvalidStatus"),
            "{own}"
        );
        assert!(uncaught(printed, Some(0)).is_empty());
    }

    #[test]
    fn of_a_group_of_errors_the_group_is_told() {
        let printed = "  + Exception Group Traceback (most recent call last):
  |   File \"a.py\", line 23, in <module>
  |     asyncio.run(h())
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File \"a.py\", line 18, in one
    | PermissionError: [Errno 1] x
    +------------------------------------
";
        let said = said(printed, Some(1));
        assert_eq!(said.len(), 1);
        assert!(
            said[0].ends_with("PermissionError: [Errno 1] x"),
            "{said:?}"
        );
    }
}
