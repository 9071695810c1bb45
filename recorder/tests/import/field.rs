//! Files as people have them: what the tools of 2026 write, made as small as they go.

use std::fs;
use std::io::Write as _;

use wstape_recorder::ImportFormat::{Har, Lines as LinesFormat};
use wstape_recorder::{Import, Lines};

use crate::{import, import_bytes, import_with, input, steps};

#[test]
fn a_dial_that_chrome_dates_1969_is_placed_by_its_neighbours_and_marked() {
    let tape = import(Har, &input("field/devtools-refused-1969.har")).unwrap();
    let lines = steps(&tape);
    assert!(
        lines[0].contains(r#"{"at_ms":0,"conn":1,"received":{"kind":"open""#),
        "{tape}"
    );
    let second: Vec<&&str> = lines
        .iter()
        .filter(|line| line.contains(r#""conn":2"#))
        .collect();
    // Where the first ended: 1072.3 ms after it began.
    assert!(
        second[0].starts_with(r#"{"at_ms":1072.3,"conn":2,"received":{"kind":"open""#),
        "{tape}"
    );
    assert!(tape.contains("placed by its neighbours"), "{tape}");
    assert!(tape.contains("net::ERR_CONNECTION_REFUSED"), "{tape}");
    assert!(tape.contains(r#""conn":2,"drop":"reset""#), "{tape}");
}

#[test]
fn dials_without_a_date_keep_their_differences_and_never_pass_the_next() {
    let refused = |clock: &str| {
        format!(
            r#"{{"_resourceType":"websocket","startedDateTime":"1969-12-31T23:59:59.000Z",
            "request":{{"url":"ws://h/ws"}},"response":{{"status":0}},"_webSocketMessages":[
            {{"type":"error","time":{clock},"opcode":-1,"data":"refused"}}]}}"#
        )
    };
    let dated = |date: &str| {
        format!(
            r#"{{"_resourceType":"websocket","startedDateTime":"{date}","time":1000,
            "request":{{"url":"ws://h/ws"}},"response":{{"status":101}}}}"#
        )
    };
    let archive = format!(
        r#"{{"log":{{"entries":[{},{},{},{},{}]}}}}"#,
        refused("10.5"),
        dated("2026-11-24T00:00:00Z"),
        refused("20.5"),
        refused("21.25"),
        dated("2026-11-24T00:00:01.5Z"),
    );
    let tape = import_bytes(Har, archive.as_bytes()).unwrap();
    let opens = steps(&tape)
        .into_iter()
        .filter(|line| line.contains(r#""kind":"open""#));
    let times: Vec<&str> = opens.map(|line| line.split(',').next().unwrap()).collect();
    let expected = ["0", "0", "1000", "1500", "1500"].map(|at| format!("{{\"at_ms\":{at}"));
    assert_eq!(times, expected, "{tape}");
}

#[test]
fn a_flaw_of_a_connection_that_is_not_chosen_is_nobodys() {
    let archive = r#"{"log":{"entries":[
        {"startedDateTime":"2026-11-24T00:00:00Z","request":{"url":"ws://h/good"},"response":{"status":101}},
        {"startedDateTime":"2026-11-24T00:00:01Z","request":{"url":"ws://h/bad"},"response":{"status":"x"}}]}}"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.har");
    fs::write(&path, archive).unwrap();
    assert!(
        import(Har, &path)
            .unwrap_err()
            .contains("log.entries[1].response.status")
    );
    for choose in [
        |import: Import| import.entry(1),
        |import: Import| import.url("good"),
    ] {
        let (_, imported) = import_with(Har, &path, choose).unwrap();
        assert_eq!(imported.connections, 1);
    }
}

#[test]
fn a_close_that_is_timed_from_a_processs_start_ends_the_connection_at_its_length() {
    let tape = import(Har, &input("field/httptoolkit-close-relative.har")).unwrap();
    let close = r#"{"at_ms":514.28,"conn":1,"close":{"code":1012,"reason":"service restart"}}"#;
    assert_eq!(steps(&tape).last(), Some(&close), "{tape}");
}

