//! Flaws of a file as a whole: its header, its order, its encoding, its reading.

use std::io::{self, BufReader, Read};

use wstape_tape::{Tape, TapeErrorKind as Kind, TapeReader};

#[test]
fn steps_out_of_order_are_named_with_the_time_they_come_after() {
    let tape = |lines: &str| Tape::parse("t.jsonl", &format!("{{\"tape\":1}}\n{lines}"));
    for (lines, sentence) in [
        (
            "{\"at_ms\":5.5,\"mark\":\"\"}\n{\"mark\":\"\",\"at_ms\":5}\n",
            "t.jsonl:3:20: \"at_ms\" must not decrease: 5 comes after 5.5",
        ),
        (
            "{\"at_ms\":5,\"mark\":\"\"}\n{\"on_connect\":1,\"mark\":\"\"}\n",
            "t.jsonl:3:15: \"on_connect\" steps come before the first \"at_ms\"",
        ),
        (
            "{\"on_connect\":2,\"after_ms\":3,\"mark\":\"\"}\n{\"on_connect\":2,\"mark\":\"\"}\n",
            "t.jsonl:3:15: \"after_ms\" must not decrease within one \"on_connect\": 0 comes \
             after 3",
        ),
        (
            "{\"at_ms\":5,\"end\":true}\n{\"at_ms\":6,\"mark\":\"\"}\n",
            "t.jsonl:3:19: nothing may follow the \"end\" step",
        ),
    ] {
        assert_eq!(tape(lines).unwrap_err().to_string(), sentence);
    }
    let selectors = "{\"on_connect\":2,\"after_ms\":3,\"mark\":\"\"}\n{\"on_connect\":1,\"mark\":\"\"}\n\
                     {\"on_connect\":\"each\",\"mark\":\"\"}\n{\"on_connect\":2,\"after_bytes\":0,\"mark\":\"\"}\n";
    assert_eq!(tape(selectors).unwrap().steps.len(), 4);
}

#[test]
fn a_header_is_demanded_and_what_it_needs_comes_before_its_keys() {
    for (header, sentence) in [
        (
            "",
            "h:1:1: the file is empty; a tape begins with {\"tape\":1}",
        ),
        ("\n", "h:1:1: a blank line; each line is a step"),
        (
            "{\"at_ms\":1,\"end\":true}\n",
            "h:1:1: not a tape: its first line must be a header such as {\"tape\":1}",
        ),
        (
            "{\"tape\":1,\"tit",
            "h:1:15: the header is torn: not JSON: EOF while parsing a string",
        ),
        (
            "\u{feff}{\"tape\":1}\n",
            "h:1:1: the file begins with a byte order mark; save it as UTF-8 without one",
        ),
        (
            "{\"later\":[],\"tape\":2}\n",
            "h:1:20: this tape is of format version 2; this program reads versions up to 1",
        ),
        (
            "{\"tape\":\"1\"}\n",
            "h:1:9: \"tape\" must be a whole number from 1 to 4294967295, found \"1\"",
        ),
        (
            "{\"tape\":1,\"later\":[],\"needs\":[\"corrupt\"]}\n",
            "h:1:30: the tape needs \"corrupt\", which this version does not have",
        ),
        (
            "{\"tape\":1,\"needs\":1}\n",
            "h:1:19: \"needs\" must be a list of strings, found 1",
        ),
        (
            "{\"tape\":1,\"titel\":\"x\"}\n",
            "h:1:11: unknown key \"titel\" (did you mean \"title\"?); expected one of tape, title, \
             recorded_at, epoch, source, redacted, needs, note",
        ),
        (
            "{\"tape\":1,\"epoch\":\"2026-04-21T19:05:36\"}\n",
            "h:1:19: \"epoch\" must be a time as in \"2026-04-21T19:05:36.821Z\" (RFC 3339), \
             found \"2026-04-21T19:05:36\"",
        ),
    ] {
        assert_eq!(
            Tape::parse("h", header).unwrap_err().to_string(),
            sentence,
            "{header}"
        );
    }
}

#[test]
fn bytes_that_are_not_utf8_are_placed_in_characters() {
    let bytes = b"{\"tape\":1}\n{\"at_ms\":1,\"text\":\"\xC3\xA4\xFF\"}\n";
    let error = TapeReader::new("t", &bytes[..])
        .unwrap()
        .next()
        .unwrap()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "t:2:21: not UTF-8: the byte 0xFF is not allowed here"
    );
    assert_eq!(error.kind(), Kind::Encoding);
}

#[test]
fn the_first_error_ends_the_iteration() {
    let text = "{\"tape\":1}\n{\"at_ms\":1,\"hng\":true}\n{\"at_ms\":2,\"hang\":true}\n";
    let mut reader = TapeReader::new("t", text.as_bytes()).unwrap();
    assert!(reader.next().unwrap().is_err());
    assert!(reader.next().is_none());
    assert!(reader.torn().is_none());
}

/// A disk that fails.
struct Failing;
impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("bad sector"))
    }
}

#[test]
fn a_file_that_cannot_be_opened_or_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.jsonl");
    let error = TapeReader::open(&path).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("{}: cannot open the tape: ", path.display()))
    );
    assert_eq!(
        (error.line(), error.column(), error.kind()),
        (0, 0, Kind::Io)
    );
    assert_eq!(error.io_kind(), Some(io::ErrorKind::NotFound));
    assert_eq!(error.report(), error.to_string());

    let sound = b"{\"tape\":1}\n{\"at_ms\":1,\"hang\":true}\n".chain(Failing);
    let mut reader = TapeReader::new("t", BufReader::new(sound)).unwrap();
    assert!(reader.next().unwrap().is_ok());
    let error = reader.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "t:3:1: cannot read the tape: bad sector");
}

#[test]
fn a_sentence_quotes_a_little_of_a_long_text_wherever_it_stands() {
    let long = "x".repeat(100_000);
    let lines = [
        format!("{{\"tape\":1,\"needs\":[\"{long}\"]}}\n"),
        format!("{{\"tape\":1,\"{long}\":1}}\n"),
        format!(
            "{{\"tape\":1}}\n{{\"at_ms\":1,\"refuse\":{{\"status\":500,\"headers\":{{\"{long} \":\"\"}}}}}}\n"
        ),
        format!(
            "{{\"tape\":1}}\n{{\"at_ms\":1,\"refuse\":{{\"status\":500,\"headers\":{{\"{long}\":1}}}}}}\n"
        ),
        format!("{{\"tape\":1}}\n{{\"at_ms\":\"{long}\",\"end\":true}}\n"),
    ];
    for text in lines {
        let error = Tape::parse("h", &text).unwrap_err();
        let chars = error.to_string().chars().count();
        assert!(chars <= 250, "{chars}: {:.300}", error.to_string());
    }
}
