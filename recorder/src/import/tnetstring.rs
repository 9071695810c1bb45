//! Reads typed netstrings, `LENGTH:PAYLOAD` and a type byte, as mitmproxy writes its flows.
//!
//! Lengths come before payloads, so payloads that are not needed are skipped: a file of any size is
//! read through one small window in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

/// How many bytes of the input a reader holds at once.
const WINDOW_BYTES: usize = 16 << 10;

/// The maximum number of digits in a length; mitmproxy has the same limit.
const MAX_LENGTH_DIGITS: u64 = 12;

/// An input that can be read at any position.
pub(super) trait ReadAt {
    /// Reads into `buffer` from `offset` on. Returns the number of bytes read, 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..))
            .unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// Why a value can't be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The input can't be read.
    Io(io::Error),
    /// There is no valid value at this offset.
    Wrong {
        /// Offset in the input.
        at: u64,
        /// What was expected and found.
        message: String,
    },
    /// The input ends before the end of a value.
    Truncated {
        /// Offset where the value begins.
        at: u64,
        /// The length that the value should have, if known.
        needed: Option<u64>,
    },
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bytes,
    Text,
    Integer,
    Float,
    Bool,
    Null,
    List,
    Dict,
}

impl Kind {
    fn of(tag: u8) -> Option<Self> {
        Some(match tag {
            b',' => Self::Bytes,
            b';' => Self::Text,
            b'#' => Self::Integer,
            b'^' => Self::Float,
            b'!' => Self::Bool,
            b'~' => Self::Null,
            b']' => Self::List,
            b'}' => Self::Dict,
            _ => return None,
        })
    }

    /// The type's name in an error.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Text => "a text",
            Self::Integer => "an integer",
            Self::Float => "a float",
            Self::Bool => "a bool",
            Self::Null => "null",
            Self::List => "a list",
            Self::Dict => "a dict",
        }
    }
}

/// A value: its type, and where its payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: Kind,
    /// The offset of the payload.
    pub(super) start: u64,
    /// The offset after the payload, where the type byte is.
    pub(super) end: u64,
}

impl Item {
    /// The offset after the value.
    pub(super) fn next(self) -> u64 {
        self.end + 1
    }

    /// The length of the payload in bytes.
    pub(super) fn len(self) -> u64 {
        self.end - self.start
    }
}

/// Reads values from an input that several readers share.
pub(super) struct Reader {
    input: Rc<dyn ReadAt>,
    /// The length of the input in bytes.
    len: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl Reader {
    /// A reader of an input of `len` bytes.
    pub(super) fn new(input: Rc<dyn ReadAt>, len: u64) -> Self {
        Self {
            input,
            len,
            window: Vec::new(),
            window_at: 0,
        }
    }

    /// Another reader of the same input. It takes no memory until it reads.
    pub(super) fn another(&self) -> Self {
        Self::new(Rc::clone(&self.input), self.len)
    }

    /// The length of the input in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The byte at an offset below [`len`](Self::len).
    fn byte(&mut self, at: u64) -> Result<u8, Fault> {
        let within = |reader: &Self| {
            let index = usize::try_from(at.checked_sub(reader.window_at)?).ok()?;
            reader.window.get(index).copied()
        };
        if let Some(byte) = within(self) {
            return Ok(byte);
        }
        self.window.resize(WINDOW_BYTES, 0);
        let read = self.fill(at);
        let count = *read.as_ref().unwrap_or(&0);
        self.window.truncate(count);
        self.window_at = at;
        read?;
        // The file may have shrunk since its length was taken.
        within(self).ok_or(Fault::Truncated { at, needed: None })
    }

    fn fill(&mut self, at: u64) -> Result<usize, Fault> {
        loop {
            match self.input.read_at(&mut self.window, at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(Fault::Io),
            }
        }
    }

    /// The value that begins at `at` and ends at or before `limit`.
    pub(super) fn item(&mut self, at: u64, limit: u64) -> Result<Item, Fault> {
        // A value that reaches beyond its container is wrong; one that reaches beyond the file is
        // cut off.
        let is_top = limit == self.len;
        let cut = |needed: Option<u64>| {
            if is_top {
                Fault::Truncated { at, needed }
            } else {
                let message = "a value that is longer than the one around it".to_owned();
                Fault::Wrong { at, message }
            }
        };
        let (mut length, mut place) = (0_u64, at);
        loop {
            if place >= limit {
                return Err(cut(None));
            }
            let byte = self.byte(place)?;
            place += 1;
            match byte {
                b'0'..=b'9' if place - at <= MAX_LENGTH_DIGITS => {
                    length = length * 10 + u64::from(byte - b'0');
                }
                b':' if place - at > 1 => break,
                _ => {
                    let message = "no length of a value".to_owned();
                    return Err(Fault::Wrong { at, message });
                }
            }
        }
        let (start, end) = (place, place + length);
        if end >= limit {
            return Err(cut(Some(end + 1 - at)));
        }
        let tag = self.byte(end)?;
        let kind = Kind::of(tag).ok_or_else(|| {
            let message = format!("a value of the unknown type {:?}", char::from(tag));
            Fault::Wrong { at, message }
        })?;
        Ok(Item { kind, start, end })
    }

    /// The payload of a value, which must not exceed `most` bytes.
    pub(super) fn payload(&mut self, item: Item, most: usize) -> Result<Vec<u8>, Fault> {
        let len = usize::try_from(item.len()).unwrap_or(usize::MAX);
        if len > most {
            let message = format!("{len} bytes, but at most {most} are read");
            return Err(Fault::Wrong {
                at: item.start,
                message,
            });
        }
        let mut payload = vec![0; len];
        let mut filled = 0;
        while filled < len {
            let at = item.start + filled as u64;
            // A short payload is read through the window, a long one directly.
            if len - filled <= WINDOW_BYTES {
                self.byte(at)?;
                let from = usize::try_from(at - self.window_at).unwrap_or_default();
                let rest = &self.window[from..];
                let count = rest.len().min(len - filled);
                payload[filled..filled + count].copy_from_slice(&rest[..count]);
                filled += count;
                continue;
            }
            match self.input.read_at(&mut payload[filled..], at) {
                Ok(0) => return Err(Fault::Truncated { at, needed: None }),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::Io(error)),
            }
        }
        Ok(payload)
    }

