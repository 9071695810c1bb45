//! Who a tape's messages are for: the paths that its steps name.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use wstape_tape::{Step, Trigger};

/// The most paths of a tape that are kept; a tape that names more counts as for any path.
const MAX_PATHS: usize = 4_096;
/// The most steps that are looked at; a longer tape counts as for any path.
const MAX_LOOKED_AT_STEPS: usize = 65_536;

/// Who a tape's messages are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Connections on any path; also where it isn't known before the steps are played.
    Any,
    /// Only connections on these paths: each message's step names one. Empty if there are no
    /// messages.
    Paths(BTreeSet<String>),
}

impl Default for Audience {
    fn default() -> Self {
        Self::Paths(BTreeSet::new())
    }
}

impl Audience {
    /// The audience of an engine's steps. Stops at the first message without a path, so that a long
    /// tape without paths is not read to its end.
    pub(crate) fn of(
        steps: impl IntoIterator<Item = impl Borrow<Step>>,
        engine: Option<&str>,
    ) -> Self {
        let mut paths = BTreeSet::new();
        for (n, step) in steps.into_iter().enumerate() {
            if n == MAX_LOOKED_AT_STEPS {
                return Self::Any;
            }
            let step: &Step = step.borrow();
            // What a scene says is for whoever it was started for.
            let is_in_scene = matches!(step.trigger, Trigger::Scene(_));
            if is_in_scene || !step.action.waits_for_the_101() || !step.is_of_engine(engine) {
                continue;
            }
            match &step.path {
                Some(path) if paths.len() < MAX_PATHS => {
                    if !paths.contains(path.as_str()) {
                        paths.insert(path.clone());
                    }
                }
                _ => return Self::Any,
            }
        }
        Self::Paths(paths)
    }
}

#[cfg(test)]
mod tests {
    use wstape_tape::Tape;

    use super::*;

    fn of(steps: &str, engine: Option<&str>) -> Audience {
        // Each line ends with a newline, the last one too.
        let end = if steps.is_empty() { "" } else { "\n" };
        let text = format!("{{\"tape\":1,\"needs\":[\"dialogue\"]}}\n{steps}{end}");
        Audience::of(&Tape::parse("t", &text).unwrap().steps, engine)
    }

    #[test]
    fn messages_are_for_the_paths_that_they_name_whatever_else_a_tape_does_on_all() {
        let paths = |all: &[&str]| Audience::Paths(all.iter().map(|it| (*it).to_owned()).collect());
        let a = r#"{"at_ms":1,"path":"/a","text":"for a"}"#;
        for (steps, expected) in [
            (String::new(), paths(&[])),
            (a.to_owned(), paths(&["/a"])),
            (
                format!("{a}\n{{\"at_ms\":2,\"drop\":\"fin\"}}"),
                paths(&["/a"]),
            ),
            (
                format!("{{\"at_ms\":0,\"path\":\"/b/*\",\"ping\":\"\"}}\n{a}"),
                paths(&["/a", "/b/*"]),
            ),
            (format!("{{\"at_ms\":0,\"ping\":\"\"}}\n{a}"), Audience::Any),
            (
                r#"{"on_message":{"contains":"x"},"path":"/a","start":"s"}
{"scene":"s","after_ms":0,"text":"y"}"#
                    .to_owned(),
                paths(&["/a"]),
            ),
            (
                r#"{"on_message":{"contains":"x"},"text":"y"}"#.to_owned(),
                Audience::Any,
            ),
        ] {
            assert_eq!(of(&steps, None), expected, "{steps}");
        }
        let other = format!("{{\"at_ms\":0,\"engine\":\"b\",\"ping\":\"\"}}\n{a}");
        assert_eq!(of(&other, Some("a")), paths(&["/a"]));
        assert_eq!(of(&other, Some("b")), Audience::Any);
    }
}
