//! A client's request, and what it is about.

use super::list::{self, CALL_ACTION, CALL_NUMBER, is_call, place, topic_of};
use super::names::{begins, ends, is_goodbye, is_identity, is_number, is_protocol, purpose};
use super::node::{Node, nodes, replaced};
use super::wanted::{REDACTED, Wanted};

/// The maximum number of things that one request may be about.
const MAX_ITEMS: usize = 256;

/// The maximum number of characters shown of a request.
const MAX_SHOWN_CHARS: usize = 120;

/// A client's request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) text: String,
    pub(super) nodes: Vec<Node>,
    /// The pointer to the value that tells its purpose.
    purpose: Option<String>,
    /// The index of the topic, in a list that has it at a fixed position, as Phoenix's do: after
    /// numbers and before an event.
    topic: Option<usize>,
    /// Whether it is an OCPP call.
    is_call: bool,
}

/// One thing that a request is about: one of several channels, or everything in the request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// The strings that name it, as written.
    pub(super) names: Vec<String>,
    /// What a request for it must contain.
    pub(super) wanted: Wanted,
}

/// An element of a list in a request.
struct Element<'r> {
    list: &'r str,
    at: &'r str,
    leaves: Vec<&'r Node>,
}

impl Request {
    pub(super) fn new(text: &str) -> Self {
        let nodes = nodes(text);
        let is_call = is_call(&nodes);
        let topic = topic_of(&nodes).filter(|_| !is_call);
        let purpose = match topic {
            Some(topic) => Some(place(topic + 1)),
            None if is_call => Some(place(CALL_ACTION)),
            None => purpose_of(&nodes).map(|node| node.pointer.clone()),
        };
        Self {
            text: text.to_owned(),
            nodes,
            purpose,
            topic,
            is_call,
        }
    }

    /// Whether it is a STOMP frame.
    pub(super) fn is_stomp(&self) -> bool {
        self.nodes.iter().any(|node| node.raw)
    }

    /// Whether it is a list with a meaning for each position.
    fn is_list(&self) -> bool {
        self.nodes.first().is_some_and(Node::is_list)
    }

    /// The purpose that it states.
    pub(super) fn purpose(&self) -> Option<String> {
        let at = self.purpose.as_ref()?;
        let node = self.nodes.iter().find(|node| node.pointer == *at)?;
        node.string().or_else(|| Some(node.text.clone()))
    }

    /// The purpose that it states, or the names of its members if it states none.
    fn about_what(&self) -> String {
        let members = || {
            let own = self.nodes.iter().filter(|node| node.depth() == 1);
            let keys: Vec<&str> = own.map(|node| node.key.as_str()).collect();
            keys.join(" ")
        };
        self.purpose().unwrap_or_else(members)
    }

    /// Its text as shown to people, shortened if it is long.
    pub(super) fn shown(&self) -> String {
        let mut chars = self.text.chars();
        let mut shown = String::new();
        for c in chars.by_ref().take(MAX_SHOWN_CHARS) {
            // Escaped, so that it stays on one line and has no NUL bytes.
            if c.is_control() {
                shown.extend(c.escape_debug());
            } else {
                shown.push(c);
            }
        }
        if chars.next().is_some() {
            shown.push('…');
        }
        shown
    }

    /// Whether it answers a call from the engine, as an OCPP charge point does.
    pub(super) fn is_answer(&self) -> bool {
        list::is_answer(&self.nodes)
    }

    /// Whether it only says that the client is alive or leaving, which needs no answer: engine.io's
    /// pong, Socket.IO's disconnect, Centrifuge's empty command, SignalR's ping and close, STOMP's
    /// DISCONNECT, and the end of a connection in the first protocol for GraphQL over WebSocket.
    pub(super) fn is_keepalive(&self) -> bool {
        let mut own = self.nodes.iter().filter(|node| node.depth() == 1);
        if self.purpose().is_some_and(|purpose| is_goodbye(&purpose)) {
            return true;
        }
        match (self.nodes.len(), own.next()) {
            // STOMP's clients send a line feed to say that they are alive.
            (0, _) => matches!(
                self.text.as_str(),
                "1" | "3" | "41" | "pong" | "\n" | "\r\n"
            ),
            (1, _) => self.nodes[0].text == "{}",
            (2, Some(only)) => only.pointer == "/type" && matches!(only.text.as_str(), "6" | "7"),
            _ => false,
        }
    }

    /// Whether it is SignalR's handshake request, which is answered with an empty object.
    pub(super) fn is_protocol_choice(&self) -> bool {
        let own = self.nodes.iter().filter(|node| node.depth() == 1);
        let keys: Vec<&str> = own.map(|node| node.key.as_str()).collect();
        keys.len() == 2 && keys.contains(&"protocol") && keys.contains(&"version")
    }

