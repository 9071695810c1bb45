//! `wstape import` reads from standard input what it reads from a file.

use std::path::{Path, PathBuf};

/// A file that another tool wrote.
fn input(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../recorder/tests/inputs")
        .join(name)
}

#[test]
fn what_comes_by_standard_input_becomes_the_same_tape() {
    for (format, name) in [("har", "chrome.har"), ("mitmproxy", "mitmproxy.flows")] {
        let run = |file: &str| {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_wstape"))
                .args(["import", format, file, "--out", "-"])
                .stdin(std::fs::File::open(input(name)).unwrap())
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let tape = String::from_utf8(output.stdout).unwrap();
            // The header names the file, and placeholders are drawn anew.
            let plain = |line: &&str| !line.contains("redacted");
            let lines: Vec<String> = tape.lines().filter(plain).map(str::to_owned).collect();
            lines
        };
        let lines = run("-");
        assert!(lines.len() > 20, "{lines:?}");
        assert_eq!(lines, run(input(name).to_str().unwrap()));
    }
}