#[test]
fn an_archive_without_ends_says_so_and_each_ends_at_the_next_dial_where_asked() {
    let path = input("field/har-without-ends.har");
    let (tape, imported) = import_with(Har, &path, |import| import).unwrap();
    assert!(
        imported.lacks[0].contains("2 of 2 connections have no end, of which Playwright"),
        "{imported:?}"
    );
    assert!(imported.lacks[0].contains("--ends next-dial"));
    assert!(
        tape.lines().next().unwrap().contains("have no end"),
        "{tape}"
    );
    assert!(!tape.contains(r#""drop""#), "{tape}");
    let (tape, _) = import_with(Har, &path, Import::end_at_next_dial).unwrap();
    let first: Vec<&str> = steps(&tape);
    let end = r#"{"at_ms":2046,"conn":1,"drop":"fin"}"#;
    assert!(first.contains(&end), "{tape}");
    assert!(!tape.contains(r#""conn":2,"drop""#), "{tape}");
}

#[test]
fn an_archive_without_messages_says_what_to_record_with() {
    let archive = r#"{"log":{"creator":{"name":"Firefox"},"entries":[{"startedDateTime":"2026-11-24T00:00:00Z",
        "request":{"url":"ws://h/ws"},"response":{"status":101}}]}}"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.har");
    fs::write(&path, archive).unwrap();
    let (_, imported) = import_with(Har, &path, |import| import).unwrap();
    let said = "none of the 1 accepted connections has a message: Firefox exports none";
    assert!(imported.lacks[0].starts_with(said), "{imported:?}");
}

#[test]
fn a_connection_that_the_browser_gave_up_is_reset_with_its_words() {
    let archive = r#"{"log":{"entries":[{"startedDateTime":"2026-11-24T00:00:00Z","time":250,
        "request":{"url":"ws://h/ws"},"response":{"status":101,"_failureText":"Could not decode a text frame as UTF-8."}}]}}"#;
    let tape = import_bytes(Har, archive.as_bytes()).unwrap();
    assert_eq!(
        steps(&tape)[2..],
        [
            r#"{"at_ms":250,"conn":1,"mark":"Could not decode a text frame as UTF-8."}"#,
            r#"{"at_ms":250,"conn":1,"drop":"reset"}"#,
        ]
    );
}

#[test]
fn a_gap_of_years_is_an_error_that_names_both_ends() {
    let entry = |date: &str| {
        format!(
            r#"{{"startedDateTime":"{date}","request":{{"url":"ws://h/ws"}},"response":{{"status":101}}}}"#
        )
    };
    let archive = format!(
        r#"{{"log":{{"entries":[{},{}]}}}}"#,
        entry("2024-01-02T03:04:05Z"),
        entry("2026-11-24T00:00:00Z")
    );
    let said = import_bytes(Har, archive.as_bytes()).unwrap_err();
    assert!(
        said.contains("2026-11-24T00:00:00Z after 2024-01-02T03:04:05Z"),
        "{said}"
    );
}

#[test]
fn a_trace_of_playwrights_is_read_as_it_is() {
    let tape = import(Har, &input("field/playwright-trace.zip")).unwrap();
    let message = r#""conn":1,"emit":{"event":"heartbeat","ts":"2026-01-01T00:00:01Z","data":{}}}"#;
    assert!(
        steps(&tape).iter().any(|line| line.ends_with(message)),
        "{tape}"
    );
    assert!(tape.contains(r#""path":"/restart""#), "{tape}");
}

/// A zip of these files.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn an_archive_in_a_zip_gives_the_tape_that_it_gives_unpacked() {
    let folder = input("playwright-attach");
    let unpacked = import(Har, &folder.join("session.har")).unwrap();
    let read = |path: &std::path::Path| fs::read(path).unwrap();
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("deep/{}", path.file_name().unwrap().to_str().unwrap());
        files.push((name, read(&path)));
    }
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(n, b)| (n.as_str(), b.as_slice()))
        .collect();
    let packed = import_bytes(Har, &zip(&files)).unwrap();
    assert_eq!(steps(&packed), steps(&unpacked));
}

#[test]
fn a_zip_of_something_else_says_what_is_expected() {
    let said = import_bytes(Har, &zip(&[("a.txt", b"x")])).unwrap_err();
    assert!(
        said.contains("expected a zip with a .har in it, or Playwright's trace.zip"),
        "{said}"
    );
    let said = import_bytes(Har, &zip(&[("a.har", b"{}"), ("b.har", b"{}")])).unwrap_err();
    assert!(
        said.contains("expected one .har in the zip, found 2"),
        "{said}"
    );
    let said = import_bytes(Har, b"PK\x03\x04 and no more").unwrap_err();
    assert!(said.contains("the zip can't be read"), "{said}");
}

