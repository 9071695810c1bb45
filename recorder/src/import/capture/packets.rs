//! The packets of a capture file, one at a time.

use std::cell::RefCell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{
    Block, InterfaceDescriptionBlock, LegacyPcapReader, OptionCode, PcapBlockOwned, PcapError,
    PcapNGReader, SectionHeaderBlock, UnknownBlock,
};

use crate::error::ImportError;
use crate::import::kind;
use crate::import::wall::Wall;

/// What a pcapng begins with.
const SECTION: &[u8] = b"\x0a\x0d\x0d\x0a";

/// Bytes of a file read at once, and most bytes of one block in it: libpcap takes packets of at
/// most 256 KiB.
const READ_BYTES: usize = 256 << 10;
const MAX_BLOCK_BYTES: usize = 4 << 20;

/// Number of the Packet Block, which the Enhanced Packet Block has replaced: old captures have it.
const PACKET_BLOCK: u32 = 2;

/// What stands in such a block before the packet.
const PACKET_BLOCK_HEAD: usize = 20;

/// Most interfaces that one section of a pcapng describes.
const MAX_INTERFACES: usize = 4_096;

/// Microseconds in a second.
const MICROS: u128 = 1_000_000;

/// A packet as it was captured.
#[derive(Debug)]
pub(super) struct Packet<'p> {
    pub(super) at: Wall,
    /// The number of its link layer (<https://www.tcpdump.org/linktypes.html>).
    pub(super) link: u32,
    /// What was captured of it, which may be less than was sent.
    pub(super) bytes: &'p [u8],
    /// Its block says when it was captured; otherwise `at` is the time of the one before it.
    pub(super) timed: bool,
}

/// What comes next in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A packet, or something about the capture.
    Some,
    End,
    /// Its last packet is torn, for example because the capturing program was killed.
    BrokenOff,
}

/// An interface that packets were captured on.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link: u32,
    /// Units of its clock in a second.
    resolution: u128,
    /// Seconds that are added to its times.
    offset: i64,
    /// Most bytes that were kept of a packet; 0 for all.
    snapped: u32,
}

/// What the packets of a section are read by.
#[derive(Debug, Default)]
struct Section {
    /// One for a pcap.
    interfaces: Vec<Interface>,
    big_endian: bool,
    /// It, or one before it, holds keys of encrypted connections.
    keys: bool,
}

/// A capture file, read packet by packet.
pub(super) struct Packets<'a> {
    name: String,
    reader: Box<dyn PcapReaderIterator + 'a>,
    /// Why the input could not be read, which the parser does not pass on.
    failed: Rc<RefCell<Option<io::Error>>>,
    /// The current one of a pcapng.
    section: Section,
    /// Of the packet before, for blocks that say no time.
    last: Wall,
    size: usize,
}

