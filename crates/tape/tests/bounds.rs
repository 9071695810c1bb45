//! Memory is bounded, whatever the tape.

use std::io::{BufReader, Read};

use wstape_tape::{Micros, TapeErrorKind, TapeReader, check};

/// Repeats a line, and never holds more than that one.
struct Repeated {
    line: Vec<u8>,
    at: usize,
    bytes_left: u64,
}

impl Repeated {
    fn new(line: impl Into<Vec<u8>>, times: u64) -> Self {
        let line = line.into();
        let bytes_left = times * line.len() as u64;
        Self {
            line,
            at: 0,
            bytes_left,
        }
    }
}

impl Read for Repeated {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.bytes_left)
            .unwrap_or(usize::MAX)
            .min(buf.len());
        let n = most.min(self.line.len() - self.at);
        buf[..n].copy_from_slice(&self.line[self.at..self.at + n]);
        self.at = (self.at + n) % self.line.len();
        self.bytes_left -= n as u64;
        Ok(n)
    }
}

/// A tape of a header and a repeated line.
fn tape(line: impl Into<Vec<u8>>, times: u64) -> TapeReader<impl std::io::BufRead> {
    let text = (&b"{\"tape\":1}\n"[..]).chain(Repeated::new(line, times));
    TapeReader::new("long", BufReader::with_capacity(1 << 16, text)).unwrap()
}

/// Peak of this process's resident memory, in bytes, where the system tells.
#[cfg(target_os = "linux")]
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib << 10)
}

#[cfg(not(target_os = "linux"))]
fn peak_bytes() -> Option<u64> {
    None
}

/// In one test, because tests share a process and the peak is the process's: constant memory
/// first, then a line beyond the bound.
#[test]
fn a_long_tape_is_read_in_constant_memory_and_an_endless_line_is_refused() {
    let data = "y".repeat(64 << 10);
    let line = format!("{{\"at_ms\":5,\"emit\":{{\"event\":\"e\",\"data\":\"{data}\"}}}}\n");
    let times = (96 << 20) / line.len() as u64;
    check(tape(line.clone(), 8)).unwrap();
    let before = peak_bytes();
    let summary = check(tape(line, times)).unwrap();
    assert_eq!(
        (summary.steps, summary.duration),
        (times, Micros::from_ms(5))
    );
    if let (Some(before), Some(after)) = (before, peak_bytes()) {
        let grown = after.saturating_sub(before);
        assert!(grown < 2 << 20, "grew by {grown} bytes");
    }

    let endless = tape(data, u64::MAX >> 17).next().unwrap().unwrap_err();
    assert_eq!(
        endless.to_string(),
        "long:2:1: the line has more than 64 MiB"
    );
    assert_eq!(endless.kind(), TapeErrorKind::Limit);
    assert!(endless.report().len() < 400);
}
