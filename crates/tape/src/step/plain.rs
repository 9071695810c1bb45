//! A fast path for the most common line.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;

use super::fields::StepFields;
use super::trigger::Trigger;
use crate::json::is_object;
use crate::{Action, Micros};

/// Reads a line that is spelt as recorders spell it, a time and an event and nothing else:
/// `{"at_ms":5,"emit":{"event":"…`. `None` for any other line, right or wrong: the general reader
/// decides what it is.
pub(super) fn read_plain(line: &Bytes) -> Option<StepFields> {
    let text = std::str::from_utf8(line).ok()?;
    let (ms, rest) = text.strip_prefix("{\"at_ms\":")?.split_once(',')?;
    let emit = rest.strip_prefix("\"emit\":")?.strip_suffix('}')?;
    let event = emit.strip_prefix("{\"event\":")?;
    // As long as the name is a string, the rest of the event may be anything.
    event.trim_start_matches(' ').strip_prefix('"')?;
    // As in JSON's numbers: no leading zero before other digits.
    let padded = ms.starts_with('0') && ms.len() > 1 && !ms.starts_with("0.");
    let at = Micros::parse_ms(ms).filter(|_| !padded)?;
    let whole = emit.ends_with('}') && is_object(emit);
    whole.then(|| {
        let action = Action::Emit(line.slice_ref(emit.as_bytes()));
        StepFields::new(Trigger::At(at), action)
    })
}

/// Returns the time and the event of a line that has the beginning and end that [`read_plain`]
/// wants.
fn looks_plain(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(b"{\"at_ms\":")?;
    let (ms, rest) = rest.split_at(memchr::memchr(b',', rest)?);
    let emit = rest.strip_prefix(b",\"emit\":")?.strip_suffix(b"}")?;
    let is_event = emit.starts_with(b"{\"event\":") && emit.ends_with(b"}");
    is_event.then_some((ms, emit))
}

/// Whether a line is plain if it looks so. It is not if something follows its event.
pub(crate) fn is_plain_if_it_looks_so(line: &Bytes) -> bool {
    match looks_plain(line) {
        // Only an extension after the event can end like this.
        Some((_, emit)) => EXTENSION.find(emit).is_none(),
        None => true,
    }
}

/// As [`read_plain`], for a line already known to be a step: its event need not be checked again.
/// Returns its time too. `plain` says that [`is_plain_if_it_looks_so`] holds for the line.
pub(super) fn read_sound(line: &Bytes, plain: bool) -> Option<(Micros, StepFields)> {
    let (ms, emit) = looks_plain(line)?;
    if !plain && !is_plain_if_it_looks_so(line) {
        return None;
    }
    let at = Micros::parse_ms(std::str::from_utf8(ms).ok()?)?;
    let action = Action::Emit(line.slice_ref(emit));
    Some((at, StepFields::new(Trigger::At(at), action)))
}

/// How the key of an extension begins.
static EXTENSION: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"x-"));

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::{is_plain_if_it_looks_so, read_plain, read_sound};
    use crate::Trigger;
    use crate::step::read::read_any;

    /// What a line is put together from: the usual parts, and others that are nearly right.
    const PARTS: [&str; 25] = [
        "{\"at_ms\":",
        "{ \"at_ms\":",
        "5",
        "0",
        "05",
        "0.25",
        "1.0005",
        "-1",
        ",\"emit\":",
        ", \"emit\":",
        ",\"conn\":1,\"emit\":",
        ",\"text\":",
        "{\"event\":\"a\"}",
        "{\"event\": \"a\", \"data\":[1,{\"b\":\"}\\\"\"}]}",
        "{\"event\":1}",
        "{\"event\":\"a\"",
        "{\"event\":\"\\ud800\"}",
        "{\"data\":{},\"event\":\"a\"}",
        "}",
        ",\"note\":\"n\"}",
        ",\"note\":\"n}}\"}",
        ",\"x-o\":{}}",
        ",\"seed\":{}}",
        ",\"emit\":{\"event\":\"b\"}}",
        " ",
    ];

    fn line() -> impl Strategy<Value = String> {
        let usual = (
            select(vec![2, 3, 4, 5, 6, 7]),
            select((12..18).collect::<Vec<_>>()),
        )
            .prop_map(|(ms, emit)| [PARTS[0], PARTS[ms], PARTS[8], PARTS[emit], "}"].concat());
        let mixed =
            prop::collection::vec(select(&PARTS[..]), 3..7).prop_map(|parts| parts.concat());
        let changed = (
            usual.clone(),
            any::<Index>(),
            select(vec!["", " ", "\"", "}", ",", "0", "\u{7}"]),
        )
            .prop_map(|(mut line, at, change)| {
                let at = at.index(line.len());
                line.replace_range(at..=at, change);
                line
            });
        prop_oneof![usual, mixed, changed]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_as_plain_or_sound_is_read_the_same_as_any_line(line in line()) {
            let line = Bytes::from(line);
            let any = read_any(&line, 2).map(crate::Step::into_fields);
            let any = any.map_err(|flaw| flaw.message);
            if let Some(plain) = read_plain(&line) {
                prop_assert_eq!(&any, &Ok(plain));
            }
            let Ok(any) = any else { return Ok(()) };
            for plain in [false, is_plain_if_it_looks_so(&line)] {
                if let Some((at, sound)) = read_sound(&line, plain) {
                    prop_assert_eq!(&sound.trigger, &Trigger::At(at));
                    prop_assert_eq!(&any, &sound);
                }
            }
        }
    }

    #[test]
    fn a_recorders_line_is_read_as_plain() {
        for line in [
            r#"{"at_ms":5,"emit":{"event":"a"}}"#,
            r#"{"at_ms":0.125,"emit":{"event": "a", "data": {"b": ["}", "\""]}}}"#,
        ] {
            assert!(read_plain(&Bytes::from(line)).is_some(), "{line}");
            assert!(read_sound(&Bytes::from(line), true).is_some(), "{line}");
        }
        for line in [
            r#"{"at_ms":05,"emit":{"event":"a"}}"#,
            r#"{"at_ms":5,"emit":{"event":"a"}}}"#,
            r#"{"at_ms":5,"emit":{"event":"a"} }"#,
            r#"{"at_ms":5,"emit":{"event":1}}"#,
        ] {
            assert!(read_plain(&Bytes::from(line)).is_none(), "{line}");
        }
    }
}
