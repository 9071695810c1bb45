//! The keywords of JSON Schema (2020-12) that the schema of the tape uses, and no others.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::Regex;
use serde_json::{Map, Value};

/// Keywords that only inform a person.
const ANNOTATIONS: [&str; 5] = ["$schema", "$defs", "$comment", "title", "description"];

/// Whether `value` is valid by `schema`, whose references are looked up in `root`.
///
/// # Panics
/// If a schema has a keyword that this does not know.
pub(crate) fn valid(root: &Value, schema: &Value, value: &Value) -> bool {
    let schema = match schema {
        Value::Bool(all) => return *all,
        Value::Object(schema) => schema,
        other => panic!("no schema: {other}"),
    };
    let holds =
        |(keyword, said): (&String, &Value)| keyword_holds(root, schema, keyword, said, value);
    schema.iter().all(holds)
}

fn keyword_holds(
    root: &Value,
    schema: &Map<String, Value>,
    keyword: &str,
    said: &Value,
    value: &Value,
) -> bool {
    let is = |schema: &Value| valid(root, schema, value);
    let list = || said.as_array().unwrap().iter();
    let number = || value.as_f64();
    match keyword {
        "$ref" => is(root
            .pointer(said.as_str().unwrap().strip_prefix('#').unwrap())
            .unwrap()),
        "type" => type_holds(said.as_str().unwrap(), value),
        "const" => said == value,
        "enum" => list().any(|one| one == value),
        "oneOf" => list().filter(|one| is(one)).count() == 1,
        "anyOf" => list().any(is),
        "allOf" => list().all(is),
        "not" => !is(said),
        "minimum" => number().is_none_or(|number| number >= said.as_f64().unwrap()),
        "maximum" => number().is_none_or(|number| number <= said.as_f64().unwrap()),
        "exclusiveMinimum" => number().is_none_or(|number| number > said.as_f64().unwrap()),
        "maxLength" => value
            .as_str()
            .is_none_or(|text| text.chars().count() as u64 <= said.as_u64().unwrap()),
        "pattern" => value
            .as_str()
            .is_none_or(|text| fits(said.as_str().unwrap(), text)),
        "items" => value
            .as_array()
            .is_none_or(|items| items.iter().all(|item| valid(root, said, item))),
        _ if ANNOTATIONS.contains(&keyword) => true,
        _ => value
            .as_object()
            .is_none_or(|object| member_holds(root, schema, keyword, said, object)),
    }
}

/// A keyword about the members of an object.
fn member_holds(
    root: &Value,
    schema: &Map<String, Value>,
    keyword: &str,
    said: &Value,
    object: &Map<String, Value>,
) -> bool {
    let has = |key: &Value| object.contains_key(key.as_str().unwrap());
    let named = |keyword: &str| schema.get(keyword).and_then(Value::as_object);
    let by_pattern = |key: &str| by_pattern(schema, key);
    match keyword {
        "required" => said.as_array().unwrap().iter().all(has),
        "properties" => {
            let known = object
                .iter()
                .filter_map(|(key, value)| Some((said.get(key)?, value)));
            known
                .into_iter()
                .all(|(schema, value)| valid(root, schema, value))
        }
        "patternProperties" => object.iter().all(|(key, value)| {
            by_pattern(key)
                .into_iter()
                .all(|schema| valid(root, schema, value))
        }),
        "additionalProperties" => {
            let known = |key: &str| {
                named("properties").is_some_and(|named| named.contains_key(key))
                    || !by_pattern(key).is_empty()
            };
            object
                .iter()
                .filter(|(key, _)| !known(key))
                .all(|(_, value)| valid(root, said, value))
        }
        "dependentRequired" => {
            let mut present = said
                .as_object()
                .unwrap()
                .iter()
                .filter(|(key, _)| object.contains_key(*key));
            present.all(|(_, needed)| needed.as_array().unwrap().iter().all(has))
        }
        "dependentSchemas" => {
            let whole = Value::Object(object.clone());
            let mut present = said
                .as_object()
                .unwrap()
                .iter()
                .filter(|(key, _)| object.contains_key(*key));
            present.all(|(_, schema)| valid(root, schema, &whole))
        }
        other => panic!("a keyword that the tests don't know: {other}"),
    }
}

fn type_holds(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => {
            value.as_u64().is_some() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        other => panic!("no type: {other}"),
    }
}

/// The schemas of the patterns that a key fits.
fn by_pattern<'s>(schema: &'s Map<String, Value>, key: &str) -> Vec<&'s Value> {
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    let patterns = patterns.into_iter().flatten();
    let fitting = patterns.filter(|(pattern, _)| fits(pattern, key));
    fitting.map(|(_, schema)| schema).collect()
}

thread_local! {
    /// Each pattern, compiled once.
    static PATTERNS: RefCell<HashMap<String, Regex>> = RefCell::default();
}

fn fits(pattern: &str, text: &str) -> bool {
    PATTERNS.with_borrow_mut(|patterns| {
        let compiled = patterns.entry(pattern.to_owned());
        let compiled = compiled.or_insert_with(|| Regex::new(pattern).unwrap());
        compiled.is_match(text)
    })
}