    /// Whether it ends a stream.
    pub(super) fn ends(&self) -> bool {
        ends(&self.about_what())
    }

    /// Whether it begins a stream.
    pub(super) fn begins(&self) -> bool {
        begins(&self.about_what())
    }

    /// The values that may match it to its answer.
    pub(super) fn identities(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| {
            let by_place = self.is_list() && node.depth() == 1;
            let by_place = by_place && !self.is_purpose(node) && !self.is_topic(node);
            node.is_telling() && (is_identity(&node.key) || by_place)
        })
    }

    /// Those of its [`identities`](Self::identities) that an answer repeats: in a list with a topic
    /// the last one before the topic, because the others number what was joined; in an OCPP call
    /// its only one.
    pub(super) fn answered_numbers(&self) -> impl Iterator<Item = &Node> {
        let of_call = self.is_call.then(|| place(CALL_NUMBER));
        let own = self.topic.map(|topic| place(topic.saturating_sub(1)));
        let own = own.or(of_call);
        let fits = move |node: &&Node| own.as_ref().is_none_or(|own| node.pointer == *own);
        self.identities().filter(fits)
    }

    fn is_topic(&self, node: &Node) -> bool {
        self.topic.is_some_and(|topic| node.pointer == place(topic))
    }

    fn is_purpose(&self, node: &Node) -> bool {
        self.purpose.as_deref() == Some(&node.pointer)
    }

    /// Whether a value tells what the request is about: a string or number that is not a message
    /// number, a purpose or a secret.
    fn is_about(&self, node: &Node) -> bool {
        let by_place = self.is_list() && node.depth() == 1 && !self.is_topic(node);
        node.is_telling()
            && !by_place
            && !self.is_purpose(node)
            && !is_number(&node.key)
            && !is_protocol(&node.key)
            && !node.text.contains(REDACTED)
    }

    /// What all requests of its kind must contain.
    pub(super) fn wanted(&self) -> Wanted {
        if self.nodes.is_empty() {
            return Wanted::text(&self.text);
        }
        let mut wanted = Wanted::default();
        wanted.framed(&self.text);
        if let Some(purpose) = self.nodes.iter().find(|node| self.is_purpose(node)) {
            wanted.value(purpose);
            return wanted;
        }
        // If nothing tells its purpose, its first member does.
        let own = |node: &&Node| node.depth() == 1 && !is_number(&node.key);
        let mut all = self.nodes.iter();
        if let Some(first) = all.clone().find(own).or_else(|| all.nth(1)) {
            wanted.exists(&first.pointer);
        }
        wanted
    }

    /// What requests of its kind have in common, as a key to group them by.
    pub(super) fn kind(&self) -> String {
        let wanted = self.wanted().json();
        wanted.map_or_else(|| self.text.clone(), |wanted| wanted.to_string())
    }

    /// This request with other names in place of these: the request that ends another stream.
    /// `None` if it does not contain all of them.
    pub(super) fn renamed(&self, names: &[(String, String)]) -> Option<Self> {
        let mut places = Vec::new();
        for (from, to) in names {
            let place = self.nodes.iter().find(|node| node.text == *from)?;
            let bare = || serde_json::from_str(to).unwrap_or_else(|_| to.clone());
            let piece = if place.raw { bare() } else { to.clone() };
            places.push((place.range.clone(), piece));
        }
        Some(Self::new(&replaced(&self.text, places, ToOwned::to_owned)))
    }

    /// What requests for the same thing must contain: all of its values except its numbers.
    pub(super) fn wanted_exactly(&self) -> Wanted {
        let mut wanted = self.wanted();
        let lists = self.lists();
        let is_outside = |node: &Node| !lists.iter().any(|list| node.is_inside(list));
        let is_list =
            |node: &Node| lists.contains(&node.pointer.as_str()) && !node.text.contains(REDACTED);
        for node in &self.nodes {
            if self.is_about(node) && is_outside(node) || is_list(node) {
                wanted.value(node);
            }
        }
        wanted
    }

    /// The outermost lists that contain something that the request is about.
    fn lists(&self) -> Vec<&str> {
        let mut lists: Vec<&str> = Vec::new();
        for node in self
            .nodes
            .iter()
            .filter(|node| node.is_list() && node.depth() > 0)
        {
            let outer = lists.iter().any(|list| node.is_inside(list));
            let mut inside = self.nodes.iter().filter(|n| n.is_inside(&node.pointer));
            if !outer && !is_number(&node.key) && inside.any(|n| self.is_about(n)) {
                lists.push(&node.pointer);
            }
        }
        lists
    }

    fn elements<'r>(&'r self, list: &'r str) -> Vec<Element<'r>> {
        let level = list.matches('/').count() + 1;
        let of_list = self
            .nodes
            .iter()
            .filter(|n| n.is_inside(list) && n.depth() == level);
        of_list
            .map(|element| {
                let at = element.pointer.as_str();
                let inside = |n: &&Node| n.pointer == at || n.is_inside(at);
                let leaves = self.nodes.iter().filter(inside);
                Element {
                    list,
                    at,
                    leaves: leaves.filter(|n| self.is_about(n)).collect(),
                }
            })
            .filter(|element| !element.leaves.is_empty())
            .collect()
    }

    /// What it is about: one item for each element if that is a list; with several lists, one for
    /// each combination of their elements.
    pub(super) fn items(&self) -> Vec<Item> {
        let lists = self.lists();
        let in_list = |node: &Node| lists.iter().any(|list| node.is_inside(list));
        let alone = self
            .nodes
            .iter()
            .filter(|n| self.is_about(n) && !in_list(n));
        let alone: Vec<&Node> = alone.collect();
        let mut chosen: Vec<Vec<&Element<'_>>> = vec![Vec::new()];
        let elements: Vec<Vec<Element<'_>>> = lists.iter().map(|l| self.elements(l)).collect();
        for of_list in &elements {
            chosen = chosen
                .iter()
                .flat_map(|before| {
                    of_list
                        .iter()
                        .map(move |one| [before.as_slice(), &[one]].concat())
                })
                .take(MAX_ITEMS)
                .collect();
        }
        chosen
            .iter()
            .map(|elements| self.item(&alone, elements))
            .collect()
    }

    fn item(&self, alone: &[&Node], elements: &[&Element<'_>]) -> Item {
        let mut wanted = self.wanted();
        for node in alone {
            wanted.value(node);
        }
        for element in elements {
            let relative = |leaf: &Node| leaf.pointer[element.at.len()..].to_owned();
            let leaves = element.leaves.iter().map(|leaf| (relative(leaf), *leaf));
            wanted.element(element.list, &leaves.collect::<Vec<_>>());
        }
        let inside = elements.iter().flat_map(|element| &element.leaves);
        let names = alone.iter().chain(inside).filter_map(|node| node.string());
        let mut names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
        if self.is_list() && self.topic.is_none() && !self.is_call {
            names.extend(self.identities().filter_map(Node::string));
        }
        Item { names, wanted }
    }
}

