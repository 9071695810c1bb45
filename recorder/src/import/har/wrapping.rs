//! Archives without what is around their entries, as tools leave them that take one apart.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

/// Members of an entry, of which each has one.
const OF_AN_ENTRY: [&str; 2] = ["startedDateTime", "request"];

/// The names of an object's members.
type Names = BTreeMap<String, IgnoredAny>;

/// What JSON is that should be an archive and lacks something around it, and the command that puts
/// it there; `None` for other JSON.
pub(super) fn of(text: &str) -> Option<String> {
    let is_entry = |names: &Names| OF_AN_ENTRY.iter().any(|name| names.contains_key(*name));
    let said = |what: &str, command: &str| {
        Some(format!(
            "{what}; put it into one: jq '{command}' FILE > NEW.har"
        ))
    };
    if text.trim_start().starts_with('<') {
        return Some("a page or XML; export again: Network panel, Export HAR".to_owned());
    }
    if text.trim_start().starts_with('[') {
        let list: Vec<Names> = serde_json::from_str(text).ok()?;
        let first = list.first()?;
        return match first {
            first if first.contains_key("log") => {
                Some("a list of archives; take one: jq '.[0]' FILE > NEW.har".to_owned())
            }
            first if is_entry(first) => said("a list of entries", "{log:{entries:.}}"),
            _ => None,
        };
    }
    let names: Names = serde_json::from_str(text).ok()?;
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
        ] {
            let said = of(text).unwrap();
            assert!(said.contains(command), "{said}");
        }
        for other in ["{}", "[]", "[1]", "{\"log\":{}}", "{", ""] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
