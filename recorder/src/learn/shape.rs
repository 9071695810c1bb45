//! What messages of one kind have in common.

use std::collections::BTreeSet;

use super::names::purpose;
use super::node::{Node, nodes, tokens};

/// The structure of a message: which values it has, regardless of their contents, and its purpose.
/// Lists of any length have the same shape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape(BTreeSet<String>);

impl Shape {
    /// The shape of a message; all texts that are not JSON have the same one.
    pub(super) fn of(text: &str) -> Self {
        let nodes = nodes(text);
        let inside_of_list = |pointer: &str| {
            let is_index = |token: &String| token.parse::<usize>().is_ok();
            tokens(pointer).iter().any(is_index)
        };
        let own = |node: &&Node| {
            let by_place = nodes.first().is_some_and(Node::is_list) && node.depth() == 1;
            by_place || !inside_of_list(&node.pointer)
        };
        let values = nodes.iter().filter(own).map(|node| {
            let of_purpose = node.depth() == 1 && purpose(&node.key).is_some() && node.is_leaf();
            let value = if of_purpose { node.text.as_str() } else { "" };
            format!("{} {value}", node.pointer)
        });
        Self(values.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_lengths_make_no_shape_and_purposes_do() {
        let of = Shape::of;
        assert_eq!(
            of(r#"{"event":"book","b":[[1,2]],"n":1}"#),
            of(r#"{"event":"book","b":[],"n":2}"#)
        );
        assert_ne!(
            of(r#"{"event":"book","n":1}"#),
            of(r#"{"event":"trade","n":1}"#)
        );
        assert_ne!(of(r#"{"event":"book","n":1}"#), of(r#"{"event":"book"}"#));
    }
}
