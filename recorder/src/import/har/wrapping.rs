//! Recognizes archives without the JSON around their entries, as left by tools that take them
//! apart.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Member names of which every entry has at least one.
const OF_AN_ENTRY: [&str; 2] = ["startedDateTime", "request"];

/// Text that every network event of the `DevTools` protocol has, the same text in an event that
/// stands in a string, as `chromedriver` logs it, and how far from the beginning they are searched
/// for.
const CDP: &str = "\"Network.";
const LOGGED_CDP: &str = "\\\"Network.";
const MAX_BEGIN_BYTES: usize = 64 << 10;

/// Text near the beginning of Playwright's HTML report.
const REPORT: &str = "<title>Playwright Test Report";

/// An object's members by name, as unparsed JSON.
type Members<'t> = BTreeMap<String, &'t RawValue>;

/// What a text is if it is an archive without its wrapping, and the command that adds it; `None`
/// for anything else.
pub(super) fn of(text: &str) -> Option<String> {
    let is_entry = |names: &Members<'_>| OF_AN_ENTRY.iter().any(|name| names.contains_key(*name));
    let said = |what: &str, command: &str| {
        Some(format!(
            "{what}; put it into one: jq '{command}' FILE > NEW.har"
        ))
    };
    let begin = &text[..text.floor_char_boundary(MAX_BEGIN_BYTES)];
    if text.trim_start().starts_with('<') {
        let said = if begin.contains(REPORT) {
            "Playwright's HTML report; import the test's trace, a zip in the folder data beside it"
        } else {
            "a page or XML; export again: Network panel, Export HAR"
        };
        return Some(said.to_owned());
    }
    if let Some(name) = called(text) {
        return Some(format!(
            "a call, {name}(…), as Firefox writes archives with devtools.netmonitor.har.jsonp; take \
             out what it is called with: sed '1s/^[^(]*(//; $s/);*$//' FILE > NEW.har"
        ));
    }
    if begin.contains(CDP) {
        let (whose, each) = if begin.contains(LOGGED_CDP) {
            (
                "chromedriver's performance log",
                ".. | .message? | strings | fromjson? | .message?",
            )
        } else {
            ("the DevTools' own events", "..")
        };
        // The events' clock counts from the browser's start; adding this makes it look like dates.
        return Some(format!(
            "{whose}; import the texts that the engine sent as lines: jq -c '{each} | select(.method? \
             == \"Network.webSocketFrameReceived\") | .params | select(.response.opcode == 1) | \
             .timestamp += 1700000000' FILE > NEW.jsonl, then wstape import lines NEW.jsonl --time \
             /timestamp --message /response/payloadData"
        ));
    }
    if text.trim_start().starts_with('[') {
        let list: Vec<Members<'_>> = serde_json::from_str(text).ok()?;
        let first = list.first()?;
        return match first {
            first if first.get("log").is_some_and(|log| log.get().starts_with('[')) => Some(
                "the log of @exodus/replay; import what the engine sent as lines, one connection \
                 at a time: jq -c '.[0].log[] | select(.type == \"message\" and (.data | type) == \
                 \"string\") | .at += 1700000000000' FILE > NEW.jsonl, then wstape import lines \
                 NEW.jsonl --time /at --message /data"
                    .to_owned(),
            ),
            first if first.contains_key("log") => {
                Some("a list of archives; take one: jq '.[0]' FILE > NEW.har".to_owned())
            }
            first if is_entry(first) => said("a list of entries", "{log:{entries:.}}"),
            _ => None,
        };
    }
    let names: Members<'_> = serde_json::from_str(text).ok()?;
    if names.contains_key("entries") {
        return said("what stands in log", "{log:.}");
    }
    if is_entry(&names) {
        return said("an entry", "{log:{entries:[.]}}");
    }
    None
}

/// The name of the function, if the text is a call with an object as its argument.
fn called(text: &str) -> Option<&str> {
    let (name, object) = text.trim_start().split_once('(')?;
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.');
    let calls = object.trim_start().starts_with('{') && name.chars().all(is_part);
    (calls && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around_the_entries_is_told_by_what_is_there() {
        for (text, command) in [
            (
                r#"[{"startedDateTime":"x","request":{}}]"#,
                "jq '{log:{entries:.}}'",
            ),
            (r#"{"version":"1.2","entries":[]}"#, "jq '{log:.}'"),
            (r#"{"startedDateTime":"x"}"#, "jq '{log:{entries:[.]}}'"),
            (r#"[{"log":{"entries":[]}}]"#, "jq '.[0]'"),
            (
                r#"[{"method": "Network.webSocketCreated", "params": {}}]"#,
                "jq -c '.. | select(.method?",
            ),
            (
                r#"{"level":"INFO","message":"{\"message\":{\"method\":\"Network.policyUpdated\"}}"}"#,
                "jq -c '.. | .message? | strings | fromjson? | .message? | select(.method?",
            ),
            ("<!doctype html>", "Export HAR"),
            (
                "<!doctype html>\n<title>Playwright Test Report</title>",
                "a zip in the folder data",
            ),
            (
                r#"onInputData({"log":{"entries":[]}});"#,
                "a call, onInputData(…)",
            ),
            (
                r#"[{"url":"ws://h/ws","log":[{"type":"message","at":1,"data":"x"}]}]"#,
                "--time /at --message /data",
            ),
            (
                r#"[{"method":"Network.webSocketCreated","params":{}}]"#,
                "import lines NEW.jsonl",
            ),
        ] {
            let said = of(text).unwrap();
            assert!(said.contains(command), "{said}");
        }
        for other in ["{}", "[]", "[1]", "{\"log\":{}}", "{", ""] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
