//! Checks that the referee finds what it should: it judges the workspace's small subscriber, as a
//! process of its own and with each of its flaws in turn, in all cases.
//!
//! ```sh
//! cargo run --package wstape-referee --example mutants
//! cargo run --package wstape-referee --example mutants -- hot-loop pong-empty --only R4,L4
//! ```
//!
//! Each flaw that shows on the wire or in the process [names](claim::claim) the cases that it
//! fails, and passes R1, L3 and P1 unless it names them. The subscriber without a flaw gets neither
//! a failure nor a warning. What was found is kept in one file per flaw: the next start goes on
//! where this one stopped, and plays only those cases again whose files have changed. The table is
//! printed at the end.
//!
//! Exit status: 0 each flaw is found where it should be; 1 one is not; 2 bad usage or input.

mod claim;
mod kept;
mod mutant;
mod table;

use std::collections::VecDeque;
use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr as _;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use parking_lot::Mutex;
use wstape_chaos::mutants::Flaw;
use wstape_referee::{
    Case, ClientCommand, Healthy, KeeperCommand, Options, Report, Stop, cases, judge, keep,
};

use self::claim::{Claim, claim};
use self::kept::{Kept, Versions};

/// The name of the subscriber without a flaw.
const NO_FLAW: &str = "no-flaw";
/// Cases of one flaw that are played at a time.
const CASES_AT_A_TIME: usize = 32;

/// Puts mutants before the referee.
#[derive(Debug, Parser)]
struct Words {
    /// These flaws (no-flaw is the unflawed one); default: all that show
    flaws: Vec<String>,
    /// Only these cases: R4, or R for all of that letter
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Play again what is known already
    #[arg(long)]
    again: bool,
    /// Flaws at a time: they mostly wait
    #[arg(long, default_value_t = 3)]
    at_a_time: usize,
    /// Play nothing: the table of what is known
    #[arg(long)]
    table: bool,
    /// Put the table between the marks of this page, too
    #[arg(long)]
    page: Option<PathBuf>,
    /// Where what was found is kept; default: the folder that the program was built in
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let done = match words.next().as_deref().and_then(|it| it.to_str()) {
        Some("client") => {
            let name = words.next().unwrap_or_default();
            let flaw = Flaw::from_str(&name.to_string_lossy()).ok();
            mutant::run(flaw).map(|()| ExitCode::SUCCESS)
        }
        Some("keep") => keep(words).map_err(Into::into),
        _ => matrix(&Words::parse()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("mutants: {error}");
        ExitCode::from(2)
    })
}

/// Returns the flaws that are asked for; `None` is the subscriber without a flaw.
fn chosen(names: &[String]) -> Result<Vec<Option<Flaw>>, String> {
    if names.is_empty() {
        let shown = |flaw: &Flaw| matches!(claim(*flaw), Claim::Shows(_));
        let flaws = Flaw::ALL.into_iter().filter(shown).map(Some);
        return Ok(std::iter::once(None).chain(flaws).collect());
    }
    let flaw_of = |name: &String| match Flaw::from_str(name) {
        Ok(flaw) => Ok(Some(flaw)),
        Err(()) if name == NO_FLAW => Ok(None),
        Err(()) => Err(format!(
            "there is no flaw {name}; `cargo chaos --mutants` lists them"
        )),
    };
    names.iter().map(flaw_of).collect()
}

/// Whether `--only` asks for this row, by its name or its letter; without `--only`, every row is
/// asked for.
fn asked_for(id: &str, only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|it| id == it || id[..1] == **it)
}

fn name(flaw: Option<Flaw>) -> &'static str {
    flaw.map_or(NO_FLAW, Flaw::name)
}

fn matrix(words: &Words) -> Result<ExitCode, Box<dyn Error>> {
    let flaws = chosen(&words.flaws)?;
    let folder = match &words.out {
        Some(folder) => folder.clone(),
        None => built_in()?.join("referee-mutants"),
    };
    let kept = Kept::open(folder)?;
    let versions = Versions::read()?;
    let all: Vec<Case> = cases()?.into_iter().filter(|it| !it.long).collect();
    if !words.table {
        let matrix = Matrix {
            words,
            kept: &kept,
            versions: &versions,
            all: &all,
            due: Mutex::new(flaws.iter().copied().collect()),
        };
        matrix.play()?;
    }
    let (table, missed) = table::of(&flaws, &kept, &versions, &words.only)?;
    print!("{table}");
    if let Some(page) = &words.page {
        table::put(page, &format!("{table}\n{}", table::hidden()))?;
    }
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns the build folder: the one above `debug/examples/mutants`.
fn built_in() -> Result<PathBuf, Box<dyn Error>> {
    let program = env::current_exe()?;
    let folder = program.ancestors().nth(3);
    Ok(folder.ok_or("the program is in no folder")?.to_owned())
}

/// Flaws that are still to be played.
struct Matrix<'a> {
    words: &'a Words,
    kept: &'a Kept,
    versions: &'a Versions,
    all: &'a [Case],
    due: Mutex<VecDeque<Option<Flaw>>>,
}

impl Matrix<'_> {
    fn play(&self) -> Result<(), Box<dyn Error>> {
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.words.at_a_time.max(1))
                .map(|_| scope.spawn(|| self.work().map_err(|error| error.to_string())))
                .collect();
            workers.into_iter().try_for_each(|it| {
                it.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                    .map_err(Into::into)
            })
        })
    }

    fn work(&self) -> Result<(), Box<dyn Error>> {
        loop {
            let Some(flaw) = self.due.lock().pop_front() else {
                return Ok(());
            };
            let cases = self.left(flaw)?;
            if cases.is_empty() {
                eprintln!("{}: all of it is known", name(flaw));
                continue;
            }
            let began = Instant::now();
            let report = referee(flaw, &cases)?;
            self.kept.add(name(flaw), &report, self.versions)?;
            let took = began.elapsed().as_secs();
            eprintln!("{}: {} rows in {took} s", name(flaw), report.rows.len());
        }
    }

    /// Returns the cases that are still to be played with this flaw in their present version.
    fn left(&self, flaw: Option<Flaw>) -> Result<Vec<Case>, Box<dyn Error>> {
        let known = self.kept.of(name(flaw))?;
        let is_left = |case: &&Case| {
            let id = case.id.to_string();
            asked_for(&id, &self.words.only)
                && (self.words.again || !known.knows(&id, self.versions))
        };
        Ok(self.all.iter().filter(is_left).cloned().collect())
    }
}

/// Judges one mutant in these cases.
fn referee(flaw: Option<Flaw>, cases: &[Case]) -> Result<Report, Box<dyn Error>> {
    let program = env::current_exe()?;
    let words = [
        program.as_os_str().to_owned(),
        "client".into(),
        name(flaw).into(),
    ];
    let options = Options {
        client: ClientCommand::new(words).ok_or("a command is missing")?,
        keeper: KeeperCommand {
            program,
            args: vec!["keep".into()],
        },
        healthy: Healthy::default(),
        jobs: Some(CASES_AT_A_TIME),
        seed: 7,
        once: false,
        ready_wait: Duration::from_secs(20),
        stop: Stop::never(),
    };
    judge(&options, cases, &|_| {}).map_err(|error| format!("{}: {error}", name(flaw)).into())
}
