//! What is shown during a recording: a line on a terminal, nothing without one.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Nobody listens there; recording from it goes on all the same.
const NOBODY: &str = "ws://127.0.0.1:1/ws";

fn tap(folder: &Path, arguments: &[&str], stderr: Stdio) -> Child {
    Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args(["tap", NOBODY, "--for", "60s", "--out", "t.jsonl"])
        .args(arguments)
        .current_dir(folder)
        .env("TERM", "xterm")
        .stderr(stderr)
        .spawn()
        .expect("the binary runs")
}

pub(crate) fn interrupt(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process id"), Signal::INT).expect("it still runs");
}

/// Returns both ends of a new terminal.
fn terminal() -> (File, File) {
    let controller: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&controller).expect("it is ours");
    unlockpt(&controller).expect("it is unlocked");
    let name = ptsname(&controller, Vec::new()).expect("it has a name");
    let name = name.to_str().expect("a name in ASCII");
    let mut options = OpenOptions::new();
    let user = options.read(true).write(true).open(name).expect("it opens");
    (File::from(controller), user)
}

#[test]
fn a_terminal_shows_how_the_recording_goes_and_then_what_was_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut controller, user) = terminal();
    let mut child = tap(folder.path(), &[], user.into());
    let mut shown = String::new();
    let mut buffer = [0; 4096];
    let mut interrupted = false;
    // This ends once the child has closed the terminal, which reads as an error.
    while let Ok(n @ 1..) = controller.read(&mut buffer) {
        shown += &String::from_utf8_lossy(&buffer[..n]);
        if !interrupted && shown.contains("0 frames") && shown.contains("1 outage") {
            interrupt(&child);
            interrupted = true;
        }
    }
    // Nobody could be reached.
    assert_eq!(child.wait().expect("it ends").code(), Some(1), "{shown}");
    let (progress, last) = shown.rsplit_once("recorded ").expect("a closing line");
    assert!(progress.contains("0 B"), "{shown:?}");
    assert!(
        last.starts_with("0 frames, 0 connections, 1 outage in"),
        "{shown:?}"
    );
    // The progress line is removed from the terminal before the closing one is written.
    assert!(
        progress.ends_with("\u{1b}[2K") || progress.ends_with('\r'),
        "{shown:?}"
    );
}

#[test]
fn where_there_is_no_terminal_the_closing_line_is_said_and_with_quiet_only_what_is_wrong() {
    for (arguments, lines) in [(&[][..], 2), (&["--quiet"], 1)] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = tap(folder.path(), arguments, Stdio::piped());
        // Once the first steps are there, it listens for signals too.
        let tape = folder.path().join("t.jsonl");
        while !std::fs::read_to_string(&tape).is_ok_and(|text| text.contains("down")) {
            let ended = child.try_wait().expect("its state");
            assert_eq!(ended, None, "it ended before it recorded anything");
            std::thread::yield_now();
        }
        interrupt(&child);
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(said.lines().count(), lines, "{said}");
        let unreached = said.lines().last().unwrap_or_default();
        assert!(unreached.contains(" was never reached: "), "{said}");
        assert!(!said.contains('\r') && !said.contains('\u{1b}'), "{said:?}");
    }
}
