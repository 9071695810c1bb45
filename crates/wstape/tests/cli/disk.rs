//! Disks that fill up, write less than asked, are interrupted, or fail to sync what they took: what
//! was acknowledged plays, nothing follows a torn line, and the failure is reported.

#[path = "../../../../recorder/tests/steps/mod.rs"]
mod steps;

use std::io::{self, ErrorKind, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};

use wstape_recorder::{Fsync, Output, RecordError, Recording, Redactor, Rules, Sink};
use wstape_tape::{Header, Step, TapeReader};

/// The most bytes of a step's payload.
const PAYLOAD_BYTES: usize = 150;
/// The steps of a recording.
const STEPS: usize = 20;

/// A disk that fails in chosen ways.
#[derive(Debug, Default)]
struct Disk {
    bytes: Vec<u8>,
    /// The number of bytes after which it is full.
    room: Option<usize>,
    /// The most bytes that it takes at once.
    slice: Option<usize>,
    /// Whether every second call is interrupted before it does anything.
    interrupted: bool,
    /// The call of `sync` that fails, from 1.
    bad_sync: Option<u64>,
    calls: u64,
    syncs: u64,
    /// How many bytes there were at the latest sync.
    synced: usize,
    failed: bool,
}

#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Disk>>);

impl Shared {
    fn new(disk: Disk) -> Self {
        Self(Arc::new(Mutex::new(disk)))
    }

    fn see<T>(&self, look: impl FnOnce(&mut Disk) -> T) -> T {
        look(&mut self.0.lock().expect("no one panicked"))
    }
}

