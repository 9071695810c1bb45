//! Which bytes may appear where in the head of an answer (RFC 9112, 2.2, 4 and 5; RFC 9110, 5.5).

/// The start of the first line, whatever the version.
const PROTOCOL: &[u8] = b"HTTP/1.";

/// Where in a head the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the first line, after this many bytes, up to its reason phrase.
    Status(usize),
    Reason,
    /// In a field's name, after this many bytes of it.
    Name(usize),
    Value,
}

/// Checks that each byte of a head is legal in its place. With an illegal one, the reader may
/// choose: refuse the head as soon as it comes, or carry on as if it were not there.
#[derive(Debug, Clone)]
pub(super) struct Grammar {
    place: Place,
    behind_cr: bool,
    is_broken: bool,
}

impl Default for Grammar {
    fn default() -> Self {
        Self {
            place: Place::Status(0),
            behind_cr: false,
            is_broken: false,
        }
    }
}

impl Grammar {
    /// Whether an illegal byte has come.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Starts over, because another head follows.
    pub(super) fn begins_again(&mut self) {
        self.place = Place::Status(0);
        self.behind_cr = false;
    }

    /// Takes the next byte.
    pub(super) fn push(&mut self, byte: u8) {
        let was_cr = std::mem::replace(&mut self.behind_cr, byte == b'\r');
        let fits = match byte {
            b'\n' => self.ends_line(),
            // A CR alone does not end a line, and is not allowed in one.
            _ if was_cr => false,
            b'\r' => true,
            byte => self.takes(byte),
        };
        self.is_broken |= !fits;
    }

    /// Ends the line; returns whether it may end here.
    fn ends_line(&mut self) -> bool {
        let status_digits = PROTOCOL.len() + 5;
        match std::mem::replace(&mut self.place, Place::Name(0)) {
            Place::Status(behind) => behind == status_digits,
            Place::Name(behind) => behind == 0,
            Place::Reason | Place::Value => true,
        }
    }

    /// Takes a byte that ends no line; returns whether it is legal here.
    fn takes(&mut self, byte: u8) -> bool {
        match self.place {
            Place::Status(behind) => {
                let (fits, next) = in_status_line(behind, byte);
                self.place = next;
                fits
            }
            Place::Name(1..) if byte == b':' => {
                self.place = Place::Value;
                true
            }
            Place::Name(behind) => {
                self.place = Place::Name(behind + 1);
                is_token(byte)
            }
            // HTAB, SP, VCHAR and obs-text.
            Place::Reason | Place::Value => byte == b'\t' || (byte >= b' ' && byte != 0x7f),
        }
    }
}

/// `HTTP/1.1 503 `: whether this byte may follow that many, and where the next one is.
fn in_status_line(behind: usize, byte: u8) -> (bool, Place) {
    let next = Place::Status(behind + 1);
    match behind.checked_sub(PROTOCOL.len()) {
        None => (byte == PROTOCOL[behind], next),
        Some(0) => (matches!(byte, b'0' | b'1'), next),
        Some(1) => (byte == b' ', next),
        Some(2) => (matches!(byte, b'1'..=b'9'), next),
        Some(3 | 4) => (byte.is_ascii_digit(), next),
        Some(_) => (byte == b' ', Place::Reason),
    }
}

/// The characters of a field's name (RFC 9110, 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The index of the byte that shows that something is illegal.
    fn broken_at(head: &[u8]) -> Option<usize> {
        let mut grammar = Grammar::default();
        head.iter().position(|byte| {
            grammar.push(*byte);
            grammar.is_broken()
        })
    }

    #[test]
    fn a_head_as_it_may_be_is_broken_nowhere() {
        for head in [
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nx-1!:\tany value\u{e9}\r\n\r\n",
            "HTTP/1.0 200\r\n\r\n",
            "HTTP/1.1 503 \r\nA:\r\n\r\n",
            "HTTP/1.1 302 Found\nLocation: /x\n\n",
        ] {
            assert_eq!(broken_at(head.as_bytes()), None, "{head:?}");
        }
    }

    #[test]
    fn what_may_not_stand_in_a_head_is_found_at_its_byte() {
        for (head, at) in [
            ("SSH-2.0", 0),
            ("HTTP/2 200", 5),
            ("HTTP/1.1 5O3 x", 10),
            ("HTTP/1.1 50\r\n", 12),
            ("HTTP/1.1 099", 9),
            ("HTTP/1.1 503 Bu\u{1}sy\r\n", 15),
            ("HTTP/1.1 503 Bu\rsy\r\n", 16),
            ("HTTP/1.1 200 x\r\n: nameless\r\n", 16),
            ("HTTP/1.1 200 x\r\nno field\r\n", 18),
            ("HTTP/1.1 200 x\r\nfield\r\n", 22),
            ("HTTP/1.1 200 x\r\na: b\u{7f}\r\n", 20),
            ("HTTP/1.1 200 x\r\na: b\r\n\r\u{b}", 23),
        ] {
            assert_eq!(broken_at(head.as_bytes()), Some(at), "{head:?}");
        }
    }
}