    /// The members of a dict with these names, in the order of `names`. Of duplicates the last
    /// counts, as in Python.
    pub(super) fn members<const N: usize>(
        &mut self,
        dict: Item,
        names: [&str; N],
    ) -> Result<[Option<Item>; N], Fault> {
        let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
        let mut found = [None; N];
        let mut at = dict.start;
        while at < dict.end {
            let key = self.item(at, dict.end)?;
            let value = self.item(key.next(), dict.end)?;
            at = value.next();
            if !matches!(key.kind, Kind::Bytes | Kind::Text) {
                let message = format!("a key that is {}", key.kind.name());
                return Err(Fault::Wrong {
                    at: key.start,
                    message,
                });
            }
            if key.len() <= longest as u64 {
                let name = self.payload(key, longest)?;
                if let Some(which) = names.iter().position(|n| n.as_bytes() == name) {
                    found[which] = Some(value);
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reader(bytes: &[u8]) -> Reader {
        Reader::new(Rc::new(bytes.to_vec()), bytes.len() as u64)
    }

    /// Collects all values nested in a value.
    fn walk(
        reader: &mut Reader,
        item: Item,
        found: &mut Vec<(Kind, Vec<u8>)>,
    ) -> Result<(), Fault> {
        if !matches!(item.kind, Kind::List | Kind::Dict) {
            found.push((item.kind, reader.payload(item, 1 << 20)?));
            return Ok(());
        }
        let mut at = item.start;
        while at < item.end {
            let inner = reader.item(at, item.end)?;
            walk(reader, inner, found)?;
            at = inner.next();
        }
        Ok(())
    }

    #[test]
    fn values_are_found_in_their_places() {
        let text = b"38:3:one,1:1#5:three;16:3:1.5^4:true!0:~]}";
        let mut reader = reader(text);
        let dict = reader.item(0, reader.len()).unwrap();
        assert_eq!((dict.kind, dict.next()), (Kind::Dict, text.len() as u64));
        let [three, none] = reader.members(dict, ["three", "two"]).unwrap();
        assert!(none.is_none());
        let mut found = Vec::new();
        walk(&mut reader, three.unwrap(), &mut found).unwrap();
        let expected = [
            (Kind::Float, b"1.5".to_vec()),
            (Kind::Bool, b"true".to_vec()),
            (Kind::Null, Vec::new()),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_payload_longer_than_the_window_is_read_whole() {
        let payload: Vec<u8> = (0..=u8::MAX).cycle().take(3 * WINDOW_BYTES + 7).collect();
        let mut text = format!("{}:", payload.len()).into_bytes();
        text.extend_from_slice(&payload);
        text.push(b',');
        let mut reader = reader(&text);
        let item = reader.item(0, reader.len()).unwrap();
        assert_eq!(reader.payload(item, payload.len()).unwrap(), payload);
        assert!(matches!(reader.payload(item, 5), Err(Fault::Wrong { .. })));
    }

    #[test]
    fn what_is_no_value_is_told_from_what_the_end_cuts() {
        let mut table = vec![
            (&b"5:hello"[..], true),
            (b"5:hel", true),
            (b"5", true),
            (b"", true),
        ];
        table.extend([
            (&b":x,"[..], false),
            (b"x", false),
            (b"1:x?", false),
            (b"1234567890123:", false),
            (b"-1:x,", false),
        ]);
        for (text, truncated) in table {
            let mut reader = reader(text);
            match reader.item(0, reader.len()) {
                Err(Fault::Truncated { .. }) => assert!(truncated, "{text:?}"),
                Err(Fault::Wrong { .. }) => assert!(!truncated, "{text:?}"),
                other => panic!("{text:?}: {other:?}"),
            }
        }
        // The inner value is longer than the list that contains it.
        let mut reader = reader(b"4:9:ab]3:abc,");
        let list = reader.item(0, 7).unwrap();
        let inner = reader.item(list.start, list.end);
        assert!(matches!(inner, Err(Fault::Wrong { .. })), "{inner:?}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(
            prop_oneof![Just(b':'), Just(b','), Just(b']'), Just(b'}'), b'0'..=b'9', any::<u8>()],
            0..200,
        )) {
            let mut reader = reader(&bytes);
            let mut at = 0;
            while let Ok(item) = reader.item(at, reader.len()) {
                let _ = walk(&mut reader, item, &mut Vec::new());
                let _ = reader.members(item, ["a", "version"]);
                at = item.next();
            }
        }
    }
}
