//! Damaged files, drawn from a seed: what a genuine one becomes on a bad disk, a broken transfer, in
//! an editor, or in the hands of someone who means harm. The same seed gives the same file.

use std::fs;
use std::path::Path;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wstape_recorder::{Import, ImportFormat, LineForm, Lines};

/// Most changes to one file.
const MAX_CHANGES: u32 = 6;

/// Largest file that is drawn.
const MAX_FILE_BYTES: usize = 1 << 20;

/// Most bytes of a piece that is taken out, doubled or put elsewhere.
const MAX_PIECE_BYTES: usize = 512;

/// Texts that readers of numbers, JSON, netstrings and zips have stumbled over.
const PIECES: [&str; 20] = [
    "null",
    "-1",
    "0",
    "1e308",
    "9223372036854775808",
    "-0.0000001",
    "1969-12-31T23:59:59.000Z",
    "9999-12-31T23:59:59Z",
    "\"\\ud800\"",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "{\"a\":",
    "}",
    "999999999999:",
    "0:~",
    "\u{feff}",
    "\r\n",
    "\0\0\0\0",
    "PK\u{3}\u{4}",
    "PK\u{1}\u{2}",
    "../../etc/passwd",
];

/// A genuine file, and how it is imported.
pub(crate) struct Genuine {
    pub(crate) name: &'static str,
    pub(crate) format: ImportFormat,
    /// The time's place, of lines, or their form.
    time: &'static str,
    bytes: Vec<u8>,
}

/// One of each kind that is read.
pub(crate) fn genuine() -> Vec<Genuine> {
    use ImportFormat::{Capture, Har, Lines, Mitmproxy, Mockforge};
    let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs");
    [
        ("chrome.har", Har, ""),
        ("playwright-embed.har", Har, ""),
        ("mitmproxy.har", Har, ""),
        ("field/devtools-refused-1969.har", Har, ""),
        ("field/har-without-ends.har", Har, ""),
        ("field/httptoolkit-close-relative.har", Har, ""),
        ("field/playwright-trace.zip", Har, ""),
        ("mitmproxy.flows", Mitmproxy, ""),
        ("mockforge.jsonl", Mockforge, ""),
        ("field/feed-recv-ts.jsonl", Lines, "/recv_ts"),
        ("field/feed-hftbacktest.txt", Lines, "ns"),
        ("field/feed-tardis.jsonl.zst", Lines, "tardis"),
        ("field/feed.csv", Lines, "csv"),
        ("capture/lo.pcap", Capture, ""),
        ("capture/any.pcapng", Capture, ""),
    ]
    .into_iter()
    .map(|(name, format, time)| Genuine {
        name,
        format,
        time,
        bytes: fs::read(inputs.join(name)).expect(name),
    })
    .collect()
}

impl Genuine {
    /// The file of that seed.
    pub(crate) fn damaged(&self, seed: u64) -> Vec<u8> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut bytes = self.bytes.clone();
        for _ in 0..=rng.random_range(0..MAX_CHANGES) {
            change(&mut bytes, &mut rng);
        }
        bytes.truncate(MAX_FILE_BYTES);
        bytes
    }

    /// Its import, of the file at `path`.
    pub(crate) fn import(&self, path: &Path) -> Import {
        let import = Import::open(self.format, path).expect("the file was just written");
        let mut lines = Lines::default();
        match self.time {
            "" => {}
            "tardis" => lines.form = LineForm::Tardis,
            "csv" => {
                lines.form = LineForm::Csv;
                lines.time = "/ts".parse().expect("a place");
                lines.message = Some("/payload".to_owned());
            }
            time => lines.time = time.parse().expect("a place"),
        }
        import.lines(lines)
    }
}

fn change(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let at = rng.random_range(0..=bytes.len());
    let rest = bytes.len() - at;
    let length = rng.random_range(0..=rest.min(MAX_PIECE_BYTES));
    match rng.random_range(0..9) {
        // A bit of the medium.
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << rng.random_range(0..8);
            }
        }
        // A length or a time that is another.
        1 => {
            let digits = bytes[at..].iter_mut().find(|b| b.is_ascii_digit());
            if let Some(digit) = digits {
                *digit = b'0' + rng.random_range(0..10);
            }
        }
        // A transfer that broke off.
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..at + length)),
        4 => {
            let piece = bytes[at..at + length].to_vec();
            let to = rng.random_range(0..=bytes.len());
            bytes.splice(to..to, piece);
        }
        // A piece again and again.
        5 => {
            let times = 1 << rng.random_range(0..14);
            let piece = bytes[at..at + length].repeat(times);
            let room = MAX_FILE_BYTES.saturating_sub(bytes.len());
            bytes.splice(at..at, piece.into_iter().take(room));
        }
        6 => {
            let piece = PIECES[rng.random_range(0..PIECES.len())];
            bytes.splice(at..at, piece.bytes());
        }
        7 => {
            let piece = PIECES[rng.random_range(0..PIECES.len())];
            bytes.splice(at..at + length.min(16), piece.bytes());
        }
        _ => {
            let mut noise = vec![0; length];
            rng.fill_bytes(&mut noise);
            bytes.splice(at..at + length, noise);
        }
    }
}
