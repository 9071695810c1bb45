//! Files as feed recorders, loggers and older tools leave them.

use std::io::Write;

use wstape_recorder::ImportFormat::{Har, Lines as LinesFormat};
use wstape_recorder::{LineForm, Lines};

use crate::{import_bytes, import_with, steps};

/// What lines become, without their connection's beginning.
fn lines(bytes: &[u8], layout: Lines) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed");
    std::fs::write(&path, bytes).unwrap();
    let (tape, _) = import_with(LinesFormat, &path, |import| import.lines(layout))?;
    let steps = steps(&tape).into_iter().skip(1);
    Ok(steps.map(str::to_owned).collect())
}

fn at(time: &str, message: Option<&str>) -> Lines {
    Lines {
        time: time.parse().unwrap(),
        message: message.map(str::to_owned),
        ..Lines::default()
    }
}

const A_AND_B: [&str; 2] = [
    r#"{"at_ms":0,"conn":1,"text":"{\"n\":1}"}"#,
    r#"{"at_ms":500,"conn":1,"text":"{\"n\":2}"}"#,
];

#[test]
fn a_time_is_read_however_recorders_and_loggers_write_it_before_a_message() {
    for (time, first, second) in [
        (
            "iso",
            "2026-11-27 03:36:00,123 ",
            "2026-11-27 03:36:00,623 ",
        ),
        (
            "iso",
            "2026-11-27T03:36:00.123\t",
            "2026-11-27T03:36:00.623\t",
        ),
        ("iso", "2026-11-27T03:36:00,", "2026-11-27T03:36:00.5,"),
        (
            "iso",
            "[2026-11-27T03:36:00.1Z] ",
            "[2026-11-27T03:36:00.6Z] ",
        ),
        ("s", "1795750690.0: ", "1795750690.5:"),
        ("ms", "1795750690000|", "1795750690500|"),
        ("us", "1795750690000000;", "1795750690500000;"),
        ("s", "0.0 ", "0.5 "),
    ] {
        let text = format!("{first}{{\"n\":1}}\n{second}{{\"n\":2}}\n");
        let found = lines(text.as_bytes(), at(time, None));
        assert_eq!(found.unwrap(), A_AND_B, "{first}");
    }
    // A price after a comma is not a fraction of a second.
    let found = lines(b"2026-11-27T03:36:00,123,BTC\n", at("iso", None)).unwrap();
    assert_eq!(found, [r#"{"at_ms":0,"conn":1,"text":"123,BTC"}"#]);
}

#[test]
fn a_number_of_another_unit_than_was_said_is_told_instead_of_squeezing_the_feed() {
    for (time, number, meant) in [
        ("ns", "1795750690823957", "us"),
        ("ns", "1795750690823", "ms"),
        ("s", "1795750690823", "ms"),
        ("ms", "1795750690", "s"),
        ("us", "1795750690823957000", "ns"),
    ] {
        let said = lines(format!("{number} x\n").as_bytes(), at(time, None)).unwrap_err();
        assert!(said.contains(&format!("must be --time {meant}")), "{said}");
    }
}

#[test]
fn a_table_may_be_divided_by_semicolons_tabs_or_bars_and_date_its_rows_with_a_blank() {
    for divide in [';', '\t', '|', ','] {
        let text = format!(
            "ts{divide}side{divide}payload\n2026-11-27 03:36:00{divide}in{divide}\"{{\"\"n\"\":1}}\"\n\
             2026-11-27 03:36:00.5{divide}in{divide}\"{{\"\"n\"\":2}}\"\n"
        );
        let layout = Lines {
            form: LineForm::Csv,
            ..at("/ts", Some("/payload"))
        };
        assert_eq!(
            lines(text.as_bytes(), layout).unwrap(),
            A_AND_B,
            "{divide:?}"
        );
    }
}

#[test]
fn what_a_recorder_left_unfinished_or_wrote_otherwise_is_said_with_what_to_do() {
    let layout = || at("/t", Some("/m"));
    for (text, sentence) in [
        (
            "{\"t\":1795750690,\"m\":1}\n{\"t\":17957",
            ":2: the line of JSON is cut off",
        ),
        (
            "{\"t\":1795750690,\"m\":1}\n{\"result\":null}\n",
            "jq -c 'select(.[\"t\"]?)' FILE",
        ),
        (
            "[{\"t\":1795750690,\"m\":1}]\n",
            "write one per line: jq -c '.[]' FILE",
        ),
        (
            "{\"t\":5.5,\"m\":1}\n",
            "jq -r '\"\\(.[\"t\"]) \\(tojson)\"' FILE | wstape import lines - --time s",
        ),
        (
            "{\"t\":{\"$date\":\"2026-11-27T03:36:00.123Z\"},\"m\":1}\n",
            "extend the pointer into it: /t/NAME",
        ),
        (
            "{\"t\":1795750690,\"m\":1}{\"t\":1795750691,\"m\":2}\n",
            "if a line holds several values, write one per line: jq -c . FILE",
        ),
        (
            "t,m\n2026-11-27T03:36:00Z,1\n",
            "this is the row of names of a table: --layout csv",
        ),
    ] {
        let said = lines(text.as_bytes(), layout()).unwrap_err();
        assert!(said.contains(sentence), "{said}");
    }
    let said = lines(b"[[1795750690,1],[1795750691,2]]\n", at("/0", Some("/1"))).unwrap_err();
    assert!(said.contains("jq -c '.[]' FILE"), "{said}");
    // A time of day begins like what mitmproxy writes, but for the name that would follow.
    let said = lines(b"13:36:00.123 {\"n\":1}\n", at("iso", None)).unwrap_err();
    assert!(said.contains("expected a date and time"), "{said}");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for n in 0..2_000 {
        writeln!(gzip, "{{\"t\":{},\"m\":{n}}}", 1_795_750_690 + n).unwrap();
    }
    let whole = gzip.finish().unwrap();
    let said = lines(&whole[..whole.len() - 40], layout()).unwrap_err();
    assert!(said.contains("the gzip is cut off"), "{said}");
}

#[test]
fn what_stands_behind_a_gzip_is_said_with_what_to_do() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writeln!(gzip, "{{\"t\":1795750690,\"m\":1}}").unwrap();
    let mut packed = gzip.finish().unwrap();
    packed.extend(b"{\"t\":1795750691,\"m\":2}\n");
    let said = lines(&packed, at("/t", Some("/m"))).unwrap_err();
    assert!(said.contains("gzip -dc FILE"), "{said}");
}

#[test]
fn messages_that_are_dated_before_the_one_before_them_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed");
    let said = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let layout = at("/t", Some("/m"));
        let imported = import_with(LinesFormat, &path, |import| import.lines(layout));
        imported.unwrap().1.lacks
    };
    let back = said(
        "{\"t\":1795750693,\"m\":1}\n{\"t\":1795750690.5,\"m\":2}\n{\"t\":1795750692.9,\"m\":3}\n",
    );
    let expected =
        "1 of the messages have an earlier time than the message before them, by up to 2.5 s";
    assert!(back[0].starts_with(expected), "{back:?}");
    // A clock that is set right steps back by less than a second.
    let jitter = said("{\"t\":1795750693,\"m\":1}\n{\"t\":1795750692.5,\"m\":2}\n");
    assert!(jitter.is_empty(), "{jitter:?}");
}