impl<'a> Packets<'a> {
    /// Of a file that is called so in errors.
    pub(super) fn open(name: &str, mut input: Box<dyn BufRead + 'a>) -> Result<Self, ImportError> {
        let read = |error| ImportError::Read(name.to_owned(), error);
        let begin = input.fill_buf().map_err(read)?;
        let next_generation = begin.starts_with(SECTION);
        let empty = begin.is_empty().then_some("an empty file");
        let found = kind::of(begin).filter(|_| !next_generation);
        let found = found.or(empty).unwrap_or(
            "something else; Wireshark's editcap can convert many formats: editcap -F pcapng \
             FILE NEW.pcapng",
        );
        let failed = Rc::new(RefCell::new(None));
        let input = Whole {
            input,
            failed: Rc::clone(&failed),
        };
        let reader: Result<Box<dyn PcapReaderIterator + 'a>, _> = if next_generation {
            PcapNGReader::new(READ_BYTES, input).map(|reader| Box::new(reader) as _)
        } else {
            LegacyPcapReader::new(READ_BYTES, input).map(|reader| Box::new(reader) as _)
        };
        if let Some(error) = failed.borrow_mut().take() {
            return Err(ImportError::Read(name.to_owned(), error));
        }
        let reader = reader.map_err(|_| ImportError::Flaw {
            name: name.to_owned(),
            place: String::new(),
            message: format!("expected a capture (pcap or pcapng), found {found}"),
        })?;
        Ok(Self {
            name: name.to_owned(),
            reader,
            failed,
            section: Section::default(),
            last: Wall::ZERO,
            size: READ_BYTES,
        })
    }

    /// Whether what was read so far holds keys of encrypted connections.
    pub(super) fn have_keys(&self) -> bool {
        self.section.keys
    }

    /// Passes on the next packet, if the next block is one.
    pub(super) fn next(&mut self, take: impl FnOnce(Packet<'_>)) -> Result<Next, ImportError> {
        let at_byte = self.reader.consumed();
        loop {
            let mut refill = false;
            match self.reader.next() {
                Ok((length, block)) => {
                    let packet = self.section.packet(&block, self.last);
                    if let Some(packet) = packet {
                        self.last = packet.at;
                        take(packet);
                    }
                    drop(block);
                    self.reader.consume(length);
                    return Ok(Next::Some);
                }
                Err(PcapError::Eof) => return Ok(Next::End),
                Err(PcapError::UnexpectedEof) => return Ok(Next::BrokenOff),
                Err(PcapError::Incomplete(_)) => refill = true,
                Err(PcapError::BufferTooSmall) if self.size < MAX_BLOCK_BYTES => {}
                Err(PcapError::BufferTooSmall) => {
                    let most = MAX_BLOCK_BYTES >> 20;
                    let message = format!("a block of more than {most} MiB");
                    return Err(self.flaw(at_byte, &message));
                }
                Err(_) => return Err(self.flaw(at_byte, "something else")),
            }
            if !refill {
                self.size *= 2;
                self.reader.grow(self.size);
            }
            let before = self.reader.data().len();
            let refilled = self.reader.refill().is_ok();
            if let Some(error) = self.failed.borrow_mut().take() {
                return Err(ImportError::Read(self.name.clone(), error));
            }
            if !refilled || (self.reader.data().len() == before && !self.reader.reader_exhausted())
            {
                return Err(self.flaw(at_byte, "something else"));
            }
        }
    }

    fn flaw(&self, at_byte: usize, found: &str) -> ImportError {
        ImportError::Flaw {
            name: self.name.clone(),
            place: format!(": at byte {at_byte}"),
            message: format!(
                "expected a packet, found {found}; the file is damaged here; editcap FILE \
                 NEW.pcapng (Wireshark) keeps what comes before"
            ),
        }
    }
}

