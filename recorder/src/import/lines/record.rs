//! Finds the time and the message in a line, or in a row of CSV.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;
use wstape_tape::pointer_key;

use super::layout::{LineForm, Lines};
use super::time::{self, LineTime};
use crate::error::import::{ImportError, quoted};
use crate::import::wall::Wall;

/// The error for a line of JSON that is cut off.
const TORN: &str = "the line of JSON is cut off: its recorder was still writing or was stopped; \
                    leave the line out: head -n -1 FILE | wstape import lines - …";

/// What to do about a file with all messages in one list.
const LIST: &str = "this is a list of messages; write one per line: jq -c '.[]' FILE";

/// How to convert the rows of a table to messages, each an object of its columns.
const AS_JSON: &str = "python3 -c 'import csv,json,sys; [print(json.dumps(r)) for r in \
                       csv.DictReader(sys.stdin)]' < FILE > NEW.jsonl";

/// The line number of the first row after the header row.
const FIRST_ROW: u64 = 2;

/// The place of a record, for errors.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) name: String,
    /// The line's number, from 1.
    pub(super) line: u64,
}

impl Place {
    pub(super) fn flaw(&self, message: impl Into<String>) -> ImportError {
        ImportError::Flaw {
            name: self.name.clone(),
            place: format!(":{}", self.line),
            message: message.into(),
        }
    }
}

/// A line or row of a file.
#[derive(Debug)]
pub(super) enum Record<'t> {
    /// An empty line.
    Empty,
    Line {
        place: Place,
        text: &'t str,
    },
    Row {
        place: Place,
        /// The header row.
        names: &'t csv::StringRecord,
        fields: &'t csv::StringRecord,
    },
}

impl Record<'_> {
    /// Returns its time and its message; `unsaid` is the time to use if it has none.
    pub(super) fn read(&self, layout: &Lines, unsaid: Wall) -> Result<(Wall, String), ImportError> {
        match self {
            Self::Line { place, text } if layout.form == LineForm::Tardis => tardis(place, text),
            Self::Line { place, text } => line(place, text, layout, unsaid),
            Self::Row { .. } => self.row(layout, unsaid),
            Self::Empty => Ok((unsaid, String::new())),
        }
    }

    fn row(&self, layout: &Lines, unsaid: Wall) -> Result<(Wall, String), ImportError> {
        let Self::Row { place, names, .. } = self else {
            return Ok((unsaid, String::new()));
        };
        let Some(pointer) = &layout.message else {
            let names: Vec<String> = names.iter().map(|name| format!("/{name}")).collect();
            let message = format!(
                "expected --message to name the column of the messages; the columns are {}; if \
                 there is no such column, convert the table to JSON first: {AS_JSON}",
                names.join(", ")
            );
            return Err(place.flaw(message));
        };
        let at = match &layout.time {
            LineTime::None => unsaid,
            LineTime::At(pointer) => moment(place, pointer, &self.column(pointer)?)?,
            _ => {
                let message = "expected --time to name a column, such as /timestamp, or none; \
                               found a unit";
                return Err(place.flaw(message));
            }
        };
        Ok((at, self.column(pointer)?))
    }

    /// Returns what a pointer leads to in a row; its first token names the column.
    fn column(&self, pointer: &str) -> Result<String, ImportError> {
        let Self::Row {
            place,
            names,
            fields,
        } = self
        else {
            return Ok(String::new());
        };
        let mut tokens = pointer.split('/').skip(1).map(pointer_key);
        let column = tokens.next().unwrap_or_default();
        let by_name = names.iter().position(|name| name.trim() == column);
        let field = by_name.or_else(|| column.parse().ok());
        let first = field.filter(|_| by_name.is_none() && place.line == FIRST_ROW);
        if first
            .and_then(|at| names.get(at))
            .is_some_and(|name| time::any(name.trim()).is_some())
        {
            return Err(place.flaw(format!(
                "expected a header row, found a time at {pointer}; add one: sed '1i time,message' \
                 FILE > NEW.csv"
            )));
        }
        let field = field.and_then(|at| fields.get(at)).ok_or_else(|| {
            let all: Vec<&str> = names.iter().collect();
            place.flaw(format!(
                "expected a column {column:?}, found {}",
                quoted(&all.join(", "))
            ))
        })?;
        let rest: Vec<String> = tokens.collect();
        if rest.is_empty() {
            return Ok(field.to_owned());
        }
        within(place, pointer, field, &rest)
    }
}

/// Reads a line in Tardis' format.
fn tardis(place: &Place, text: &str) -> Result<(Wall, String), ImportError> {
    const TIME: &str = "/localTimestamp";
    if text.starts_with('{') {
        let at = moment(place, TIME, &at_pointer(place, TIME, text)?)?;
        return Ok((at, at_pointer(place, "/message", text)?));
    }
    let (at, rest) = time::split_date(text).ok_or_else(|| {
        place.flaw(format!(
            "expected a date, a space and a message, or {{\"localTimestamp\", \"message\"}}, \
             as Tardis has them, found {}",
            quoted(text)
        ))
    })?;
    Ok((at, rest.to_owned()))
}

