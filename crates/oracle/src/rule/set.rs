//! A selection of rules, as a caller names them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::Rule;

/// Most letters in which a name may differ from the known one that is suggested.
const MAX_TYPO_LETTERS: usize = 3;

/// A selection of rules.
///
/// ```
/// use wstape_oracle::{Rule, RuleSet};
///
/// let some = RuleSet::parse("R1,R5-R7", &[])?;
/// assert!(some.contains(Rule::R6) && !some.contains(Rule::R2));
/// assert_eq!(some.to_string(), "R1, R5, R6, R7");
/// let error = RuleSet::parse("R61", &[]).unwrap_err();
/// assert_eq!(error.to_string(), "unknown rule \"R61\": there are R1 to R16");
/// # Ok::<(), wstape_oracle::UnknownRule>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleSet(BTreeSet<Rule>);

impl RuleSet {
    /// The built-in rules, and a subject's `own`.
    #[must_use]
    pub fn all(own: &[Rule]) -> Self {
        Rule::ALL.into_iter().chain(own.iter().copied()).collect()
    }

    /// Parses ids and ranges of them, separated by commas: `R1,R5-R7,name-of-an-own-rule`. `own`
    /// are the subject's own rules.
    ///
    /// # Errors
    /// A name that no rule has; a range that runs backwards, or whose ends are not ids.
    pub fn parse(text: &str, own: &[Rule]) -> Result<Self, UnknownRule> {
        let mut rules = BTreeSet::new();
        for word in text.split(',').map(str::trim) {
            if let Some(rule) = named(word, own) {
                rules.insert(rule);
                continue;
            }
            let range = word.split_once('-').and_then(|(first, last)| {
                let place = |id: &str| named(id.trim(), &[])?.index();
                Some((place(first)?, place(last)?))
            });
            match range {
                Some((first, last)) if first <= last => rules.extend(&Rule::ALL[first..=last]),
                _ => return Err(UnknownRule::of(word, own)),
            }
        }
        Ok(Self(rules))
    }

    /// Whether the rule is one of them.
    #[must_use]
    pub fn contains(&self, rule: Rule) -> bool {
        self.0.contains(&rule)
    }

    /// Iterates in the order of the ids, a subject's own rules last.
    pub fn iter(&self) -> impl Iterator<Item = Rule> + '_ {
        self.0.iter().copied()
    }

    /// The rules that are in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// The rules that are not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).copied().collect())
    }

    /// Whether there are no rules in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Rule> for RuleSet {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}

impl fmt::Display for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, rule) in self.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{rule}")?;
        }
        Ok(())
    }
}

fn named(word: &str, own: &[Rule]) -> Option<Rule> {
    let mut known = Rule::ALL.iter().chain(own);
    known
        .find(|rule| rule.to_string().eq_ignore_ascii_case(word))
        .copied()
}

impl FromStr for Rule {
    type Err = UnknownRule;

    /// Parses the id of a built-in rule.
    fn from_str(id: &str) -> Result<Self, UnknownRule> {
        let known = Self::ALL.into_iter().find(|rule| rule.to_string() == id);
        known.ok_or_else(|| UnknownRule::of(id, &[]))
    }
}

/// A name that no rule has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown rule {name:?}: {hint}there are R1 to R16{own}", hint = Self::question(hint.as_deref()))]
pub struct UnknownRule {
    /// The name as given.
    pub name: String,
    /// A similar known name.
    pub hint: Option<String>,
    /// The subject's own rules, in words.
    own: String,
}

impl UnknownRule {
    pub(super) fn of(name: &str, own: &[Rule]) -> Self {
        // Only own names are suggested: every numbered rule is as near as the next.
        let near = own
            .iter()
            .map(|rule| (letters_apart(name, &rule.to_string()), rule.to_string()))
            .min_by_key(|(apart, _)| *apart)
            .filter(|(apart, known)| *apart <= MAX_TYPO_LETTERS.min(known.len() / 2));
        let own = own.iter().map(|rule| format!(", {rule}"));
        Self {
            name: name.to_owned(),
            hint: near.map(|(_, known)| known),
            own: own.collect(),
        }
    }

    fn question(hint: Option<&str>) -> String {
        hint.map(|hint| format!("did you mean {hint:?}? "))
            .unwrap_or_default()
    }
}

/// Letters to insert, delete or change to get from one to the other (Levenshtein).
fn letters_apart(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let change = diagonal + usize::from(a.to_ascii_lowercase() != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::super::OwnName;
    use super::*;

    const OWN: Rule = Rule::Own(OwnName::new("prices-never-fall-back", "prices grow"));

    #[test]
    fn ids_ranges_and_own_names_are_read_and_anything_else_is_told_with_what_is_near() {
        let read = |text| RuleSet::parse(text, &[OWN]).map(|set| set.to_string());
        assert_eq!(read("r3, R1-R2"), Ok("R1, R2, R3".to_owned()));
        assert_eq!(
            read("R16,prices-never-fall-back"),
            Ok("R16, prices-never-fall-back".to_owned())
        );
        for (text, hint) in [
            ("R17", None),
            ("R7-R5", None),
            ("prices-never-fal-back", Some("prices-never-fall-back")),
            ("", None),
            ("latency", None),
        ] {
            let error = RuleSet::parse(text, &[OWN]).unwrap_err();
            assert_eq!(error.hint.as_deref(), hint, "{text}");
            let said = error.to_string();
            assert!(
                said.ends_with("there are R1 to R16, prices-never-fall-back"),
                "{said}"
            );
        }
    }

    #[test]
    fn an_own_rule_is_read_back_by_its_name_where_its_code_is_not() {
        let json = serde_json::to_string(&OWN).unwrap();
        assert_eq!(json, "\"prices-never-fall-back\"");
        assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), OWN);
        assert!(serde_json::from_str::<Rule>("\"no name\"").is_err());
    }
}
