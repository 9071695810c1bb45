//! Files as people have them: what the tools of 2026 write, made as small as they go.

use std::fs;
use std::io::Write as _;

use wstape_recorder::ImportFormat::{Capture, Har, Lines as LinesFormat, Mitmproxy};
use wstape_recorder::{Import, LineForm, Lines};

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

/// An archive of one connection, of the writer and the browser of these names, with messages at
/// these times after its beginning.
fn played_by(version: &str, browser: &str, times: [&str; 3]) -> String {
    let messages = times.map(|time| {
        format!(r#"{{"type":"receive","time":1795750565{time},"opcode":1,"data":"x"}}"#)
    });
    format!(
        r#"{{"log":{{"creator":{{"name":"Playwright","version":"{version}"}},
        "browser":{{"name":"{browser}"}},"entries":[{{"startedDateTime":"2026-11-27T03:36:05.495Z",
        "time":1.5,"_resourceType":"websocket","request":{{"url":"ws://h/ws"}},
        "response":{{"status":101}},"_webSocketMessages":[{}]}}]}}}}"#,
        messages.join(",")
    )
}

/// The times of an archive's messages, and what is said of it.
fn times(archive: &str) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.har");
    fs::write(&path, archive).unwrap();
    let (tape, imported) = import_with(Har, &path, |import| import).unwrap();
    let said = steps(&tape)
        .into_iter()
        .filter(|line| line.contains("\"text\":\"x\""));
    let times = said.map(|line| line.split(',').next().unwrap().replace("{\"at_ms\":", ""));
    (times.collect(), imported.lacks.join("\n"))
}

#[test]
fn the_times_that_playwright_1_61_0_squeezed_are_stretched_and_that_is_said() {
    // 20 ms, 520 ms and 1,520 ms after a beginning at .495_400.
    let squeezed = ["495.42", "495.92", "496.92"];
    let (found, said) = times(&played_by("1.61.0", "chromium", squeezed));
    assert_eq!(found, ["0", "500", "1500"]);
    assert!(
        said.contains("squeezed a thousandfold (microsoft/playwright#41360)"),
        "{said}"
    );
    for (version, browser) in [("1.61.1", "chromium"), ("1.61.0", "firefox")] {
        let (found, said) = times(&played_by(version, browser, squeezed));
        assert_eq!(found, ["0.42", "0.92", "1.92"], "{version} {browser}");
        assert!(!said.contains("squeezed"), "{said}");
    }
    // A beginning that can't have been later leaves the rest of the wait.
    let (found, _) = times(&played_by(
        "1.61.0",
        "chromium",
        ["497.5", "497.5005", "498.5"],
    ));
    assert_eq!(found, ["1500", "1500.5", "2500"]);
}

