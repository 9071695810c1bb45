//! What is wrong with the references of a line.

use crate::error::{Flaw, TapeErrorKind};
use crate::json::{Field, Node, Object, Type, nearest, shortened};
use crate::message::MessageRegex;
use crate::reference::{Reference, Template, value_strings};

use super::trigger::Trigger;

/// Members of an action whose strings may hold references.
const MEMBERS: [&str; 6] = ["payload", "reason", "body", "headers", "scene", "as"];

/// Actions that hold no references at all.
const WITHOUT: [&str; 5] = ["received", "expect", "mark", "garbage", "binary"];

/// What is known when a step happens.
struct Around<'a> {
    trigger: &'a Trigger,
}

/// Checks the references of a step's action; `acting` is its member of the line.
pub(crate) fn check_references(acting: &Field<'_>, trigger: &Trigger) -> Result<(), Flaw> {
    if !acting.value.text.contains("${") || WITHOUT.contains(&&*acting.name) {
        return Ok(());
    }
    let around = Around { trigger };
    let all = |node: Node<'_>| around.strings(node);
    match (&*acting.name, acting.value.kind()) {
        ("emit" | "json", _) | (_, Type::String) => all(acting.value),
        (_, Type::Object) => {
            let object = Object::read(acting.value)?;
            let members = object.fields().iter();
            members
                .filter(|member| MEMBERS.contains(&&*member.name))
                .try_for_each(|member| all(member.value))
        }
        _ => Ok(()),
    }
}

impl Around<'_> {
    /// Checks every string in a value, but no keys.
    fn strings(&self, node: Node<'_>) -> Result<(), Flaw> {
        for (start, end) in value_strings(node.text) {
            let string = &node.text[start..end];
            if string.contains("${") {
                self.string(string, node.at + start)?;
            }
        }
        Ok(())
    }

    /// Checks a string, given with its quotes and the place where it begins in the line.
    fn string(&self, string: &str, at: usize) -> Result<(), Flaw> {
        let template = Template::json(string)
            .map_err(|bad| Flaw::new(TapeErrorKind::Value, at + bad.at, bad.len, bad.message))?;
        for reference in template.references() {
            if let Err(mut flaw) = self.known(reference) {
                // The flaw is where this reference first occurs in the string.
                let (offset, len) = place(string, reference);
                (flaw.at, flaw.len) = (at + offset, len);
                return Err(flaw);
            }
        }
        Ok(())
    }

    /// Checks that it refers to something that is known when the step happens.
    fn known(&self, reference: &Reference) -> Result<(), Flaw> {
        let misplaced = |message: &str| {
            let flaw = Flaw::new(TapeErrorKind::Misplaced, 0, 1, message);
            Err(flaw)
        };
        match (reference, self.trigger) {
            (Reference::Pointer(_), Trigger::OnMessage(_) | Trigger::Scene(_))
            | (Reference::Group(_), Trigger::Scene(_)) => Ok(()),
            (Reference::Pointer(_), _) => {
                misplaced("there is no message to look into; that goes with \"on_message\"")
            }
            (Reference::Group(name), Trigger::OnMessage(on)) => match &on.wanted.regex {
                Some(regex) if regex.has_group(name) => Ok(()),
                regex => Err(unknown(name, regex.as_ref())),
            },
            (Reference::Group(name), _) => Err(unknown(name, None)),
            (Reference::Count, trigger) if !trigger.is_dialogue() => misplaced(
                "the step happens once; \"${count}\" goes with \"on_message\", \"on_silence_ms\" \
                 and \"scene\"",
            ),
            _ => Ok(()),
        }
    }
}

/// The flaw of a name that is neither a word nor a group.
fn unknown(name: &str, regex: Option<&MessageRegex>) -> Flaw {
    let groups = regex
        .into_iter()
        .flat_map(|regex| regex.regex().capture_names().flatten());
    let mut names: Vec<&str> = Reference::words().collect();
    names.extend(groups);
    let meant = nearest(name, &names).map(|meant| format!("did you mean {meant:?}?"));
    let name = shortened(name);
    // Whoever knows other templates expects a bare name to look into the message.
    let meant = meant.unwrap_or_else(|| format!("a member of a JSON message is ${{/{name}}}"));
    let message =
        format!("{name:?} is neither a word nor a named group of the step's \"regex\" ({meant})");
    let mut flaw = Flaw::new(TapeErrorKind::Value, 0, 1, message);
    let list = names.join(", ");
    let list = shortened(&list);
    flaw.help = Some(format!(
        "one of {list}, date:SECONDS, url:NAME, query:NAME, query:NAME/N, or a JSON pointer"
    ));
    flaw
}

/// Where a reference is in a string: offset and length in bytes.
fn place(string: &str, reference: &Reference) -> (usize, usize) {
    let mut from = 0;
    while let Some(start) = string[from..].find("${").map(|at| from + at) {
        let Some(len) = string[start..].find('}').map(|end| end + 1) else {
            break;
        };
        let is = Template::text(&string[start..start + len])
            .is_ok_and(|one| one.references().next() == Some(reference));
        if is {
            return (start, len);
        }
        from = start + "${".len();
    }
    (0, string.len())
}