/// The value that tells a message's purpose: the most telling of its own members; in a list, its
/// first word.
fn purpose_of(nodes: &[Node]) -> Option<&Node> {
    let root = nodes.first()?;
    let own = nodes
        .iter()
        .filter(|node| node.depth() == 1 && node.is_telling());
    if let Some(command) = nodes.iter().find(|node| node.raw) {
        return Some(command);
    }
    if root.is_list() {
        let is_word = |node: &&Node| {
            let word = node.string();
            word.is_some_and(|word| word.contains(|c: char| c.is_ascii_alphabetic()))
        };
        return own.clone().find(is_word);
    }
    let telling = |node: &&Node| purpose(&node.key);
    let most = own
        .filter(|node| telling(node).is_some())
        .min_by_key(telling)?;
    // A number only tells the kind of message, as in OBS; a word in its payload tells more.
    let inside = nodes.iter().filter(|node| node.depth() == 2);
    let word = |node: &&Node| telling(node).is_some() && node.string().is_some();
    let inner = inside.filter(word).min_by_key(telling);
    Some(inner.filter(|_| most.string().is_none()).unwrap_or(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<(Vec<String>, String)> {
        let request = Request::new(text);
        let items = request.items().into_iter();
        items
            .map(|item| {
                (
                    item.names,
                    item.wanted.json().unwrap_or_default().to_string(),
                )
            })
            .collect()
    }

    #[test]
    fn each_value_of_a_list_is_a_thing_by_itself_and_of_two_lists_one_of_each() {
        let found =
            items(r#"{"type":"subscribe","product_ids":["A","B"],"channels":["t"],"id":4}"#);
        let names: Vec<Vec<String>> = found.iter().map(|(names, _)| names.clone()).collect();
        assert_eq!(names, [["t", "A"], ["t", "B"]]);
        let path = "$['channels'][?@ == 't' && $['product_ids'][?@ == 'B']]";
        let wanted = format!(r#"{{"json":{{"type":"subscribe"}},"jsonpath":"{path}"}}"#);
        assert_eq!(found[1].1, wanted);
    }

    #[test]
    fn a_secret_and_a_number_are_no_part_of_what_is_asked_for() {
        let text = r#"{"op":"auth","args":["redacted-0123456789abcdef",0],"req_id":"x","ts":5}"#;
        let request = Request::new(text);
        let kind = Some(serde_json::json!({"json": {"op": "auth"}}));
        assert_eq!(request.wanted().json(), kind);
        assert!(
            !request
                .wanted_exactly()
                .json()
                .unwrap_or_default()
                .to_string()
                .contains("redacted")
        );
    }

    #[test]
    fn a_list_is_told_by_its_first_word_and_a_nameless_request_by_its_first_member() {
        let wanted = |text: &str| Request::new(text).wanted().json().unwrap_or_default();
        let of_list = serde_json::json!({"jsonpath": "$[?$[0] == 'REQ']"});
        assert_eq!(wanted(r#"["REQ","s1",{"kinds":[1]}]"#), of_list);
        let of_member = serde_json::json!({"jsonpath": "$['sub']"});
        assert_eq!(wanted(r#"{"id":"1","sub":"market.trades"}"#), of_member);
        assert_eq!(wanted("ping"), serde_json::json!({"text": "ping"}));
    }

    #[test]
    fn a_list_of_numbers_a_topic_and_an_event_is_for_the_event_and_about_the_topic() {
        let request = Request::new(r#"["3","7","room:a","phx_join",{"since":0}]"#);
        assert_eq!(request.purpose().as_deref(), Some("phx_join"));
        assert_eq!(request.items()[0].names, ["room:a"]);
        let numbers: Vec<&str> = request
            .answered_numbers()
            .map(|node| node.text.as_str())
            .collect();
        assert_eq!(numbers, ["\"7\""]);
        // A WAMP call has other values in between.
        assert_eq!(Request::new(r#"[48,7,{},"a.b",["x"]]"#).topic, None);
    }

    #[test]
    fn a_message_of_a_number_is_for_what_it_carries_says() {
        let purpose = |text: &str| Request::new(text).purpose();
        let obs = r#"{"op":6,"d":{"requestType":"GetVersion","requestId":"f8"}}"#;
        assert_eq!(purpose(obs).as_deref(), Some("GetVersion"));
        let wanted = serde_json::json!({"json": {"d": {"requestType": "GetVersion"}}});
        assert_eq!(Request::new(obs).wanted().json(), Some(wanted));
        let of_old = r#"{"message-id":"3","request-type":"GetVersion"}"#;
        assert_eq!(purpose(of_old).as_deref(), Some("GetVersion"));
        assert_eq!(
            purpose(r#"{"op":2,"d":{"token":"x"}}"#).as_deref(),
            Some("2")
        );
        let word = r#"{"op":"sub","d":{"type":"trades"}}"#;
        assert_eq!(purpose(word).as_deref(), Some("sub"));
    }

    #[test]
    fn a_call_of_ocpp_is_for_its_action_and_goes_by_its_own_number() {
        let request = Request::new(r#"[2,"19f-a","Authorize",{"idTag":"T"}]"#);
        assert_eq!(request.purpose().as_deref(), Some("Authorize"));
        assert_eq!(request.items()[0].names, ["T"]);
        let numbers: Vec<&str> = request
            .answered_numbers()
            .map(|node| node.text.as_str())
            .collect();
        assert_eq!(numbers, ["\"19f-a\""]);
        let is_answer = |text: &str| Request::new(text).is_answer();
        assert!(is_answer(r#"[3,"s1",{"status":"Accepted"}]"#));
        assert!(is_answer(r#"[4,"s1","NotImplemented","",{}]"#));
        assert!(!is_answer(r#"[3,"s1","x"]"#) && !is_answer(r#"[2,"s1","A",{}]"#));
        // A WAMP call is different.
        assert!(!Request::new(r#"[48,7,{},"a.b",["x"]]"#).is_call);
    }

    #[test]
    fn what_a_request_is_for_tells_whether_a_stream_begins_or_ends() {
        let told = |text: &str| {
            let request = Request::new(text);
            (request.begins(), request.ends())
        };
        assert_eq!(
            told(r#"{"method":"SUBSCRIBE","params":["x"]}"#),
            (true, false)
        );
        assert_eq!(
            told(r#"{"method":"eth_unsubscribe","params":["0x1"]}"#),
            (false, true)
        );
        assert_eq!(told(r#"{"unsub":"market.trades","id":"1"}"#), (false, true));
        assert_eq!(told(r#"{"op":"ping"}"#), (false, false));
    }
}
