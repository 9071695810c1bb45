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

/// The first bytes of a pcapng file.
const SECTION: &[u8] = b"\x0a\x0d\x0d\x0a";

/// How many bytes of a file are read at once, and the largest block in it: libpcap captures at most
/// 256 KiB of a packet.
const READ_BYTES: usize = 256 << 10;
const MAX_BLOCK_BYTES: usize = 4 << 20;

/// The block type of the obsolete Packet Block, which old captures have instead of the Enhanced
/// Packet Block.
const PACKET_BLOCK: u32 = 2;

/// The length of the fields before the packet in a Packet Block, in bytes.
const PACKET_BLOCK_HEAD: usize = 20;

/// The maximum number of interfaces kept of one section of a pcapng.
const MAX_INTERFACES: usize = 4_096;

/// Microseconds in a second.
const MICROS: u128 = 1_000_000;

/// A packet as it was captured.
#[derive(Debug)]
pub(super) struct Packet<'p> {
    pub(super) at: Wall,
    /// The number of its link layer (<https://www.tcpdump.org/linktypes.html>).
    pub(super) link: u32,
    /// The captured bytes, which may be fewer than were sent.
    pub(super) bytes: &'p [u8],
    /// Whether its block has a time; if not, `at` is the time of the packet before it.
    pub(super) timed: bool,
}

/// What was read next from the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A block: a packet, or something about the capture.
    Some,
    End,
    /// The file ends within a block, for example because the capturing program was killed.
    BrokenOff,
}

/// An interface that packets were captured on.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link: u32,
    /// Ticks of its clock per second.
    resolution: u128,
    /// Seconds that are added to its times.
    offset: i64,
    /// The maximum number of bytes captured of a packet; 0 for no limit.
    snapped: u32,
}

/// What is needed to read the packets of a section.
#[derive(Debug, Default)]
struct Section {
    /// The interfaces; a pcap has exactly one.
    interfaces: Vec<Interface>,
    big_endian: bool,
    /// Whether this section or one before it holds keys of encrypted connections.
    keys: bool,
}

/// A capture file, read packet by packet.
pub(super) struct Packets<'a> {
    name: String,
    reader: Box<dyn PcapReaderIterator + 'a>,
    /// Why reading the input failed: the parser does not pass the error on.
    failed: Rc<RefCell<Option<io::Error>>>,
    /// The current section of a pcapng, or the whole of a pcap.
    section: Section,
    /// The time of the last packet, for blocks that have none of their own.
    last: Wall,
    size: usize,
}

impl<'a> Packets<'a> {
    /// Opens a capture; `name` is what errors call the file.
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

    /// Whether the part read so far holds keys of encrypted connections.
    pub(super) fn have_keys(&self) -> bool {
        self.section.keys
    }

    /// Reads the next block, and passes it to `take` if it is a packet.
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
    /// The packet in a block; `None` for other kinds of blocks.
    fn packet<'p>(&mut self, block: &'p PcapBlockOwned<'_>, last: Wall) -> Option<Packet<'p>> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let nanoseconds = header.is_nanosecond_precision();
                self.interfaces.push(Interface {
                    // The upper bits describe the frame check sequence.
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
                // Bytes beyond the snapshot length are padding.
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

    /// The packet in an obsolete Packet Block.
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
        // The interface and the count of dropped packets share a word.
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

    /// The seconds in the option `if_tsoffset`, which the parser always reads as little-endian.
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
    /// A packet captured on this interface at this time.
    fn packet(self, at: Wall, bytes: &[u8]) -> Packet<'_> {
        Packet {
            at,
            link: self.link,
            bytes,
            timed: true,
        }
    }

    /// A time that a block holds in two words.
    fn ticks(self, high: u32, low: u32) -> Wall {
        self.time((u64::from(high) << 32 | u64::from(low)).into())
    }

    /// A time of the interface's clock, in ticks since 1970.
    fn time(self, units: u128) -> Wall {
        let micros = units * MICROS / self.resolution;
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        Wall::from_micros(micros.saturating_add(self.offset.saturating_mul(1_000_000)))
    }
}

/// Ticks per second by the option `if_tsresol`: a power of ten, or of two if its highest bit is
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

/// An input that fills the whole buffer at every read, except at its end. It keeps the error that
/// made a read fail.
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
