//! Reads the lines of a file, or the rows of CSV, one at a time.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use wstape_tape::MAX_LINE_BYTES;

use super::layout::LineForm;
use super::record::{Place, Record};
use crate::error::import::{ImportError, quoted};
use crate::import::kind;

/// The UTF-8 byte order mark, which some tools write.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The error for a first line that shows JSON spread over several lines.
const NOT_A_LINE_EACH: &str = "expected one message per line, found JSON over several lines; \
                               write one per line: jq -c '.[]' FILE (a list), or jq -c . FILE";

/// A file, read record by record.
pub(super) struct Rows<'a> {
    name: String,
    source: Source<'a>,
    /// The number of the line or row read last, from 1; the header row of CSV is not counted.
    number: u64,
    line: Vec<u8>,
}

enum Source<'a> {
    Lines(Box<dyn BufRead + 'a>),
    Csv {
        rows: Box<csv::Reader<Metered<'a>>>,
        /// How many bytes may still be read for the current row.
        left: Rc<Cell<usize>>,
        names: csv::StringRecord,
        row: csv::StringRecord,
    },
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        name: &str,
        form: LineForm,
        mut input: impl BufRead + 'a,
    ) -> Result<Self, ImportError> {
        let begin = input.fill_buf();
        let begin = begin.map_err(|error| ImportError::Read(name.to_owned(), error))?;
        if let Some(what) = kind::of(begin) {
            let name = name.to_owned();
            let place = Place { name, line: 1 };
            return Err(place.flaw(format!("expected one message per line, found {what}")));
        }
        let divide = divide(begin);
        if form == LineForm::Plain && is_table(name, begin, divide) {
            let name = name.to_owned();
            let place = Place { name, line: 1 };
            let columns = String::from_utf8_lossy(first_line(begin));
            return Err(place.flaw(format!(
                "expected one message per line, found a table of the columns {}; say which is the \
                 time and \
                 which the message: --layout csv --time /COLUMN --message /COLUMN",
                quoted(columns.trim())
            )));
        }
        let mut rows = Self {
            name: name.to_owned(),
            source: Source::Lines(Box::new(input)),
            number: 0,
            line: Vec::new(),
        };
        if form == LineForm::Csv {
            let Source::Lines(input) = rows.source else {
                return Ok(rows);
            };
            let left = Rc::new(Cell::new(MAX_LINE_BYTES));
            let metered = Metered {
                input,
                left: Rc::clone(&left),
            };
            let mut reader = csv::ReaderBuilder::new();
            let reader = reader.flexible(true).delimiter(divide);
            let mut reader = reader.from_reader(metered);
            let names = reader.headers().cloned();
            let names = names.map_err(|error| csv_flaw(name, 1, error))?;
            let names = names.iter().map(|n| n.trim_start_matches(BYTE_ORDER_MARK));
            rows.source = Source::Csv {
                names: names.collect(),
                rows: Box::new(reader),
                left,
                row: csv::StringRecord::new(),
            };
        }
        Ok(rows)
    }

    /// The next record; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, ImportError> {
        match &mut self.source {
            Source::Csv {
                rows,
                left,
                names,
                row,
            } => {
                left.set(MAX_LINE_BYTES);
                // Errors count rows instead of lines, as a row may have several lines. The header
                // row is row 1.
                self.number += 1;
                let line = self.number + 1;
                let read = rows.read_record(row);
                if !read.map_err(|error| csv_flaw(&self.name, line, error))? {
                    return Ok(None);
                }
                let place = Place {
                    name: self.name.clone(),
                    line,
                };
                let fields = row;
                Ok(Some(Record::Row {
                    place,
                    names,
                    fields,
                }))
            }
            Source::Lines(lines) => {
                self.line.clear();
                let mut most = lines.take(MAX_LINE_BYTES as u64 + 1);
                most.read_until(b'\n', &mut self.line)
                    .map_err(|error| ImportError::Read(self.name.clone(), error))?;
                if self.line.is_empty() {
                    return Ok(None);
                }
                self.number += 1;
                let place = Place {
                    name: self.name.clone(),
                    line: self.number,
                };
                record(place, &self.line).map(Some)
            }
        }
    }
}

fn first_line(begin: &[u8]) -> &[u8] {
    begin.split(|b| *b == b'\n').next().unwrap_or_default()
}

/// Whether a file's name is that of a table, and its first line consists of column names.
fn is_table(name: &str, begin: &[u8], divide: u8) -> bool {
    const ENDINGS: [&str; 2] = [".csv", ".tsv"];
    let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
    let of_a_name = |b: &u8| b.is_ascii_alphanumeric() || b" _-.\"\r".contains(b);
    let mut names = first_line(begin).split(|b| *b == divide);
    let several = names.clone().count() > 1;
    let letters = |name: &[u8]| name.iter().any(u8::is_ascii_alphabetic);
    let all = names.all(|name| letters(name) && name.iter().all(of_a_name));
    ENDINGS.iter().any(|ending| name.ends_with(ending)) && several && all
}

/// The column separator: whichever is most frequent in the header row, a comma or one of those that
/// spreadsheets and databases use instead.
fn divide(begin: &[u8]) -> u8 {
    let names = first_line(begin);
    let count = |byte: u8| memchr::memchr_iter(byte, names).count();
    let others = [b';', b'\t', b'|'].into_iter();
    let most = others.max_by_key(|byte| count(*byte));
    most.filter(|byte| count(*byte) > count(b','))
        .unwrap_or(b',')
}

/// Makes a record of a line.
fn record(place: Place, line: &[u8]) -> Result<Record<'_>, ImportError> {
    let first = place.line == 1;
    if line.len() > MAX_LINE_BYTES {
        let most = MAX_LINE_BYTES >> 20;
        return Err(place.flaw(format!("the line has more than {most} MiB")));
    }
    let text =
        std::str::from_utf8(line).map_err(|_| place.flaw("expected UTF-8, found other bytes"))?;
    let text = text.trim();
    let text = if first {
        text.trim_start_matches(BYTE_ORDER_MARK)
    } else {
        text
    };
    if first && matches!(text, "[" | "{" | "[{") {
        return Err(place.flaw(NOT_A_LINE_EACH));
    }
    Ok(if text.is_empty() {
        Record::Empty
    } else {
        Record::Line { place, text }
    })
}

fn csv_flaw(name: &str, line: u64, error: csv::Error) -> ImportError {
    let place = Place {
        name: name.to_owned(),
        line,
    };
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ImportError::Read(name.to_owned(), error),
        csv::ErrorKind::Utf8 { .. } => place.flaw("expected UTF-8, found other bytes"),
        _ => place.flaw("expected rows of CSV, found something else"),
    }
}

/// A stream that limits a row's length: an unpaired quote would turn everything after it into one
/// row.
struct Metered<'a> {
    input: Box<dyn BufRead + 'a>,
    left: Rc<Cell<usize>>,
}

impl Read for Metered<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(into)?;
        let Some(left) = self.left.get().checked_sub(read) else {
            let most = MAX_LINE_BYTES >> 20;
            return Err(io::Error::other(format!(
                "a row has more than {most} MiB; is a quote unpaired?"
            )));
        };
        self.left.set(left);
        Ok(read)
    }
}
