//! A tape larger than the memory it may take: shown, checked, trimmed and replayed, with the memory
//! that each takes. `cargo bench --package wstape-tests --bench large -- --mib 2048`.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use wstape::OurSubscriber;
use wstape_harness::Scenario;
use wstape_recorder::{Output, Place, Recording, Redactor, Rules, Survey, Trim};
use wstape_tape::{Micros, TapeReader};

/// Size of the tape, unless `--mib` says otherwise.
const DEFAULT_MIB: u64 = 256;
/// Microseconds from one event to the next.
const EVERY_US: u64 = 250;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let mib = match arguments.iter().position(|argument| argument == "--mib") {
        Some(at) => arguments
            .get(at + 1)
            .ok_or("--mib wants a number")?
            .parse()?,
        None => DEFAULT_MIB,
    };
    let folder = tempfile::tempdir()?;
    let tape = folder.path().join("large.jsonl");
    let end = write(&tape, mib << 20)?;
    println!("{mib} MiB, {} events, {end} s", end.0 / EVERY_US);
    println!(
        "{:<8} {:>9} {:>9} {:>14}",
        "", "seconds", "MiB/s", "peak memory"
    );

    measure("show", mib, || {
        let survey = Survey::of(TapeReader::open(&tape)?)?;
        assert_eq!(survey.duration, end);
        Ok(())
    })?;
    measure("check", mib, || {
        assert!(wstape_tape::check(TapeReader::open(&tape)?)?.ended);
        Ok(())
    })?;
    measure("trim", mib, || {
        let trim = Trim {
            from: Some(Place::At(Micros(end.0 / 4))),
            to: Some(Place::At(Micros(end.0 / 4 * 3))),
        };
        let from = trim.begin(TapeReader::open(&tape)?)?;
        let reader = TapeReader::open(&tape)?;
        let header = Trim::header(reader.header().clone(), from);
        let output = Output::whole(&folder.path().join("half.jsonl"), false)?;
        let redactor = Redactor::new(Rules::default(), [0; 32]);
        let mut recording = Recording::begin(output, header, redactor)?;
        trim.cut(from, reader, |step| recording.push(step))?;
        recording.finish()?;
        Ok(())
    })?;
    measure("replay", mib, || {
        let outcome = Scenario::from_path(&tape).run(&OurSubscriber)?;
        assert_eq!(outcome.duration, end);
        Ok(())
    })
}

/// Writes a tape of this size; returns when it ends.
fn write(path: &Path, bytes: u64) -> std::io::Result<Micros> {
    let mut out = BufWriter::new(File::create(path)?);
    let header = "{\"tape\":1,\"title\":\"large\"}\n";
    out.write_all(header.as_bytes())?;
    let mut written = header.len() as u64;
    let mut at = Micros::ZERO;
    while written < bytes {
        at.0 += EVERY_US;
        let line = format!(
            "{{\"at_ms\":{},\"emit\":{{\"event\":\"positions\",\"ts\":\"2026-04-21T19:05:36.821259+00:00\",\
             \"data\":{{\"positions\":[{{\"symbol\":\"BTC\",\"side\":\"long\",\"size\":0.5,\"entry\":64000.5,\
             \"mark\":{}.25,\"unrealized_pnl\":12.5,\"stop\":63000.0,\"target\":66000.0,\"lens_id\":\"momentum\",\
             \"age_s\":120}}],\"account_value\":10250.75,\"total_unrealized_pnl\":12.5}}}}}}\n",
            at.to_ms_text(),
            64_000 + at.0 % 997
        );
        out.write_all(line.as_bytes())?;
        written += line.len() as u64;
    }
    writeln!(out, "{{\"at_ms\":{},\"end\":true}}", at.to_ms_text())?;
    out.flush()?;
    Ok(at)
}

fn measure(
    what: &str,
    mib: u64,
    work: impl FnOnce() -> Result<(), Box<dyn std::error::Error>>,
) -> Result<(), Box<dyn std::error::Error>> {
    // Sets the high-water mark back to what is in use now (proc(5), clear_refs).
    fs::write("/proc/self/clear_refs", "5")?;
    let start = Instant::now();
    work()?;
    let seconds = start.elapsed().as_secs_f64();
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or("unknown");
    let rate = f64::from(u32::try_from(mib)?) / seconds;
    println!("{what:<8} {seconds:>9.2} {rate:>9.0} {:>14}", peak.trim());
    Ok(())
}