/// The steps of lines that are read so, without the first, which accepts.
fn lines(bytes: &[u8], layout: Lines) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed");
    fs::write(&path, bytes).unwrap();
    let (tape, _) = import_with(LinesFormat, &path, |import| import.lines(layout))?;
    let lines = steps(&tape);
    assert!(lines[0].ends_with(r#""conn":1,"accept":{}}"#), "{tape}");
    Ok(lines[1..].iter().map(|line| (*line).to_owned()).collect())
}

fn layout(time: &str, message: Option<&str>) -> Lines {
    Lines {
        time: time.parse().unwrap(),
        message: message.map(str::to_owned),
        ..Lines::default()
    }
}

#[test]
fn a_feed_recorders_lines_become_messages_at_their_times() {
    let read = |name: &str| fs::read(input(name)).unwrap();
    let found = lines(
        &read("field/feed-recv-ts.jsonl"),
        layout("/recv_ts", Some("/msg")),
    )
    .unwrap();
    assert_eq!(
        found,
        [
            r#"{"at_ms":0,"conn":1,"emit":{"event":"heartbeat","ts":"2026-01-01T00:00:01Z","data":{}}}"#,
            r#"{"at_ms":1000,"conn":1,"emit":{"event":"heartbeat","ts":"2026-01-01T00:00:02Z","data":{}}}"#,
        ]
    );
    let plain = read("field/feed-hftbacktest.txt");
    let found = lines(&plain, layout("ns", None)).unwrap();
    assert_eq!(found.len(), 2);
    assert!(
        found[1].starts_with(r#"{"at_ms":100,"conn":1,"#),
        "{found:?}"
    );
    assert!(
        found[1].contains(r#"{"stream":"btcusdt@trade","data":{"e":"trade","p":"1.1"}}"#)
            || found[1].contains("btcusdt@trade"),
        "{found:?}"
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&plain).unwrap();
    assert_eq!(
        lines(&gzip.finish().unwrap(), layout("ns", None)).unwrap(),
        found
    );
}

#[test]
fn each_way_to_say_a_time_is_read() {
    for (time, first, second) in [
        ("ms", "1795750690800 a", "1795750691050.5 b"),
        ("s", "1795750690.8\ta", "1795750691.0505\tb"),
        (
            "iso",
            "2026-11-27T03:38:10.8Z a",
            "2026-11-27T03:38:11.0505Z b",
        ),
        ("ns", "1795750690800000000,a", "1795750691050500000,b"),
    ] {
        let found = lines(
            format!("{first}\n\n{second}\n").as_bytes(),
            layout(time, None),
        )
        .unwrap();
        let expected = [
            r#"{"at_ms":0,"conn":1,"text":"a"}"#,
            r#"{"at_ms":250.5,"conn":1,"text":"b"}"#,
        ];
        assert_eq!(found, expected, "{time}");
    }
    for time in [
        "1795750690.8",
        "1795750690800",
        "1795750690800000",
        "1795750690800000000",
        "\"2026-11-27T03:38:10.8Z\"",
    ] {
        let text = format!("{{\"t\":[{time}],\"m\":\"a\"}}\n{{\"t\":[1795750691.8],\"m\":\"b\"}}");
        let found = lines(text.as_bytes(), layout("/t/0", Some("/m"))).unwrap();
        assert!(
            found[1].starts_with(r#"{"at_ms":1000,"conn":1,"text":"b""#),
            "{found:?}"
        );
    }
    let every = Lines {
        every: wstape_tape::Micros::from_ms(40),
        ..Lines::default()
    };
    let found = lines(b"a\nb\nc", every).unwrap();
    assert_eq!(found[2], r#"{"at_ms":80,"conn":1,"text":"c"}"#);
}

#[test]
fn a_line_that_is_not_as_it_was_said_to_be_is_a_sentence_with_its_place() {
    for (bytes, layout, sentence) in [
        (
            &b"x y"[..],
            layout("ns", None),
            ":1: expected nanoseconds since 1970, a blank and a message, found \"x y\"",
        ),
        (
            b"{\"a\":1}",
            layout("/t", None),
            ":1: expected a value at /t, found none",
        ),
        (
            b"{\"t\":true}",
            layout("/t", None),
            "expected a time since 1970 or a date at /t, found \"true\"",
        ),
        (b"1 {", layout("/t", None), ":1: expected a line of JSON"),
        (
            b"\n \n",
            Lines::default(),
            "expected a message a line, found none",
        ),
        (b"a\n\xff", Lines::default(), ":2: expected UTF-8"),
    ] {
        let said = lines(bytes, layout).unwrap_err();
        assert!(said.contains(sentence), "{said}");
    }
}