impl Disk {
    fn call(&mut self) -> io::Result<()> {
        assert!(!self.failed, "a disk that failed is asked again");
        self.calls += 1;
        if self.interrupted && self.calls.is_multiple_of(2) {
            return Err(ErrorKind::Interrupted.into());
        }
        Ok(())
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.see(|disk| {
            disk.call()?;
            let free = disk.room.map_or(usize::MAX, |room| room - disk.bytes.len());
            if free == 0 {
                disk.failed = true;
                return Err(ErrorKind::StorageFull.into());
            }
            let n = bytes.len().min(free).min(disk.slice.unwrap_or(usize::MAX));
            disk.bytes.extend_from_slice(&bytes[..n]);
            Ok(n)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Shared {
    fn sync(&mut self) -> io::Result<()> {
        self.see(|disk| {
            disk.call()?;
            disk.syncs += 1;
            if disk.bad_sync == Some(disk.syncs) {
                disk.failed = true;
                return Err(io::Error::other("the disk is gone"));
            }
            disk.synced = disk.bytes.len();
            Ok(())
        })
    }
}

fn recorded() -> Vec<Step> {
    steps::steps(2, PAYLOAD_BYTES).take(STEPS).collect()
}

/// Records all steps, `together` at a time; returns how many were acknowledged, and how it ended.
fn record(disk: &Shared, fsync: Fsync, together: usize) -> (u64, Result<(), RecordError>) {
    let output = Output::sink("disk", disk.clone()).fsync(fsync);
    let stats = output.stats();
    let redactor = Redactor::new(Rules::default(), [7; 32]);
    let run = || {
        let mut tape = Recording::begin(output, Header::new("a disk"), redactor)?;
        let all = recorded();
        for steps in all.chunks(together) {
            let mut written = steps.iter().try_for_each(|step| tape.push(step.clone()));
            written = written.and_then(|()| tape.commit());
            if let Err(error) = written {
                // After a failure everything is refused, and does not reach the disk.
                tape.write(all[0].clone()).expect_err("it failed before");
                tape.finish().expect_err("it failed before");
                return Err(error);
            }
        }
        tape.finish().map(|_| ())
    };
    let result = run();
    (stats.counts().lines, result)
}

/// Returns how many lines play, the header included; fails if they are not those recorded.
fn playable(bytes: &[u8]) -> u64 {
    if !bytes.contains(&b'\n') {
        return 0;
    }
    let mut reader = TapeReader::new("disk", bytes).expect("a whole header");
    let read: Vec<Step> = reader.by_ref().map(|step| step.expect("no flaw")).collect();
    assert_eq!(read, recorded()[..read.len()]);
    let torn = reader.torn().map_or(0, |torn| torn.bytes.len());
    let line = bytes
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    // A line that only lacks its newline counts as a step.
    assert!(torn == line.len() || torn == 0, "the torn line's length");
    1 + read.len() as u64
}

fn whole() -> Vec<u8> {
    let disk = Shared::default();
    let (lines, result) = record(&disk, Fsync::Never, 1);
    result.expect("a good disk");
    assert_eq!(lines, 1 + STEPS as u64);
    disk.see(|disk| std::mem::take(&mut disk.bytes))
}

#[test]
fn on_a_disk_that_is_full_after_any_byte_what_was_acknowledged_plays() {
    let bytes = whole();
    for room in 0..bytes.len() {
        let disk = Shared::new(Disk {
            room: Some(room),
            ..Disk::default()
        });
        let (lines, result) = record(&disk, Fsync::Never, 1 + room % 5);
        let said = result.expect_err("it is full").to_string();
        let sentence = match lines {
            0 => "disk: no storage space".to_owned(),
            _ => format!(
                "disk: no storage space; the recording ends here, and its {lines} lines before \
                 that play"
            ),
        };
        assert_eq!(said, sentence, "room for {room}");
        let there = disk.see(|disk| std::mem::take(&mut disk.bytes));
        assert_eq!(there, bytes[..room]);
        assert!(playable(&there) >= lines, "room for {room}");
    }
}

#[test]
fn a_disk_that_writes_short_and_is_interrupted_gets_the_same_tape() {
    let bytes = whole();
    for slice in [1, 2, 7, 4096] {
        let disk = Shared::new(Disk {
            slice: Some(slice),
            interrupted: true,
            ..Disk::default()
        });
        let (_, result) = record(&disk, Fsync::Always, 3);
        result.expect("it takes everything in the end");
        disk.see(|disk| {
            assert_eq!(disk.bytes, bytes, "{slice} bytes at once");
            assert_eq!(disk.synced, bytes.len());
        });
    }
}

#[test]
fn a_disk_that_takes_nothing_more_without_an_error_is_said() {
    let disk = Shared::new(Disk {
        slice: Some(0),
        ..Disk::default()
    });
    let said = record(&disk, Fsync::Never, 1)
        .1
        .expect_err("nothing is taken");
    assert_eq!(said.to_string(), "disk: failed to write whole buffer");
}

#[test]
fn what_could_not_be_forced_to_the_disk_is_not_acknowledged_and_ends_the_recording() {
    for bad_sync in 1..=STEPS as u64 {
        let disk = Shared::new(Disk {
            bad_sync: Some(bad_sync),
            ..Disk::default()
        });
        let (lines, result) = record(&disk, Fsync::Always, 1);
        // The header and each earlier step were forced to disk, one by one.
        assert_eq!(lines, bad_sync - 1);
        let said = result.expect_err("it can't be forced").to_string();
        assert!(said.starts_with("disk: the disk is gone"), "{said}");
        disk.see(|disk| {
            assert_eq!(disk.syncs, bad_sync, "a failed sync is not tried again");
            assert_eq!(playable(&disk.bytes[..disk.synced]), lines);
        });
    }
}

#[test]
fn each_way_of_forcing_to_the_disk_does_what_it_says() {
    for (fsync, together, syncs) in [
        (Fsync::Never, 1, 0),
        // Without a clock, only at the end.
        (Fsync::default(), 1, 1),
        // The header and each batch; nothing is left for the end.
        (Fsync::Always, 1, 1 + STEPS as u64),
        (Fsync::Always, 4, 1 + STEPS as u64 / 4),
    ] {
        let disk = Shared::default();
        record(&disk, fsync, together).1.expect("a good disk");
        assert_eq!(disk.see(|disk| disk.syncs), syncs, "{fsync:?}, {together}");
    }
}

#[test]
fn a_file_system_that_fills_ends_the_recording_with_status_2_and_what_is_there_plays() {
    // A small file system in a namespace of its own, which goes away with the process.
    let script = r#"
        mount -t tmpfs -o size=64k tmpfs "$FOLDER" || exit 77
        "$RECORDER" trim "$TAPE" --to 1h --out "$FOLDER/trimmed.jsonl"
        echo "trim $?"; ls -A "$FOLDER"
        "$RECORDER" tap ws://127.0.0.1:1/ws --out "$FOLDER/tap.jsonl" --for 1ms; echo "tap $?"
        head -c 1m /dev/zero > "$FOLDER/filler"
        "$RECORDER" tap ws://127.0.0.1:1/ws --out "$FOLDER/full.jsonl" --for 1m; echo "full $?"
    "#;
    let folder = tempfile::tempdir().expect("a folder");
    let tape = folder.path().join("large.jsonl");
    let mut text = b"{\"tape\":1}\n".to_vec();
    for step in steps::steps(3, 4096).take(600) {
        text.extend_from_slice(step.to_line().as_bytes());
        text.push(b'\n');
    }
    assert!(text.len() > 128 << 10, "more than there is room for");
    std::fs::write(&tape, text).expect("a file");
    let mounted = folder.path().join("mounted");
    std::fs::create_dir(&mounted).expect("a folder");
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script])
        .env("FOLDER", &mounted)
        .env("TAPE", &tape)
        .env("RECORDER", env!("CARGO_BIN_EXE_wstape"))
        .output();
    let output = match output {
        Ok(output) if output.status.code() == Some(0) => output,
        other => {
            eprintln!("not tested, as no file system may be mounted here: {other:?}");
            return;
        }
    };
    let (done, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(done, "trim 2\ntap 1\nfull 2\n", "{said}");
    let said: Vec<&str> = said.lines().collect();
    assert!(
        said[0].contains("trimmed.jsonl: No space left on device"),
        "{said:?}"
    );
    assert!(
        said.last()
            .is_some_and(|said| said.contains("full.jsonl: No space left")),
        "{said:?}"
    );
}