#[test]
fn a_trace_of_an_older_playwright_names_its_messages_otherwise() {
    let entry = |content: &str| {
        format!(
            r#"{{"type":"resource-snapshot","snapshot":{{"startedDateTime":"2026-11-27T03:43:03.538Z",
            "request":{{"url":"ws://h/ws"}},"response":{{"status":101,"content":{{{content}}}}},
            "_resourceType":"websocket"}}}}"#
        )
        .replace('\n', " ")
    };
    let options = |version: &str| {
        format!(
            "{{\"version\":9,\"type\":\"context-options\",\"browserName\":\"chromium\",\
             \"playwrightVersion\":\"{version}\"}}\n"
        )
    };
    let message = |time: &str| {
        format!("{{\"type\":\"receive\",\"time\":1795750983{time},\"opcode\":1,\"data\":\"x\"}}\n")
    };
    let messages = message("538.01") + &message("538.51");
    let log = entry(r#""_sha1":"0a1b.jsonl""#);
    let trace = |version: &str| {
        zip(&[
            ("0-trace.trace", options(version).as_bytes()),
            ("0-trace.network", log.as_bytes()),
            ("resources/0a1b.jsonl", messages.as_bytes()),
        ])
    };
    let tape = import_bytes(Har, &trace("1.61.0")).unwrap();
    assert!(
        tape.contains(r#"{"at_ms":500,"conn":1,"text":"x"}"#),
        "{tape}"
    );
    let tape = import_bytes(Har, &trace("1.62.1")).unwrap();
    assert!(
        tape.contains(r#"{"at_ms":0.51,"conn":1,"text":"x"}"#),
        "{tape}"
    );
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
        (
            "iso",
            "2026-11-27 03:38:10.8 a",
            "2026-11-27 03:38:11.0505 b",
        ),
        ("us", "1795750690800000 a", "1795750691050500 b"),
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

fn of_form(form: LineForm, time: &str, message: Option<&str>) -> Lines {
    Lines {
        form,
        ..layout(time, message)
    }
}

#[test]
fn tardis_lines_are_read_as_it_serves_them_and_an_empty_one_ends_a_connection() {
    let cached = "2026-11-27T03:38:10.8000000Z {\"table\":\"trade\"}\n\
                  2026-11-27T03:38:10.9000001Z {\"table\":\"quote\"}\n\n\n\
                  2026-11-27T03:38:14.8000000Z {\"table\":\"trade\"}\n\n";
    let machine = "{\"localTimestamp\":\"2026-11-27T03:38:10.8000000Z\",\"message\":{\"table\":\"trade\"}}\n\
                   {\"localTimestamp\":\"2026-11-27T03:38:10.9000001Z\",\"message\":{\"table\":\"quote\"}}\n\n\
                   {\"localTimestamp\":\"2026-11-27T03:38:14.8000000Z\",\"message\":{\"table\":\"trade\"}}\n";
    let expected = [
        r#"{"at_ms":0,"conn":1,"text":"{\"table\":\"trade\"}"}"#,
        r#"{"at_ms":100,"conn":1,"text":"{\"table\":\"quote\"}"}"#,
        r#"{"at_ms":100,"conn":1,"drop":"fin"}"#,
        r#"{"at_ms":4000,"conn":2,"accept":{}}"#,
        r#"{"at_ms":4000,"conn":2,"text":"{\"table\":\"trade\"}"}"#,
    ];
    for text in [cached, machine] {
        let found = lines(text.as_bytes(), of_form(LineForm::Tardis, "none", None)).unwrap();
        assert_eq!(found, expected);
    }
    let said = lines(b"trade", of_form(LineForm::Tardis, "none", None)).unwrap_err();
    assert!(
        said.contains("as Tardis has them, found \"trade\""),
        "{said}"
    );
}

#[test]
fn a_csv_with_json_in_a_column_is_read_by_the_names_of_its_columns() {
    let rows = "\u{feff}ts,dir,payload\r\n\
                1795750690.8,in,\"{\"\"a\"\":{\"\"b\"\":1}}\"\r\n\
                1795750691.8,in,\"{\"\"a\"\":\n2}\"\r\n";
    let read = |time, message| lines(rows.as_bytes(), of_form(LineForm::Csv, time, message));
    let found = read("/ts", Some("/payload")).unwrap();
    assert_eq!(
        found[0],
        r#"{"at_ms":0,"conn":1,"text":"{\"a\":{\"b\":1}}"}"#
    );
    assert!(
        found[1].starts_with(r#"{"at_ms":1000,"conn":1,"#),
        "{found:?}"
    );
    let found = read("/0", Some("/2/a")).unwrap();
    assert_eq!(found[0], r#"{"at_ms":0,"conn":1,"text":"{\"b\":1}"}"#);
    for (time, message, sentence) in [
        (
            "none",
            None,
            ":2: expected --message to name the column of the messages",
        ),
        (
            "/ts",
            Some("/data"),
            "expected a column \"data\", found \"ts, dir, payload\"",
        ),
        ("ns", Some("/payload"), "expected --time to name a column"),
        (
            "/dir",
            Some("/payload"),
            "expected a time since 1970 or a date at /dir, found \"in\"",
        ),
    ] {
        let said = read(time, message).unwrap_err();
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn a_feeds_file_may_be_packed_by_zstd_in_one_frame_or_several() {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    let plain = fs::read(input("field/feed-hftbacktest.txt")).unwrap();
    let expected = lines(&plain, layout("ns", None)).unwrap();
    let frame = |bytes: &[u8]| compress_to_vec(bytes, CompressionLevel::Fastest);
    assert_eq!(lines(&frame(&plain), layout("ns", None)).unwrap(), expected);
    // As pzstd writes it: a frame to be skipped, and pieces.
    let skipped = b"\x50\x2a\x4d\x18\x04\0\0\0abcd";
    let (first, last) = plain.split_at(60);
    let several = [&frame(first)[..], skipped, &frame(last)].concat();
    assert_eq!(lines(&several, layout("ns", None)).unwrap(), expected);
    let torn = frame(&plain);
    let said = lines(&torn[..torn.len() - 9], layout("ns", None)).unwrap_err();
    assert!(said.contains("cannot read it: zstd:"), "{said}");
    for (begin, sentence) in [
        (&b"\xfd7zXZ\0"[..], "found xz; unpack it first: xz -dk FILE"),
        (
            b"PK\x03\x04",
            "found a zip; give what is in it: unzip -p FILE",
        ),
    ] {
        let said = lines(begin, Lines::default()).unwrap_err();
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn carriage_returns_and_a_byte_order_mark_are_no_part_of_a_message() {
    let found = lines("\u{feff}a\r\n\r\nb".as_bytes(), Lines::default()).unwrap();
    assert_eq!(
        found,
        [
            r#"{"at_ms":0,"conn":1,"text":"a"}"#,
            r#"{"at_ms":100,"conn":1,"text":"b"}"#
        ]
    );
    for (bytes, sentence) in [
        (
            &b"[\n{}\n]"[..],
            ":1: expected a message a line, found JSON over several lines",
        ),
        (b"{\n}", "jq -c . FILE"),
        (
            b"\xff\xfea\0",
            ":1: expected a message a line, found UTF-16; write it anew: iconv",
        ),
    ] {
        let said = lines(bytes, Lines::default()).unwrap_err();
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn a_file_given_as_another_says_which_it_is() {
    let har = fs::read(input("chrome.har")).unwrap();
    let flows = fs::read(input("mitmproxy.flows")).unwrap();
    let capture = fs::read(input("capture/any.pcapng")).unwrap();
    let tape = b"{\"tape\":1}\n{\"at_ms\":0,\"end\":true}\n".to_vec();
    let (as_har, as_flows) = (
        "a HAR; for those: wstape import har",
        "wstape import mitmproxy",
    );
    let (as_capture, as_tape) = ("a capture; for those: wstape import pcap", "a tape already");
    for (format, bytes, sentence) in [
        (Har, &capture, as_capture),
        (Har, &flows, as_flows),
        (Har, &tape, as_tape),
        (Mitmproxy, &har, as_har),
        (Mitmproxy, &capture, as_capture),
        (Capture, &har, as_har),
        (Capture, &flows, as_flows),
        (LinesFormat, &har, as_har),
        (LinesFormat, &flows, as_flows),
        (LinesFormat, &capture, as_capture),
        (LinesFormat, &tape, as_tape),
    ] {
        let said = import_bytes(format, bytes).unwrap_err();
        assert!(said.contains(sentence), "{format}: {said}");
    }
}

#[test]
fn an_archive_of_pages_packed_with_a_mark_and_carriage_returns_gives_its_sockets() {
    let entry = |url: &str, at: &str, kind: &str| {
        format!(
            "{{\"pageref\":\"page_1\",\"startedDateTime\":\"2026-11-24T00:00:0{at}Z\",\r\n\"request\":\
             {{\"method\":\"GET\",\"url\":\"{url}\"}},\r\n\"response\":{{\"status\":{kind}}}"
        )
    };
    let said = |at: &str, data: &str| {
        format!(
            "{{\"type\":\"receive\",\"time\":1795478400.{at},\"opcode\":1,\"data\":\"{data}\"}}"
        )
    };
    let socket = |url: &str, at: &str, said: &[String]| {
        let messages = said.join(",\r\n");
        format!(
            "{},\"_webSocketMessages\":[{messages}]}}",
            entry(url, at, "101")
        )
    };
    let entries = [
        entry("https://h/index.html", "0", "200") + "}",
        socket("wss://h/a", "0.1", &[said("2", "a1"), said("4", "a2")]),
        entry("https://h/app.js", "0.15", "304") + "}",
        socket("wss://h/b", "0.2", &[said("3", "b1"), said("5", "b2")]),
    ];
    let archive = format!(
        "\u{feff}{{\"log\":{{\"version\":\"1.2\",\r\n\"pages\":[{{\"id\":\"page_1\"}}],\r\n\"entries\":[{}]}}}}",
        entries.join(",\r\n")
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(archive.as_bytes()).unwrap();
    for bytes in [archive.into_bytes(), gzip.finish().unwrap()] {
        let tape = import_bytes(Har, &bytes).unwrap();
        let said: Vec<&str> = steps(&tape)
            .into_iter()
            .filter(|line| line.contains("\"text\""))
            .collect();
        assert_eq!(
            said,
            [
                r#"{"at_ms":100,"conn":1,"text":"a1"}"#,
                r#"{"at_ms":200,"conn":2,"text":"b1"}"#,
                r#"{"at_ms":300,"conn":1,"text":"a2"}"#,
                r#"{"at_ms":400,"conn":2,"text":"b2"}"#,
            ]
        );
    }
}
