//! Recognizes archives without the JSON around their entries, as left by tools that take them
//! apart.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Member names of which every entry has at least one.
const OF_AN_ENTRY: [&str; 2] = ["startedDateTime", "request"];

/// Text that every network event of the `DevTools` protocol has, and how far from the beginning it
/// is searched for.
const CDP: &str = "\"method\":\"Network.";
const MAX_BEGIN_BYTES: usize = 64 << 10;

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
    if text.trim_start().starts_with('<') {
        return Some("a page or XML; export again: Network panel, Export HAR".to_owned());
    }
    if text
        .get(..MAX_BEGIN_BYTES.min(text.len()))
        .is_some_and(|begin| begin.contains(CDP))
    {
        return Some(
            "the DevTools' own events; import what the engine sent as lines: jq -c '.. | \
             select(.method? == \"Network.webSocketFrameReceived\") | .params' FILE > NEW.jsonl, then wstape \
             import lines NEW.jsonl --every 100ms --message /response/payloadData"
                .to_owned(),
        );
    }
    if text.trim_start().starts_with('[') {
        let list: Vec<Members<'_>> = serde_json::from_str(text).ok()?;
        let first = list.first()?;
        return match first {
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
            ("<!doctype html>", "Export HAR"),
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