#[test]
fn a_pointer_leads_into_json_that_a_string_holds() {
    let row = |n: u32| {
        let inner = format!(r#"{{"type":"trade","data":"{{\"n\":{n}}}"}}"#);
        serde_json::json!({"t": 1_795_750_690 + n, "m": inner}).to_string() + "\n"
    };
    let text = row(0) + &row(1);
    let tape = lines(text.as_bytes(), at("/t", Some("/m/data"))).unwrap();
    let last = tape.last().unwrap();
    assert!(last.contains(r#""text":"{\"n\":1}""#), "{last}");
    // What leads nowhere is said as ever.
    for pointer in ["/m/else", "/m/data/n/x"] {
        let said = lines(text.as_bytes(), at("/t", Some(pointer))).unwrap_err();
        assert!(
            said.contains(&format!("expected a value at {pointer}")),
            "{said}"
        );
    }
}

#[test]
fn an_archive_of_a_playwright_without_web_sockets_says_from_which_version_on_they_are_there() {
    for (version, sentence) in [
        ("1.40.1", "Playwright 1.40.1 leaves WebSockets out"),
        (
            "1.65.1",
            "(a socket that routeWebSocket answers never gets there)",
        ),
    ] {
        let entry = r#"{"startedDateTime":"2026-11-27T03:36:05.495Z","request":{"method":"GET","url":"http://h/"},"response":{"status":200}}"#;
        let har = format!(
            r#"{{"log":{{"version":"1.2","creator":{{"name":"Playwright","version":"{version}"}},"entries":[{entry}]}}}}"#
        );
        let said = import_bytes(Har, har.as_bytes()).unwrap_err();
        assert!(said.contains(sentence), "{said}");
    }
}
