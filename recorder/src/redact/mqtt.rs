//! Redacts MQTT over WebSocket: the packet with which a client connects.

use super::login::LOGIN;
use super::registry::SecretRegistry;

/// The type and flags of CONNECT (MQTT 5, 3.1.1).
const CONNECT: u8 = 0x10;

/// Flags of CONNECT (MQTT 5, 3.1.2.3).
const USER_NAME: u8 = 0x80;
const PASSWORD: u8 = 0x40;
const WILL: u8 = 0x04;

/// The first version with properties.
const WITH_PROPERTIES: u8 = 5;

/// A packet's bytes, and how many of them were read.
struct Packet<'p> {
    bytes: &'p [u8],
    at: usize,
}

impl<'p> Packet<'p> {
    fn take(&mut self, count: usize) -> Option<&'p [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    /// Takes a field and the length before it.
    fn field(&mut self) -> Option<&'p [u8]> {
        let length = self.take(2)?;
        self.take(usize::from(u16::from_be_bytes([length[0], length[1]])))
    }

    /// Takes a number of one to four bytes (MQTT 5, 1.5.5).
    fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

/// Redacts the user name and password in a packet; `None` if it is another packet or has neither.
pub(super) fn redact(bytes: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let mut packet = Packet { bytes, at: 0 };
    if packet.byte()? != CONNECT {
        return None;
    }
    let length = packet.number()?;
    let body = packet.at;
    if !matches!(packet.field()?, b"MQTT" | b"MQIsdp") {
        return None;
    }
    let (version, flags) = (packet.byte()?, packet.byte()?);
    let _keep_alive = packet.take(2)?;
    if version >= WITH_PROPERTIES {
        let properties = packet.number()?;
        packet.take(properties)?;
    }
    let _client = packet.field()?;
    if flags & WILL != 0 {
        if version >= WITH_PROPERTIES {
            let properties = packet.number()?;
            packet.take(properties)?;
        }
        let (_topic, _payload) = (packet.field()?, packet.field()?);
    }
    let kept = packet.at;
    let mut clean = bytes.get(body..kept)?.to_vec();
    let mut any = false;
    for flag in [USER_NAME, PASSWORD] {
        if flags & flag != 0 {
            let value = packet.field()?;
            any |= !value.is_empty();
            let placeholder = secrets.text(value, LOGIN);
            let length = u16::try_from(placeholder.len()).ok()?;
            clean.extend(length.to_be_bytes());
            clean.extend_from_slice(placeholder.as_bytes());
        }
    }
    // Bytes after the packet are kept.
    let behind = bytes.get(body.checked_add(length)?..)?;
    let mut out = vec![CONNECT];
    let mut rest = clean.len();
    loop {
        let low = u8::try_from(rest & 0x7f).ok()?;
        rest >>= 7;
        out.push(if rest > 0 { low | 0x80 } else { low });
        if rest == 0 {
            break;
        }
    }
    out.extend(clean);
    out.extend_from_slice(behind);
    any.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap();
        [&length.to_be_bytes()[..], text.as_bytes()].concat()
    }

    fn connect(version: u8, user: &str, password: &str) -> Vec<u8> {
        let mut body = field("MQTT");
        body.extend([version, USER_NAME | PASSWORD | WILL | 2, 0, 60]);
        if version == 5 {
            body.push(0);
        }
        body.extend(field("client-1"));
        if version == 5 {
            body.push(0);
        }
        body.extend([field("will"), field("gone"), field(user), field(password)].concat());
        [vec![CONNECT, u8::try_from(body.len()).unwrap()], body].concat()
    }

    #[test]
    fn user_and_password_become_placeholders_and_the_packet_stays_one() {
        for version in [4, 5] {
            let mut secrets = SecretRegistry::new(&[1; 32]);
            let placeholder =
                |secrets: &mut SecretRegistry, text: &str| secrets.text(text.as_bytes(), LOGIN);
            let packet = [connect(version, "ada", "pw"), vec![0xc0, 0]].concat();
            let clean = redact(&packet, &mut secrets).unwrap();
            let (user, password) = (
                placeholder(&mut secrets, "ada"),
                placeholder(&mut secrets, "pw"),
            );
            let expected = [connect(version, &user, &password), vec![0xc0, 0]].concat();
            assert_eq!(clean, expected);
            // Redacting it again changes nothing.
            assert_eq!(
                redact(&clean, &mut secrets).unwrap_or_else(|| clean.clone()),
                clean
            );
        }
    }

    #[test]
    fn what_is_no_such_packet_or_torn_is_left() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let whole = connect(4, "ada", "pw");
        for length in 0..whole.len() {
            assert_eq!(redact(&whole[..length], &mut secrets), None, "{length}");
        }
        assert_eq!(redact(&[0x30, 2, 0, 0], &mut secrets), None);
        assert_eq!(redact(b"\x10\xff\xff\xff\xff\xff", &mut secrets), None);
    }
}