impl Section {
    /// The packet of a block; `None` for a block of another kind.
    fn packet<'p>(&mut self, block: &'p PcapBlockOwned<'_>, last: Wall) -> Option<Packet<'p>> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let nanoseconds = header.is_nanosecond_precision();
                self.interfaces.push(Interface {
                    // The bits above are of its checksums.
                    link: header.network.0.cast_unsigned() & 0xffff,
                    resolution: if nanoseconds { 1_000 * MICROS } else { MICROS },
                    offset: 0,
                    snapped: 0,
                });
                None
            }
            PcapBlockOwned::Legacy(packet) => {
                let interface = self.interfaces.first()?;
                let units = u128::from(packet.ts_sec) * interface.resolution;
                let at = interface.time(units + u128::from(packet.ts_usec));
                Some(interface.packet(at, packet.data))
            }
            PcapBlockOwned::NG(Block::SectionHeader(header)) => {
                *self = Self {
                    interfaces: Vec::new(),
                    big_endian: SectionHeaderBlock::big_endian(header),
                    keys: self.keys,
                };
                None
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(described)) => {
                if self.interfaces.len() < MAX_INTERFACES {
                    self.interfaces.push(Interface {
                        link: described.linktype.0.unsigned_abs(),
                        resolution: resolution(described.if_tsresol),
                        offset: self.offset(described),
                        snapped: described.snaplen,
                    });
                }
                None
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let interface = self.interface(packet.if_id)?;
                let at = interface.ticks(packet.ts_high, packet.ts_low);
                Some(interface.packet(at, packet.packet_data()))
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                let interface = self.interface(0)?;
                let mut bytes = packet.packet_data();
                // What is beyond the snapshot length fills up the block.
                let snapped = usize::try_from(interface.snapped).unwrap_or(usize::MAX);
                if snapped > 0 {
                    bytes = &bytes[..bytes.len().min(snapped)];
                }
                Some(Packet {
                    timed: false,
                    ..interface.packet(last, bytes)
                })
            }
            PcapBlockOwned::NG(Block::DecryptionSecrets(_)) => {
                self.keys = true;
                None
            }
            PcapBlockOwned::NG(Block::Unknown(block)) => self.old_packet(block),
            PcapBlockOwned::NG(_) => None,
        }
    }

    fn interface(&self, number: u32) -> Option<&Interface> {
        self.interfaces.get(usize::try_from(number).ok()?)
    }

    /// The packet of a Packet Block.
    fn old_packet<'p>(&self, block: &UnknownBlock<'p>) -> Option<Packet<'p>> {
        let word = |at: usize| self.word(block.data.get(at..at + 4)?);
        let number = if self.big_endian {
            block.block_type.swap_bytes()
        } else {
            block.block_type
        };
        if number != PACKET_BLOCK {
            return None;
        }
        // The interface and a count of drops share a word.
        let halves = word(0)?;
        let interface = if self.big_endian {
            halves >> 16
        } else {
            halves & 0xffff
        };
        let interface = self.interface(interface)?;
        let at = interface.ticks(word(4)?, word(8)?);
        let bytes = block.data.get(PACKET_BLOCK_HEAD..)?;
        let captured = usize::try_from(word(12)?).ok()?;
        Some(interface.packet(at, bytes.get(..captured)?))
    }

    fn word(&self, bytes: &[u8]) -> Option<u32> {
        let bytes = bytes.try_into().ok()?;
        Some(if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    /// The seconds of the option `if_tsoffset`, which the parser takes to be little-endian.
    fn offset(&self, described: &InterfaceDescriptionBlock<'_>) -> i64 {
        let mut options = described.options.iter();
        let option = options.find(|option| option.code == OptionCode::IfTsoffset);
        let bytes = option.and_then(|option| option.as_bytes().ok()?.try_into().ok());
        match bytes {
            None => 0,
            Some(bytes) if self.big_endian => i64::from_be_bytes(bytes),
            Some(bytes) => i64::from_le_bytes(bytes),
        }
    }
}

impl Interface {
    /// What was captured on it at that time.
    fn packet(self, at: Wall, bytes: &[u8]) -> Packet<'_> {
        Packet {
            at,
            link: self.link,
            bytes,
            timed: true,
        }
    }

    /// A time in two words of a block.
    fn ticks(self, high: u32, low: u32) -> Wall {
        self.time((u64::from(high) << 32 | u64::from(low)).into())
    }

    /// A time of its clock, in units since 1970.
    fn time(self, units: u128) -> Wall {
        let micros = units * MICROS / self.resolution;
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        Wall::from_micros(micros.saturating_add(self.offset.saturating_mul(1_000_000)))
    }
}

/// Units in a second by the option `if_tsresol`: a power of ten, or of two where its first bit is
/// set.
fn resolution(option: u8) -> u128 {
    const MAX_EXPONENT: u32 = 38;
    let exponent = u32::from(option & 0x7f).min(MAX_EXPONENT);
    if option & 0x80 == 0 {
        10_u128.pow(exponent)
    } else {
        1 << exponent
    }
}

/// An input whose reads are short only at its end. Why it failed stays here.
struct Whole<'a> {
    input: Box<dyn BufRead + 'a>,
    failed: Rc<RefCell<Option<io::Error>>>,
}

impl Read for Whole<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            match self.input.read(&mut into[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let kind = error.kind();
                    *self.failed.borrow_mut() = Some(error);
                    return Err(kind.into());
                }
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clocks_units_are_powers_of_ten_or_of_two() {
        for (option, units, micros) in [
            (6, 1_764_027_164_123_456_u128, 1_764_027_164_123_456_i64),
            (9, 1_764_027_164_123_456_789, 1_764_027_164_123_456),
            (3, 1_764_027_164_123, 1_764_027_164_123_000),
            (0x8a, 1_764_027_164 * 1024 + 512, 1_764_027_164_500_000),
            (0xbf, 0, 0),
            (127, u128::from(u64::MAX), 0),
        ] {
            let interface = Interface {
                link: 1,
                resolution: resolution(option),
                offset: 0,
                snapped: 0,
            };
            assert_eq!(interface.time(units), Wall::from_micros(micros), "{option}");
        }
    }
}