fn line(
    place: &Place,
    text: &str,
    layout: &Lines,
    unsaid: Wall,
) -> Result<(Wall, String), ImportError> {
    let behind = |what: &str| {
        let found = quoted(text);
        let instead = instead_of_prefix(text);
        place.flaw(format!(
            "expected {what}, a space and a message, found {found}; {instead}"
        ))
    };
    let (at, text) = match (&layout.time, layout.time.before_message()) {
        (LineTime::At(pointer), _) => {
            let found = at_pointer(place, pointer, text)?;
            (moment(place, pointer, &found)?, text)
        }
        (LineTime::Date, _) => {
            let dated = time::split_date(text);
            dated.ok_or_else(|| behind("a date and time (RFC 3339)"))?
        }
        (_, Some((parse, unit))) => {
            let (at, first, rest) = time::split(text, parse).ok_or_else(|| behind(unit))?;
            if let Some(meant) = time::other_unit(first, at) {
                let message =
                    format!("expected {unit}, found {first:?}, which must be --time {meant}");
                return Err(place.flaw(message));
            }
            (at, rest)
        }
        (_, None) => (unsaid, text),
    };
    let payload = match &layout.message {
        Some(pointer) => at_pointer(place, pointer, text)?,
        None => text.to_owned(),
    };
    Ok((at, payload))
}

/// What to do about a line that does not begin with a time.
fn instead_of_prefix(text: &str) -> &'static str {
    if text.trim_start().starts_with('{') {
        "if the time is in the JSON, say where: --time /NAME"
    } else {
        "leave out the lines without a time, or ignore all times: --time none --every 100ms"
    }
}

fn moment(place: &Place, pointer: &str, found: &str) -> Result<Wall, ImportError> {
    time::any(found.trim()).ok_or_else(|| {
        let what = instead_of_time(pointer, found.trim());
        let found = quoted(found);
        place.flaw(format!(
            "expected a time since 1970 or a date at {pointer}, found {found}; {what}"
        ))
    })
}

/// What to do about a value that should be a time but is not.
fn instead_of_time(pointer: &str, found: &str) -> String {
    if found.starts_with('[') {
        return LIST.to_owned();
    }
    if found.starts_with('{') {
        return format!("extend the pointer into it: {pointer}/NAME");
    }
    // The number may count from the start of the recording or of the program.
    if found.parse::<f64>().is_ok_and(|number| number >= 0.0) {
        let path = path(pointer);
        return format!(
            "if it counts from another start, put the number before the line and give its unit: \
             jq -r '\"\\(.{path}) \\(tojson)\"' FILE | wstape import lines - --time s (or ms, us, ns)"
        );
    }
    "leave out the lines without one, or ignore all times: --time none --every 100ms".to_owned()
}

/// Returns the value at a pointer in a line: the content of a string, or other JSON unchanged.
fn at_pointer(place: &Place, pointer: &str, text: &str) -> Result<String, ImportError> {
    let tokens: Vec<String> = pointer.split('/').skip(1).map(pointer_key).collect();
    within(place, pointer, text, &tokens)
}

fn within(
    place: &Place,
    pointer: &str,
    text: &str,
    tokens: &[String],
) -> Result<String, ImportError> {
    let mut rest: &RawValue = serde_json::from_str(text).map_err(|error| {
        if error.is_eof() {
            return place.flaw(TORN);
        }
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        let what = instead_of_json(tokens, text, said);
        place.flaw(format!(
            "expected a line of JSON, found something else: {said}{what}"
        ))
    })?;
    for (at, token) in tokens.iter().enumerate() {
        // The string itself may hold JSON: recorders often store a feed's message as a string.
        if let Some(inner) = inner(rest) {
            return within(place, pointer, &inner, &tokens[at..]);
        }
        let next = member(rest, token);
        rest = next.ok_or_else(|| {
            let what = without(pointer, text);
            place.flaw(format!("expected a value at {pointer}, found none; {what}"))
        })?;
    }
    Ok(match serde_json::from_str(rest.get()) {
        Ok(Value::String(text)) => text,
        _ => rest.get().to_owned(),
    })
}

/// What to do about a line that is not JSON, if known.
fn instead_of_json(tokens: &[String], text: &str, said: &str) -> &'static str {
    const DIVIDES: [char; 4] = [',', ';', '\t', '|'];
    let mut columns = text
        .split(DIVIDES)
        .map(|name| name.trim().trim_matches('"'));
    if columns.any(|name| tokens.first().is_some_and(|token| token == name)) {
        "; this is the row of names of a table: --layout csv"
    } else if said == "trailing characters" && text.starts_with(['{', '[']) {
        "; if a line holds several values, write one per line: jq -c . FILE"
    } else {
        ""
    }
}

/// The object or list that a string holds as JSON text.
fn inner(value: &RawValue) -> Option<String> {
    let text: String =
        serde_json::from_str(value.get().starts_with('"').then(|| value.get())?).ok()?;
    let holds = text.trim_start().starts_with(['{', '[']);
    (holds && serde_json::from_str::<&RawValue>(&text).is_ok()).then_some(text)
}

/// What to do about a line without a value at a pointer.
fn without(pointer: &str, text: &str) -> String {
    if text.starts_with("[{") {
        return LIST.to_owned();
    }
    let path = path(pointer);
    format!(
        "leave out the lines without it, such as acknowledgements: jq -c 'select(.{path}?)' FILE"
    )
}

/// Converts a pointer to a jq path, without the dot at its start.
fn path(pointer: &str) -> String {
    let names = pointer.split('/').skip(1).map(pointer_key);
    let index = |name: &String| name.parse::<u32>().is_ok();
    names
        .map(|name| {
            if index(&name) {
                format!("[{name}]")
            } else {
                format!("[{name:?}]")
            }
        })
        .collect()
}

/// A member of an object or list, as unparsed JSON.
fn member<'t>(value: &'t RawValue, token: &str) -> Option<&'t RawValue> {
    let text = value.get();
    if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        return items.get(token.parse::<usize>().ok()?).copied();
    }
    let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    members.remove(token)
}
