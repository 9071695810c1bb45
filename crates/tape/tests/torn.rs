//! A recorder that dies leaves a tape that plays up to that point.

use wstape_tape::{Tape, TapeReader, Torn};

const SAMPLE: &str = concat!(
    "{\"tape\":1,\"title\":\"torn\"}\n",
    "{\"at_ms\":1.5,\"emit\":{\"event\":\"ä\\u00e4😀\",\"data\":[-1.5e3,true,null]}}\n",
    "{\"at_ms\":2,\"conn\":1,\"received\":{\"kind\":\"text\",\"text\":\"x\"}}\r\n",
    "{\"at_ms\":3,\"end\":true}\n",
);

/// Returns how many steps were read, and the torn line.
fn read(bytes: &[u8]) -> (usize, Option<Torn>) {
    let mut reader = TapeReader::new("torn.jsonl", bytes).unwrap();
    let steps = reader
        .by_ref()
        .map(|step| step.unwrap_or_else(|e| panic!("{}", e.report())));
    let count = steps.count();
    (count, reader.torn().cloned())
}

#[test]
fn a_tape_cut_at_any_byte_plays_what_is_whole() {
    let bytes = SAMPLE.as_bytes();
    let header = SAMPLE.find('\n').unwrap();
    for cut in 0..header {
        assert!(
            TapeReader::new("torn.jsonl", &bytes[..cut]).is_err(),
            "cut after {cut}"
        );
    }
    for cut in header..=bytes.len() {
        let head = &bytes[..cut];
        let begun = head
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(cut, |newline| newline + 1);
        let last = &head[begun..];
        let newlines = head.split(|b| *b == b'\n').count() - 1;
        let last_is_whole = last.trim_ascii_end().last() == Some(&b'}')
            && bytes[begun..].starts_with(last)
            && matches!(bytes[cut], b'\n' | b'\r');
        let (steps, torn) = read(head);
        let expected = newlines.saturating_sub(1) + usize::from(last_is_whole && newlines > 0);
        assert_eq!(steps, expected, "cut after {cut}");
        if last.is_empty() || last_is_whole || newlines == 0 {
            assert_eq!(torn, None, "cut after {cut}");
        } else {
            let torn = torn.unwrap_or_else(|| panic!("torn when cut after {cut}"));
            assert_eq!((torn.line, &torn.bytes[..]), (newlines as u64 + 1, last));
        }
    }
}

#[test]
fn zeros_left_by_a_dead_machine_are_torn_too() {
    for tail in [
        "\0\0\0",
        "{\"at_ms\":4,\"mar\0\0",
        "{\"at_ms\":4,\"mark\":\"\"}\0",
    ] {
        let text = format!("{{\"tape\":1}}\n{{\"at_ms\":1,\"mark\":\"\"}}\n{tail}");
        let (steps, torn) = read(text.as_bytes());
        assert_eq!(steps, 1);
        assert_eq!(
            torn,
            Some(Torn {
                line: 3,
                bytes: tail.to_owned().into()
            })
        );
    }
}

#[test]
fn a_whole_last_line_with_a_flaw_is_an_error_though_it_has_no_newline() {
    for line in [
        "{\"at_ms\":1,\"dorp\":\"fin\"}",
        "{\"at_ms\":1,\"drop\":fin",
    ] {
        assert!(
            Tape::parse("t", &format!("{{\"tape\":1}}\n{line}")).is_err(),
            "{line}"
        );
    }
}

#[test]
fn a_broken_line_with_a_newline_is_an_error_wherever_it_is() {
    assert!(Tape::parse("t", "{\"tape\":1}\n{\"at_ms\":1,\"dr\n").is_err());
}
