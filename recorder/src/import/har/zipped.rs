//! Reads archives in a zip: a HAR with its files, as Playwright's `recordHar` writes it, or
//! Playwright's `trace.zip`, with one entry per line in its network log.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;
use zip::ZipArchive;

use super::attached::{Attached, ReadSeek, SharedZip, copy};
use super::foreign;
use crate::error::ImportError;

/// The first bytes of a zip.
const MAGIC: &[u8] = b"PK\x03\x04";

/// The type of the lines in a network log that are entries.
const SNAPSHOT: &str = "resource-snapshot";

/// The maximum size of an archive unpacked from a zip, in bytes: it is held in memory.
const MAX_TEXT_BYTES: usize = 1 << 30;

/// The type of the first line in a trace's log.
const OPTIONS: &str = "context-options";

/// The longest first line of a trace's log, in bytes.
const MAX_OPTIONS_BYTES: u64 = 1 << 20;

/// A line of a network log, or the first line of a trace's log.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    snapshot: Option<&'a RawValue>,
    #[serde(rename = "playwrightVersion")]
    version: Option<String>,
    #[serde(rename = "browserName")]
    browser: Option<String>,
}

/// Whether a file with these first bytes is a zip.
pub(in crate::import) fn is_zip(first: &[u8]) -> bool {
    first.starts_with(MAGIC)
}

/// The archive in a zip, as JSON, and where to find the files that it names. Errors call the zip
/// `name`.
pub(in crate::import) fn unzipped(
    name: &str,
    file: Option<File>,
    bytes: Vec<u8>,
) -> Result<(Vec<u8>, Attached), ImportError> {
    let flaw = |message: String| ImportError::Flaw {
        name: name.to_owned(),
        place: String::new(),
        message,
    };
    let input: Box<dyn ReadSeek> = match file {
        Some(file) => Box::new(file),
        None => Box::new(Cursor::new(bytes)),
    };
    let zip = ZipArchive::new(input);
    let mut zip = zip.map_err(|error| flaw(format!("the zip can't be read: {error}")))?;
    let names = zip.file_names().filter_map(Result::ok);
    let names: Vec<String> = names.map(Cow::into_owned).collect();
    let ends = |end: &str| {
        let mut names: Vec<&String> = names.iter().filter(|name| name.ends_with(end)).collect();
        names.sort();
        names
    };
    let (archives, logs) = (ends(".har"), ends(".network"));
    let unpacked = |zip: &mut ZipArchive<Box<dyn ReadSeek>>, file: &str| {
        let mut text = Vec::new();
        let packed = zip.by_name(file).map_err(std::io::Error::from);
        let read =
            packed.and_then(|packed| copy(packed.take(MAX_TEXT_BYTES as u64 + 1), &mut text));
        let said = |error| flaw(format!("{file} in it can't be unpacked: {error}"));
        read.map_err(said)?;
        if text.len() > MAX_TEXT_BYTES {
            return Err(flaw(format!("{file} in it unpacks to more than 1 GiB")));
        }
        Ok(text)
    };
    let (text, of) = match (archives.as_slice(), logs.as_slice()) {
        ([archive], _) => (unpacked(&mut zip, archive)?, archive.as_str()),
        ([], [first, ..]) => {
            let mut folders: Vec<&str> = logs.iter().map(|log| folder_of(log)).collect();
            folders.dedup();
            if folders.len() > 1 {
                return Err(flaw(format!(
                    "expected one trace in the zip, found {}; unpack it (unzip FILE -d FOLDER), zip the \
                     folder that is meant (cd FOLDER/…; zip -r ../trace.zip .) and import that",
                    folders.len()
                )));
            }
            let mut entries = Vec::new();
            for log in &logs {
                let log = unpacked(&mut zip, log)?;
                entries_of(&log, &mut entries);
            }
            let traces = ends(".trace");
            let options = traces.iter().find_map(|trace| options_of(&mut zip, trace));
            let unknown = || ("null".to_owned(), "null".to_owned());
            let (version, browser) = options.unwrap_or_else(unknown);
            let mut text = format!(
                r#"{{"log":{{"creator":{{"name":"Playwright","version":{version}}},"browser":{{"name":{browser}}},"entries":["#
            )
            .into_bytes();
            text.append(&mut entries);
            text.extend_from_slice(b"]}}");
            (text, first.as_str())
        }
        ([], []) => {
            let zips = ends(".zip").len();
            let within = format!(
                "{zips} in other zips, as an artifact of CI has them; unpack it (unzip FILE -d FOLDER) \
                 and import the one that is meant"
            );
            let within = (zips > 0).then_some(within.as_str());
            let found = foreign::of_zip(&names).or(within).unwrap_or("neither");
            return Err(flaw(format!(
                "expected a zip with a .har in it, or Playwright's trace.zip with its \
                 trace.network, found {found}"
            )));
        }
        (several, _) => {
            let message = format!(
                "expected one .har in the zip, found {}; unpack it (unzip FILE -d FOLDER) and \
                 import the one that is meant",
                several.len()
            );
            return Err(flaw(message));
        }
    };
    let folder = folder_of(of).to_owned();
    let zip: SharedZip = Rc::new(RefCell::new(zip));
    let name = name.to_owned();
    Ok((text, Attached::Zip { zip, name, folder }))
}

/// The folder of a file in the zip: empty, or ending in a slash.
fn folder_of(name: &str) -> &str {
    name.rfind('/').map_or("", |at| &name[..=at])
}

/// Playwright's version (empty if the line has none, as in old traces) and the browser's name, each as
/// JSON, from the first line of a trace's log.
fn options_of(zip: &mut ZipArchive<Box<dyn ReadSeek>>, trace: &str) -> Option<(String, String)> {
    let mut line = Vec::new();
    let packed = zip.by_name(trace).ok()?.take(MAX_OPTIONS_BYTES);
    BufReader::new(packed).read_until(b'\n', &mut line).ok()?;
    let line: Line<'_> = serde_json::from_slice(&line).ok()?;
    let text = |text: Option<String>| serde_json::Value::from(text.unwrap_or_default());
    (line.kind == OPTIONS).then(|| {
        let (version, browser) = (text(line.version), text(line.browser));
        (version.to_string(), browser.to_string())
    })
}

/// Appends the entries of a network log to a list's JSON. Lines that are not valid are skipped, as
/// the last one may be cut off.
fn entries_of(log: &[u8], entries: &mut Vec<u8>) {
    for line in log.split(|b| *b == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line<'_>>(line) else {
            continue;
        };
        let Some(snapshot) = line.snapshot.filter(|_| line.kind == SNAPSHOT) else {
            continue;
        };
        if !entries.is_empty() {
            entries.push(b',');
        }
        entries.extend_from_slice(snapshot.get().as_bytes());
    }
}
