//! Which steps of a healthy tape answer a subscription, and how the engine reports it.

use wstape_tape::{Action, Part, Reference, Step, Template, Trigger};

use crate::facts::SUBSCRIBES;

/// Whether a step answers a client that asks for a stream: it starts a scene, or confirms it.
pub(super) fn is_subscription(step: &Step) -> bool {
    let asked = matches!(
        step.trigger,
        Trigger::OnMessage(_) | Trigger::OnConnect { .. }
    );
    let says_so = || {
        let mut extensions = step.extensions.iter();
        extensions.any(|(key, value)| key == "x-subscribe" && value.get() == "true")
    };
    asked && (matches!(step.action, Action::Start(_)) || says_so())
}

/// Returns the step that reports a subscription whenever this one answers it.
pub(super) fn told_of(step: &Step) -> Step {
    let mut told = step.clone();
    told.action = Action::Mark(SUBSCRIBES.to_owned());
    if let Trigger::OnMessage(on) = &mut told.trigger {
        on.instead = false;
    }
    // A request counts no matter how likely it is to be answered, and when.
    (told.probability, told.jitter, told.seed) = (None, None, None);
    told
}

/// Members that this answer copies from the message under the same name; of an answer that is a
/// list, the places that it copies from the same places.
pub(super) fn given_back(answer: &str) -> Vec<String> {
    if let Ok(items) = serde_json::from_str::<Vec<serde_json::Value>>(answer) {
        let copied = |n: &usize| items[*n].as_str() == Some(&format!("${{/{n}}}"));
        let places = (0..items.len()).filter(copied);
        return places.map(|n| n.to_string()).collect();
    }
    let Ok(template) = Template::json(answer) else {
        return Vec::new();
    };
    let mut before = "";
    let mut names = Vec::new();
    for part in template.parts() {
        match part {
            Part::Literal(text) => before = text,
            Part::Whole(Reference::Pointer(keys)) => {
                if let [key] = keys.as_slice()
                    && before.trim_end().ends_with(&format!("\"{key}\":"))
                {
                    names.push(key.clone());
                }
            }
            Part::Whole(_) | Part::Inside(_) => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Healthy;
    use wstape_tape::Micros;

    #[test]
    fn an_id_is_what_an_answer_gives_back_under_its_own_name() {
        assert_eq!(given_back(r#"{"id":"${/id}","result":null}"#), ["id"]);
        assert_eq!(given_back(r#"{"a":1, "req_id": "${/req_id}"}"#), ["req_id"]);
        let others = r#"{"arg":"${/args/0}","channel":"${/name}","text":"no ${/text}"}"#;
        assert!(given_back(others).is_empty());
        let places = r#"["${/0}","${/1}","${topic}","${/4}",{"0":"${/0}"}]"#;
        assert_eq!(given_back(places), ["0", "1"]);
    }

    #[test]
    fn each_answer_to_a_subscription_is_told_of_and_nothing_else_is() {
        let tape = Healthy::find("method-subscription").unwrap();
        let lasting = tape.lasting(Micros::from_ms(1_000), None);
        let marks: Vec<&Step> = lasting
            .steps
            .iter()
            .filter(|step| step.action == Action::Mark(SUBSCRIBES.to_owned()))
            .collect();
        let [mark] = marks[..] else {
            panic!("{marks:?}")
        };
        let Trigger::OnMessage(on) = &mark.trigger else {
            panic!("{mark:?}")
        };
        assert!(on.wanted.jsonpath.is_some());
    }
}
