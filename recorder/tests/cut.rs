//! A tape that the recorder wrote, cut at every byte: what is whole plays, and what is torn is
//! reported with its length.

mod steps;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use wstape_recorder::{Output, Recording, Redactor, Rules, Sink};
use wstape_tape::{Header, Step, TapeReader};

/// The tape has at least so many bytes.
const TAPE_BYTES: usize = 256 << 10;
/// Most bytes of a step's payload.
const PAYLOAD_BYTES: usize = 1 << 10;
/// A file is cut in one of so many lines: reading it whole each time takes long.
const FILE_EVERY: usize = 8;

#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no one panicked").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Memory {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A tape as the recorder writes it, and the steps in it.
fn tape() -> (Vec<u8>, Vec<Step>) {
    let memory = Memory::default();
    let redactor = Redactor::new(Rules::default(), [7; 32]);
    let output = Output::sink("memory", memory.clone());
    let mut tape = Recording::begin(output, Header::new("cut"), redactor).expect("it begins");
    let mut written = Vec::new();
    for step in steps::steps(1, PAYLOAD_BYTES) {
        tape.write(step.clone()).expect("it is written");
        written.push(step);
        if tape.stats().counts().written_bytes >= TAPE_BYTES as u64 {
            break;
        }
    }
    tape.finish().expect("it is finished");
    let bytes = memory.0.lock().expect("no one panicked").clone();
    (bytes, written)
}

/// Where each line begins, and the end.
fn line_starts(tape: &[u8]) -> Vec<usize> {
    let newlines = tape.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    std::iter::once(0)
        .chain(newlines.map(|(at, _)| at + 1))
        .collect()
}

#[test]
fn a_header_cut_at_any_byte_is_no_tape() {
    let (tape, _) = tape();
    let header = line_starts(&tape)[1] - 1;
    for cut in 0..header {
        let error = TapeReader::new("cut", &tape[..cut]).expect_err("it is torn");
        let said = error.to_string();
        let sentence = if cut == 0 {
            "the file is empty"
        } else {
            "the header is torn"
        };
        assert!(said.contains(sentence), "cut after {cut}: {said}");
    }
    assert!(TapeReader::new("cut", &tape[..header]).is_ok());
}

/// Line by line, each after only the header: the lines between were read whole before, and
/// reading them again for each byte would take hours.
#[test]
fn a_tape_cut_at_every_byte_gives_what_is_whole_and_the_length_of_what_is_not() {
    let (tape, written) = tape();
    assert!(tape.len() >= TAPE_BYTES);
    let starts = line_starts(&tape);
    let header = &tape[..starts[1]];
    let mut cuts = 0;
    for (line, expected) in starts[1..].windows(2).zip(&written) {
        let (begin, newline) = (line[0], line[1] - 1);
        let mut head = header.to_vec();
        for cut in begin..=newline {
            let mut reader = TapeReader::new("cut", &head[..]).expect("a whole header");
            let whole: Vec<Step> = reader.by_ref().map(|step| step.expect("no flaw")).collect();
            let torn = reader.torn().map(|torn| (torn.line, &torn.bytes[..]));
            if cut == begin {
                assert_eq!((whole.len(), torn), (0, None), "cut after {cut}");
            } else if cut == newline {
                // Only the newline is missing.
                assert_eq!(torn, None, "cut after {cut}");
                assert_eq!(whole, std::slice::from_ref(expected), "cut after {cut}");
            } else {
                assert_eq!(whole.len(), 0, "cut after {cut}");
                assert_eq!(torn, Some((2, &tape[begin..cut])), "cut after {cut}");
            }
            head.push(tape[cut]);
            cuts += 1;
        }
    }
    assert_eq!(cuts, tape.len() - header.len(), "every byte");
}

#[test]
fn a_file_cut_in_any_line_gives_all_lines_before_it() {
    let (tape, written) = tape();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cut.jsonl");
    let starts = line_starts(&tape);
    for (n, line) in starts[1..].windows(2).enumerate().step_by(FILE_EVERY).rev() {
        std::fs::write(&path, &tape).expect("a file");
        // Somewhere in the line, another place in each.
        let cut = line[0] + n % (line[1] - line[0] - 1);
        let file = OpenOptions::new().write(true).open(&path).expect("a file");
        file.set_len(cut as u64).expect("it is cut");
        let mut reader = TapeReader::open(&path).expect("a whole header");
        let whole: Vec<Step> = reader.by_ref().map(|step| step.expect("no flaw")).collect();
        assert_eq!(whole, written[..n], "cut after {cut}");
        let torn = reader.torn().map(|torn| (torn.line, torn.bytes.len()));
        let expected = (cut > line[0]).then_some((n as u64 + 2, cut - line[0]));
        assert_eq!(torn, expected, "cut after {cut}");
    }
}
