//! Finds the steps that a message may be for, by the members that tell steps apart.
//!
//! A step that wants JSON is filed under whichever of its members the fewest steps share. A message
//! is looked up by its own content, so the cost does not grow with the number of steps.

use std::collections::BTreeMap;

use wstape_tape::MessageKind;

use super::decimal::Decimal;
use super::document::{Kind, Value};
use super::matcher::Matcher;
use super::message::Message;

/// A step of the script, by its place.
pub(crate) type StepIndex = usize;

/// The steps that listen to messages, filed.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_member: Branch,
    by_text: BTreeMap<String, Vec<StepIndex>>,
    by_control: BTreeMap<MessageKind, Vec<StepIndex>>,
    /// Steps that any message may be for.
    rest: Vec<StepIndex>,
    /// How many steps want each member with that value.
    shared: BTreeMap<(Vec<String>, Scalar<'static>), usize>,
}

/// The members of an object, and of objects within it, that steps are filed under. They are few and
/// looked up all the time, so comparing is quicker than hashing.
#[derive(Debug, Default)]
struct Branch {
    members: BTreeMap<String, Branch>,
    values: BTreeMap<Scalar<'static>, Vec<StepIndex>>,
}

/// A value that can be looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Scalar<'a> {
    String(std::borrow::Cow<'a, str>),
    Number(Decimal<'a>),
    Bool(bool),
    Null,
}

impl<'a> Scalar<'a> {
    /// A value as a scalar; `None` for a container.
    fn of(value: Value<'a>) -> Option<Self> {
        Some(match value.kind() {
            Kind::String => Self::String(value.string()?),
            Kind::Number => Self::Number(Decimal::of(value.raw())),
            Kind::Bool => Self::Bool(value.raw() == "true"),
            Kind::Null => Self::Null,
            Kind::Object | Kind::Array => return None,
        })
    }

    fn into_owned(self) -> Scalar<'static> {
        match self {
            Self::String(text) => Scalar::String(text.into_owned().into()),
            Self::Number(number) => Scalar::Number(number.into_owned()),
            Self::Bool(bool) => Scalar::Bool(bool),
            Self::Null => Scalar::Null,
        }
    }
}

impl Index {
    /// Files all steps anew, each under the member that the fewest steps want.
    pub(super) fn build<'m>(steps: impl Iterator<Item = (StepIndex, &'m Matcher)> + Clone) -> Self {
        let mut index = Self::default();
        for (_, matcher) in steps.clone() {
            for key in leaves(matcher) {
                *index.shared.entry(key).or_default() += 1;
            }
        }
        for (step, matcher) in steps {
            index.file(step, matcher);
        }
        index
    }

    fn file(&mut self, step: StepIndex, matcher: &Matcher) {
        let wanted = matcher.wanted();
        if let Some(kind) = wanted.kind.filter(|kind| kind.is_control()) {
            self.by_control.entry(kind).or_default().push(step);
        } else if let Some(text) = &wanted.text {
            self.by_text.entry(text.clone()).or_default().push(step);
        } else if let Some((path, value)) = leaves(matcher)
            .into_iter()
            .min_by_key(|key| self.shared.get(key).copied().unwrap_or_default())
        {
            let mut branch = &mut self.by_member;
            for key in path {
                branch = branch.members.entry(key).or_default();
            }
            branch.values.entry(value).or_default().push(step);
        } else {
            self.rest.push(step);
        }
    }

    /// The steps that may match this message, in their order.
    pub(super) fn candidates(&self, message: &Message) -> Vec<StepIndex> {
        if message.kind().is_control() {
            let of_kind = self.by_control.get(&message.kind());
            return of_kind.cloned().unwrap_or_default();
        }
        let mut found = self.rest.clone();
        if !self.by_text.is_empty()
            && let Some(steps) = message.text().and_then(|text| self.by_text.get(text))
        {
            found.extend(steps);
        }
        if !self.by_member.is_empty()
            && let Some(document) = message.document()
        {
            self.by_member.look(document.root(), &mut found);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Branch {
    fn is_empty(&self) -> bool {
        self.members.is_empty() && self.values.is_empty()
    }

    /// Adds the steps filed under a value, or under members inside it.
    fn look(&self, value: Value<'_>, found: &mut Vec<StepIndex>) {
        let mut left = vec![(self, value)];
        while let Some((branch, value)) = left.pop() {
            if !branch.values.is_empty()
                && let Some(steps) = Scalar::of(value).and_then(|scalar| branch.values.get(&scalar))
            {
                found.extend(steps);
            }
            if branch.members.is_empty() || value.kind() != Kind::Object {
                continue;
            }
            for member in value.children() {
                if let Some(branch) = branch.members.get(&*member.key()) {
                    left.push((branch, member));
                }
            }
        }
    }
}

/// Each scalar that a matcher wants and that is inside objects only, with the keys that lead to it.
fn leaves(matcher: &Matcher) -> Vec<(Vec<String>, Scalar<'static>)> {
    let mut leaves = Vec::new();
    let Some(document) = matcher.json() else {
        return leaves;
    };
    let mut left = vec![(Vec::new(), document.root())];
    while let Some((path, value)) = left.pop() {
        if let Some(scalar) = Scalar::of(value) {
            leaves.push((path, scalar.into_owned()));
        } else if value.kind() == Kind::Object {
            for member in value.children() {
                // If a key comes twice, the last one counts.
                let key = member.key().into_owned();
                let Some(last) = value.member(&key) else {
                    continue;
                };
                let mut path = path.clone();
                path.push(key);
                left.push((path, last));
            }
        }
    }
    leaves.reverse();
    leaves
}
