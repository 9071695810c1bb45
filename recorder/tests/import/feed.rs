//! A feed recorder's lines: layouts, times, packing.

use std::fs;
use std::io::Write as _;

use wstape_recorder::ImportFormat::Lines as LinesFormat;
use wstape_recorder::{LineForm, Lines};

use crate::{import_with, input, steps};

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
            ":1: expected nanoseconds since 1970, a space and a message, found \"x y\"; \
             leave out the lines without a time, or ignore all times: --time none --every 100ms",
        ),
        (
            b"{\"t\":1}",
            layout("s", None),
            ":1: expected seconds since 1970, a space and a message, found \"{\\\"t\\\":1}\"; \
             if the time is in the JSON, say where: --time /NAME",
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
            "expected one message per line, found none",
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
fn cryptofeeds_raw_files_are_read_with_what_the_client_said_and_where_it_dialled_again() {
    let raw = r#"configuration: {"trades": ["BTC-USD"]}
https://h/products -> 1795750690.0: [{"id":1}]
wss://h/ws <-> 1795750690.1
wss://h/ws <- 1795750690.2: {"op":"subscribe","api_key":"kQ7xW2nB5vC9dTx7"}
1795750690.3: {"op":"subscribed"}
1795750690.4: b'\x00\x01'
wss://h/ws <-> 1795750691.0
wss://h/ws <-> 1795750692.0
1795750692.5: {"px":1}
"#;
    let form = of_form(LineForm::Cryptofeed, "none", None);
    let found = lines(raw.as_bytes(), form).unwrap();
    let said = found.join("\n");
    assert!(!said.contains("kQ7xW2nB5vC9dTx7"), "{said}");
    assert!(
        found[0].starts_with(
            r#"{"at_ms":100,"conn":1,"received":{"kind":"text","text":"{\"op\":\"subscribe\","#
        ),
        "{said}"
    );
    assert_eq!(
        found[1..],
        [
            r#"{"at_ms":200,"conn":1,"text":"{\"op\":\"subscribed\"}"}"#,
            r#"{"at_ms":300,"conn":1,"binary":"AAE="}"#,
            r#"{"at_ms":300,"conn":1,"drop":"fin"}"#,
            r#"{"at_ms":1900,"conn":2,"accept":{}}"#,
            r#"{"at_ms":2400,"conn":2,"text":"{\"px\":1}"}"#,
        ]
    );
    let said = lines(b"{}", of_form(LineForm::Cryptofeed, "none", None)).unwrap_err();
    assert!(said.contains("as cryptofeed has them, found"), "{said}");
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
    assert!(
        said.contains("cannot read it: the zstd is cut off"),
        "{said}"
    );
    for (begin, sentence) in [
        (&b"\xfd7zXZ\0"[..], "found xz; unpack it first: xz -dk FILE"),
        (b"PK\x03\x04", "found a zip; unpack it first: unzip -p FILE"),
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
            ":1: expected one message per line, found JSON over several lines",
        ),
        (b"{\n}", "jq -c . FILE"),
        (
            b"\xff\xfea\0",
            ":1: expected one message per line, found UTF-16; convert it first: iconv",
        ),
    ] {
        let said = lines(bytes, Lines::default()).unwrap_err();
        assert!(said.contains(sentence), "{said}");
    }
}

/// The error for a file of this name that becomes no tape.
fn refused(name: &str, bytes: &[u8], layout: Lines) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    import_with(LinesFormat, &path, |import| import.lines(layout)).unwrap_err()
}

#[test]
fn a_table_ends_with_how_its_columns_are_named_or_its_rows_made_messages() {
    let trades = b"exchange,symbol,local_timestamp,price\nbinance,BTCUSDT,1795831833000077,100.5\n";
    let said = refused("trades.csv", trades, Lines::default());
    assert!(
        said.contains("found a table of the columns \"exchange,symbol,local_timestamp,price\"")
            && said.contains("--layout csv --time /COLUMN --message /COLUMN"),
        "{said}"
    );
    let csv = |time: &str, message: Option<&str>| Lines {
        form: LineForm::Csv,
        ..layout(time, message)
    };
    let said = refused("trades.csv", trades, csv("/local_timestamp", None));
    assert!(
        said.contains("csv.DictReader(sys.stdin)]' < FILE > NEW.jsonl"),
        "{said}"
    );
    let nameless = b"1795831833000,a\n1795831834000,b\n";
    let said = refused("feed.csv", nameless, csv("/0", Some("/1")));
    assert!(
        said.contains("expected a header row, found a time at /0"),
        "{said}"
    );
    // A feed's own texts of columns, and numbers, are messages.
    for (name, text) in [
        ("feed.txt", &b"a,b\nc,d\n"[..]),
        ("feed.csv", b"1,2\n3,4\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        import_with(LinesFormat, &path, |import| import.lines(Lines::default())).unwrap();
    }
}

#[test]
fn what_a_terminal_showed_and_a_time_that_is_none_end_with_what_to_do() {
    for shown in [
        "Connected (press CTRL+C to quit)\n< {\"n\":0}\n",
        "Connected to ws://127.0.0.1:9401.\n",
        "> {\"op\":\"subscribe\"}\n< {\"n\":0}\n",
    ] {
        let said = refused("shown.txt", shown.as_bytes(), Lines::default());
        assert!(said.contains("sed -n 's/^< //p' FILE > NEW.txt"), "{said}");
    }
    let script = b"Script started on 2026-11-28 02:25:02+00:00 [COMMAND=\"wscat\"]\n";
    let said = refused("typescript", script, Lines::default());
    assert!(said.contains("record again: wstape tap URL"), "{said}");
    let null = b"{\"ts\":null,\"m\":1}\n";
    let said = refused("feed.jsonl", null, layout("/ts", Some("/m")));
    assert!(said.contains("--time none --every 100ms"), "{said}");
}

#[test]
fn a_time_years_from_the_one_before_it_is_an_error_that_knows_of_one_connection() {
    let feed = b"1795773600 a\n2100000000 b\n";
    let said = lines(feed, layout("s", None)).unwrap_err();
    assert!(
        said.ends_with(
            "found 2036-07-18T13:20:00Z after 2026-11-27T10:00:00Z; take out what is dated wrongly"
        ),
        "{said}"
    );
}
