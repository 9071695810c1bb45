//! Recognizes files of other programs that are not HAR archives, and says what to do instead.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::import::kind::{CHARLES, record};

const ASYNCAPI: &str = record!("an AsyncAPI document, which describes messages but holds none");
const OPENAPI: &str = record!("an OpenAPI document, which describes requests but holds none");
const K6: &str = record!("k6's measurements, which hold no messages");
const TSHARK: &str = "tshark's output for a capture; import the capture itself: wstape import pcap";

/// What a file begins with, and what it is.
const BEGINS: [(&str, &str); 8] = [
    (
        "version https://git-lfs.github.com/spec/",
        "a Git LFS pointer; fetch its file: git lfs pull",
    ),
    ("asyncapi:", ASYNCAPI),
    ("openapi:", OPENAPI),
    (
        "type: collection.insomnia",
        record!("an Insomnia collection, which holds requests but no recording"),
    ),
    (
        "meta {",
        record!("a Bruno request, which holds no recording"),
    ),
    ("{\"index\":{\"_index\":\"packets", TSHARK),
    ("{\"metric\":", K6),
    ("{\"type\":\"Metric\"", K6),
];

/// Tags near the beginning of an XML file, and what the file is.
const ELEMENTS: [(&str, &str); 3] = [
    ("<charles-session", CHARLES),
    (
        "<items burpVersion",
        record!("items saved by Burp, which hold no messages of WebSockets"),
    ),
    (
        "<jmeterTestPlan",
        record!("a JMeter plan, which holds no recording"),
    ),
];

/// How far into an XML file its tag is searched for.
const MAX_BEGIN_BYTES: usize = 4 << 10;

/// Member names that a JSON object must all have, and what it then is.
const OBJECTS: [(&[&str], &str); 7] = [
    (
        &["info", "item"],
        record!("a Postman collection, which holds requests but no recording"),
    ),
    (
        &["_type", "__export_format"],
        record!("an Insomnia export, which holds requests but no recording"),
    ),
    (&["asyncapi"], ASYNCAPI),
    (&["openapi"], OPENAPI),
    (
        &["constants", "events"],
        record!("a Chrome net-export log, which holds no messages of WebSockets"),
    ),
    (
        &["traceEvents"],
        record!("a Chrome performance trace, which holds no messages of WebSockets"),
    ),
    (
        &["title", "steps"],
        record!("a recording of a user's steps on a page, which holds no messages"),
    ),
];

/// Like [`OBJECTS`], but for the first object of a list.
const LISTS: [(&[&str], &str); 2] = [
    (&["_index", "_source"], TSHARK),
    (&["actualPort", "scheme"], CHARLES),
];

/// How the name of a file in a zip begins and ends, and what the zip then is.
const ZIPS: [(&str, &str, &str); 2] = [
    (
        "raw/",
        "_c.txt",
        record!("a Fiddler session archive (.saz)"),
    ),
    (
        "request_",
        "",
        "a Proxyman log; export it as HAR, which contains the messages since version 2.28",
    ),
];

/// The names of an object's members.
#[derive(Deserialize)]
#[serde(transparent)]
struct Members<'t>(#[serde(borrow)] BTreeMap<String, &'t RawValue>);

/// What a text is; `None` if it is not recognized.
pub(super) fn of(text: &str) -> Option<&'static str> {
    let text = text.trim_start();
    if text.starts_with('<') {
        let begin: String = text.chars().take(MAX_BEGIN_BYTES).collect();
        let element = ELEMENTS.iter().find(|(element, _)| begin.contains(element));
        return element.map(|(_, what)| *what);
    }
    if let Some((_, what)) = BEGINS.iter().find(|(begin, _)| text.starts_with(begin)) {
        return Some(what);
    }
    if text.starts_with('[') {
        let list: Vec<Members<'_>> = serde_json::from_str(text).ok()?;
        return with_all(&LISTS, list.first()?);
    }
    with_all(&OBJECTS, &serde_json::from_str(text).ok()?)
}

fn with_all(known: &[(&[&str], &'static str)], members: &Members<'_>) -> Option<&'static str> {
    let all = |names: &[&str]| names.iter().all(|name| members.0.contains_key(*name));
    let found = known.iter().find(|(names, _)| all(names));
    found.map(|(_, what)| *what)
}

/// What a zip is, judged by the names of the files in it.
pub(super) fn of_zip(names: &[String]) -> Option<&'static str> {
    let found = ZIPS.iter().find(|(begin, end, _)| {
        names
            .iter()
            .any(|name| name.starts_with(begin) && name.ends_with(end))
    });
    found.map(|(_, _, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::kind;

    #[test]
    fn an_export_of_another_program_is_told_by_what_is_in_it() {
        for (text, what) in [
            (
                "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n",
                "git lfs pull",
            ),
            ("<?xml version='1.0'?>\n<charles-session>", "Charles"),
            (
                "<?xml version=\"1.0\"?>\n<items burpVersion=\"2026\">",
                "Burp",
            ),
            ("asyncapi: 3.0.0\n", "AsyncAPI"),
            ("type: collection.insomnia.rest/5.0\n", "Insomnia"),
            (
                r#"{"_type":"export","__export_format":4,"resources":[]}"#,
                "Insomnia",
            ),
            (r#"{"info":{"name":"c"},"item":[]}"#, "Postman"),
            ("openapi: 3.1.0\n", "OpenAPI"),
            (r#"{"openapi":"3.1.0","info":{}}"#, "OpenAPI"),
            (r#"{"asyncapi":"3.0.0","info":{}}"#, "AsyncAPI"),
            ("meta {\n  name: a\n}\n", "Bruno"),
            ("{\"metric\":\"ws_msgs_sent\",\"type\":\"Point\"}\n", "k6"),
            ("{\"type\":\"Metric\",\"data\":{}}\n", "k6"),
            (
                "<?xml version=\"1.0\"?>\n<jmeterTestPlan version=\"1.2\">",
                "JMeter",
            ),
            (r#"{"title":"a","steps":[]}"#, "a user's steps"),
            (r#"{"constants":{},"events":[]}"#, "net-export"),
            (r#"{"traceEvents":[]}"#, "performance trace"),
            (r#"[{"_index":"packets","_source":{}}]"#, "import pcap"),
            (
                "{\"index\":{\"_index\":\"packets-1\"}}\n{\"layers\":{}}",
                "import pcap",
            ),
            (
                r#"[{"status":"COMPLETE","actualPort":443,"scheme":"https","request":{}}]"#,
                "Charles",
            ),
        ] {
            let said = of(text).unwrap_or_else(|| panic!("{text}"));
            assert!(said.contains(what), "{said}");
        }
        for other in [
            "{}",
            "[]",
            "[{}]",
            "{\"log\":{}}",
            "<!doctype html>",
            "",
            "{",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert!(kind::of(b"\xac\xed\x00\x05sr").is_some_and(|said| said.contains("Charles")));
        let fiddlers = ["_index.htm", "raw/1_c.txt", "raw/1_s.txt"].map(str::to_owned);
        assert!(of_zip(&fiddlers).is_some_and(|said| said.contains("Fiddler")));
        let proxymans = ["request_1_h".to_owned()];
        assert!(of_zip(&proxymans).is_some_and(|said| said.contains("Proxyman")));
        assert_eq!(of_zip(&["a.har".to_owned()]), None);
    }
}
