//! Messages that are lists with a meaning for each position: Phoenix's and OCPP's.

use super::node::Node;

/// The first value of an OCPP call, which is followed by its number and action (OCPP-J 1.6, 4.2):
/// `[2,"19",…,{…}]`.
const CALL: &str = "2";
pub(super) const CALL_NUMBER: usize = 1;
pub(super) const CALL_ACTION: usize = 2;

/// The first value of an answer to a call.
const CALL_ANSWERS: [&str; 2] = ["3", "4"];

/// The pointer to a value in a list.
pub(super) fn place(index: usize) -> String {
    format!("/{index}")
}

/// Whether a message is an OCPP call: a list of 2, its own number, an action and an object.
pub(super) fn is_call(nodes: &[Node]) -> bool {
    let own: Vec<&Node> = nodes.iter().filter(|node| node.depth() == 1).collect();
    let is_word = |at: usize| own[at].string().is_some_and(|word| !word.is_empty());
    nodes.first().is_some_and(Node::is_list)
        && own.len() == 4
        && own[0].text == CALL
        && is_word(CALL_NUMBER)
        && is_word(CALL_ACTION)
        && own[3].text.starts_with('{')
}

/// The index of the topic in a Phoenix message: a list of numbers or nulls, a topic, an event and
/// an object.
pub(super) fn topic_of(nodes: &[Node]) -> Option<usize> {
    nodes.first().filter(|root| root.is_list())?;
    let own: Vec<&Node> = nodes.iter().filter(|node| node.depth() == 1).collect();
    let is_number = |node: &&&Node| {
        let digits = node.text.trim_matches('"');
        node.text == "null" || !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let topic = own.iter().take_while(is_number).count();
    let is_word = |at: usize| own.get(at).is_some_and(|node| node.text.starts_with('"'));
    let is_object = own
        .get(topic + 2)
        .is_some_and(|node| node.text.starts_with('{'));
    let whole = is_object && own.len() == topic + 3;
    (topic > 0 && whole && is_word(topic) && is_word(topic + 1)).then_some(topic)
}

/// Whether a message answers a call of the other side: a list of 3 or 4, the call's number, and an
/// object at its end.
pub(super) fn is_answer(nodes: &[Node]) -> bool {
    let own: Vec<&Node> = nodes.iter().filter(|n| n.depth() == 1).collect();
    let is_object = |at: usize| own.get(at).is_some_and(|node| node.text.starts_with('{'));
    nodes.first().is_some_and(Node::is_list)
        && own
            .first()
            .is_some_and(|first| CALL_ANSWERS.contains(&first.text.as_str()))
        && own
            .get(CALL_NUMBER)
            .is_some_and(|node| node.string().is_some())
        && (own.len() == 3 && is_object(2) || own.len() == 5 && is_object(4))
}
