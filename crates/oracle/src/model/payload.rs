//! Checks a payload against its shape. `None` always means a payload of another shape.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Number, Value};

use super::json::Node;
use super::schema::{Absent, Field, Holds, Kind, POSITIONS, REGIME, RISK, STATUS, Schema};

/// 2^64: from here on a float is beyond every whole number here.
const BEYOND_WHOLE: f64 = 18_446_744_073_709_551_616.0;

/// A value as the mirror shows it: fields in the shape's order, then the other keys, sorted.
#[derive(Debug, Clone)]
enum Shown {
    Plain(Value),
    Object(Vec<(&'static str, Shown)>, Map<String, Value>),
    Items(Vec<Shown>),
}

impl Shown {
    fn is_null(&self) -> bool {
        matches!(self, Self::Plain(Value::Null))
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(value) => value.serialize(serializer),
            Self::Items(items) => items.serialize(serializer),
            Self::Object(fields, others) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                for (key, value) in others {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// What the mirror shows for this payload, as JSON text, if it is a reading of `kind`.
pub(super) fn reading(kind: Kind, data: &Node<'_>) -> Option<String> {
    let (shown, any) = match (kind, data) {
        // Its arrival says everything.
        (Kind::Heartbeat, _) => (Shown::Plain(Value::Null), true),
        (Kind::Positions, Node::List(list)) => (bare_positions(data)?, !list.is_empty()),
        (Kind::Positions, _) => object(&POSITIONS, data)?,
        (Kind::Status, _) => object(&STATUS, data)?,
        (Kind::Risk, _) => object(&RISK, data)?,
        (Kind::Regime, _) => object(&REGIME, data)?,
    };
    any.then(|| serde_json::to_string(&shown).ok())?
}

/// Positions without an enclosing object.
fn bare_positions(list: &Node<'_>) -> Option<Shown> {
    let fields = POSITIONS.fields.iter().map(|field| {
        let value = match field.holds {
            Holds::Items(_) => value_of(&field.holds, list)?,
            _ => default_of(field),
        };
        Some((field.name, value))
    });
    Some(Shown::Object(fields.collect::<Option<_>>()?, Map::new()))
}

/// An object as the mirror shows it, and whether it has a field that makes it a reading.
fn object(schema: &Schema, node: &Node<'_>) -> Option<(Shown, bool)> {
    let Node::Object(entries) = node else {
        return None;
    };
    let mut others = Map::new();
    // What came for each field, under its name and under its alias; null counts as missing, but it
    // came.
    let mut came: Vec<[Option<Shown>; 2]> = vec![[None, None]; schema.fields.len()];
    for (key, node) in entries {
        let key = key.decode()?;
        let place = schema
            .fields
            .iter()
            .zip(&mut came)
            .find_map(|(field, came)| {
                let name = usize::from(field.alias == Some(&*key));
                (field.name == key || name == 1).then(|| (&field.holds, &mut came[name]))
            });
        // Nobody can tell which of two values of one key is meant.
        match place {
            Some((holds, place)) => {
                if place.replace(value_of(holds, node)?).is_some() {
                    return None;
                }
            }
            None if !schema.keeps_others => {}
            None => {
                if others.insert(key.into_owned(), plain(node)?).is_some() {
                    return None;
                }
            }
        }
    }
    let mut any = false;
    let mut fields = Vec::with_capacity(came.len());
    for (field, names) in schema.fields.iter().zip(came) {
        // If a name and its alias both come, the name wins.
        let value = names.into_iter().flatten().find(|value| !value.is_null());
        any |= value.is_some() && !schema.aside.contains(&field.name);
        fields.push((field.name, value.unwrap_or_else(|| default_of(field))));
    }
    Some((Shown::Object(fields, others), any))
}

/// What a field holds as the mirror shows it; `null` stays `null`.
fn value_of(holds: &Holds, node: &Node<'_>) -> Option<Shown> {
    let value = match (holds, node) {
        (_, Node::Null) => Value::Null,
        (Holds::Object(schema), node) => return Some(object(schema, node)?.0),
        (Holds::Items(schema), Node::List(list)) => {
            let items = list.iter().map(|node| {
                let (value, any) = object(schema, node)?;
                any.then_some(value)
            });
            return Some(Shown::Items(items.collect::<Option<_>>()?));
        }
        (Holds::Float, Node::Number(text)) => Value::Number(Number::from_f64(float(text)?)?),
        (Holds::Whole(least, most), Node::Number(text)) => {
            let bounds = i128::from(*least)..=i128::from(*most);
            let whole = whole(text).filter(|whole| bounds.contains(whole))?;
            Value::Number(i64::try_from(whole).ok()?.into())
        }
        (Holds::Flag, Node::Bool(flag)) => Value::Bool(*flag),
        (Holds::Text, Node::Text(text)) => Value::String(text.decode()?.into_owned()),
        (Holds::Any, node)
        | (Holds::List, node @ Node::List(_))
        | (Holds::Map, node @ Node::Object(_)) => plain(node)?,
        _ => return None,
    };
    Some(Shown::Plain(value))
}

fn default_of(field: &Field) -> Shown {
    Shown::Plain(match (field.absent, field.holds) {
        (Absent::Null, _) | (_, Holds::Any) => Value::Null,
        (Absent::Default, Holds::Float) => Value::from(0.0),
        (Absent::Default, Holds::Whole(..)) => Value::from(0),
        (Absent::Default, Holds::Flag) => Value::Bool(false),
        (Absent::Default, Holds::Text) => Value::String(String::new()),
        (Absent::Default, Holds::List | Holds::Items(_)) => Value::Array(Vec::new()),
        (Absent::Default, Holds::Map) => Value::Object(Map::new()),
        (Absent::Default, Holds::Object(schema)) => {
            let fields = schema.fields.iter();
            let fields = fields.map(|field| (field.name, default_of(field)));
            return Shown::Object(fields.collect(), Map::new());
        }
    })
}

/// Any value as it came; the last value of a duplicate key wins, as in Python.
pub(super) fn plain(node: &Node<'_>) -> Option<Value> {
    Some(match node {
        Node::Null => Value::Null,
        Node::Bool(value) => Value::Bool(*value),
        Node::Number(text) => Value::Number(number(text)?),
        Node::Text(text) => Value::String(text.decode()?.into_owned()),
        Node::List(list) => Value::Array(list.iter().map(plain).collect::<Option<_>>()?),
        Node::Object(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, node)| Some((key.decode()?.into_owned(), plain(node)?)))
                .collect::<Option<_>>()?,
        ),
        Node::TooDeep => return None,
    })
}

/// A number of the type that its text asks for: whole if it has neither point nor exponent and
/// fits.
fn number(text: &str) -> Option<Number> {
    match digits(text) {
        // The one whole number that is a float.
        Some(0) if text.starts_with('-') => Number::from_f64(-0.0),
        Some(whole) => match (u64::try_from(whole), i64::try_from(whole)) {
            (Ok(whole), _) => Some(whole.into()),
            (_, Ok(whole)) => Some(whole.into()),
            _ => Number::from_f64(float(text)?),
        },
        None => Number::from_f64(float(text)?),
    }
}

/// The nearest float; `None` if it is out of range.
fn float(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|float| float.is_finite())
}

/// The number's own digits, if it has neither point nor exponent.
fn digits(text: &str) -> Option<i128> {
    text.parse().ok()
}

/// The number as a whole number, if it is one.
fn whole(text: &str) -> Option<i128> {
    if let Some(whole) = digits(text)
        && (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&whole)
    {
        return Some(whole);
    }
    let float = float(text)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and far within i128, as the condition says"
    )]
    let whole = (float.fract() == 0.0 && float.abs() < BEYOND_WHOLE).then_some(float as i128);
    whole
}
