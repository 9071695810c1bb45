//! `wstape referee`: a verdict on any client that reconnects.

mod everywhere;
mod out;
mod questions;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use clap::Args;
use wstape_referee::{
    Case, CaseId, Changes, ClientCommand, Expected, Healthy, HealthyError, KeeperCommand, Options,
    Progress, RefereeError, Report, Stop, Verdict, cases, cases_in, judge,
};

use self::out::OutDir;
use super::exit::{bad_input, print};
use super::interrupted::Interrupted;
use super::remedy;
use super::say::{counted, say};

/// Nothing was judged.
const NOT_JUDGED: u8 = 3;
/// The verb that keeps a client's processes; see [`Keep`].
pub(crate) const KEEP: &str = "keep-client";

/// The default healthy tape.
const HEALTHY: &str = "events";

/// Options of `referee`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Put `--` before a client that has options of its own: wstape referee --only R4 -- node client.mjs \
--quiet

The client learns where to connect from its environment: ENGINE_URL, ENGINE_HTTP_URL, ENGINE_TOKEN; \
{url} in its arguments is replaced by ENGINE_URL. NO_PROXY names this machine, so that no proxy \
is used.

Exit status: 0 no case failed, or with --expect none changed; 1 one did; 2 bad usage or input; 3 \
nothing was judged, because the client never got ready; 130 or 143 ended by Ctrl-C or SIGTERM: the \
verdicts so far are printed and written, with what was not judged."
)]
pub(crate) struct Referee {
    #[command(subcommand)]
    question: Option<questions::Question>,
    /// How the engine behaves when all is well: the name of a built-in tape, or a tape file
    #[arg(long, value_name = "TAPE", default_value = HEALTHY)]
    healthy: String,
    /// Play only these cases: R4, or R for all cases of that letter
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    /// Play your own cases, from this folder, instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Cases to play at the same time, at most. Default: as many as memory allows
    #[arg(long, value_name = "N", value_parser = jobs)]
    jobs: Option<NonZeroU16>,
    #[command(flatten)]
    extent: Extent,
    /// File of expected verdicts: only a change fails
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Write the verdicts to the file of --expect
    #[arg(long, requires = "expect")]
    accept: bool,
    /// Write index.html, results.json, junit.xml and ctrf.json into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seed for the random tokens
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// List the cases without playing any
    #[arg(long, conflicts_with_all = ["out", "expect"])]
    list: bool,
    /// The command that starts the client, such as python3 client.py
    #[arg(value_name = "CLIENT")]
    command: Vec<OsString>,
    /// The same, if it has options of its own
    #[arg(last = true, value_name = "CLIENT")]
    behind: Vec<OsString>,
}

/// How much is asked.
#[derive(Debug, Clone, Copy, Args)]
struct Extent {
    /// Also play the cases that take ten minutes
    #[arg(long)]
    long: bool,
    /// The client makes one connection and never reconnects: skip what needs a reconnect
    #[arg(long)]
    once: bool,
}

/// Keeps a client's processes for `referee`, and ends them with it.
#[derive(Debug, Args)]
pub(crate) struct Keep {
    /// The client's command
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

impl Keep {
    pub(crate) fn run(self) -> ExitCode {
        match wstape_referee::keep(self.command) {
            Ok(status) => status,
            Err(error) => bad_input(&error),
        }
    }
}

impl Referee {
    pub(crate) fn run(self) -> ExitCode {
        let all = match self.cases.as_deref().map_or_else(cases, cases_in) {
            Ok(all) => all,
            Err(error) => return bad_input(&error),
        };
        if let Some(question) = &self.question {
            return question.answer(&all);
        }
        let chosen = match choose(all, &self.only, self.extent.long) {
            Ok(chosen) => chosen,
            Err(error) => return bad_input(&error),
        };
        if self.list {
            return print(&list(&chosen));
        }
        match self.judge(&chosen) {
            Ok(status) => status,
            Err(error) => bad_input(&error),
        }
    }

    fn judge(self, cases: &[Case]) -> Result<ExitCode, Box<dyn std::error::Error>> {
        let expected = match &self.expect {
            Some(path) if !self.accept => Some(out::read_expected(path)?),
            _ => None,
        };
        // Before anything is written: report a missing client first.
        self.client()?;
        let out = self.out.as_deref().map(OutDir::create).transpose()?;
        let again = self.options_again();
        let (stopper, stop) = Stop::pair();
        let options = self.options(stop)?;
        let interrupted = Interrupted::listen("referee", move || stopper.stop())?;
        let (began, since) = (SystemTime::now(), Instant::now());
        let mut report = match judge(&options, cases, &tell()) {
            Ok(report) => report,
            Err(error @ RefereeError::NotStarted { .. }) => return Ok(bad_input(&error)),
            Err(error @ RefereeError::Interrupted) => {
                eprintln!("wstape: {error}");
                return Ok(interrupted.status().unwrap_or(NOT_JUDGED).into());
            }
            Err(RefereeError::NotReady { what, printed }) => {
                eprintln!("wstape: nothing was judged: {what}");
                if !printed.is_empty() {
                    eprintln!("It printed:\n{}", printed.trim_end());
                }
                return Ok(NOT_JUDGED.into());
            }
            Err(error) => return Err(error.into()),
        };
        if interrupted.get() && io::stderr().is_terminal() {
            // The line of progress was not the last one, so nothing has ended it.
            eprintln!();
        }
        report.options = again;
        let took_s = since.elapsed().as_secs_f64();
        let changes = expected.map(|it| it.changes(&report));
        // If the verdicts can't be printed, the files, which took minutes to play for, are written
        // all the same.
        let told = say(&told(&report, changes.as_ref(), took_s));
        if let Some(out) = &out {
            out.write(&report, changes.as_ref(), began)?;
        }
        out::summarise(|| report.summary(changes.as_ref()))?;
        if let Some(path) = self.expect.filter(|_| self.accept) {
            if let Some(rest) = report.rest() {
                let path = path.display();
                eprintln!("wstape: {path} is as it was: not all was judged; the rest: {rest}");
            } else {
                out::write_expected(&path, &Expected::of(&report))?;
            }
        }
        told?;
        if let Some(out) = out {
            say(&format!("report: {}\n", out.page().display()))?;
        }
        if let Some(status) = interrupted.status() {
            return Ok(status.into());
        }
        Ok(match changes {
            Some(changes) if changes.is_empty() => ExitCode::SUCCESS,
            Some(_) => ExitCode::FAILURE,
            None => status(&report, self.accept),
        })
    }

    fn healthy(&self) -> Result<Healthy, Box<dyn std::error::Error>> {
        Healthy::find(&self.healthy).map_err(|error| match error {
            HealthyError::Tape(error) => remedy::of_tape(&error).into(),
            other => other.into(),
        })
    }

    fn client(&self) -> Result<ClientCommand, &'static str> {
        ClientCommand::new(self.command.iter().chain(&self.behind).cloned()).ok_or(
            "no client given; put the command that starts it last: wstape referee -- python3 \
             client.py",
        )
    }

    /// The options that a second run of some of these cases also needs.
    fn options_again(&self) -> String {
        let healthy = (self.healthy != HEALTHY).then(|| format!("--healthy {} ", self.healthy));
        let cases = self.cases.as_ref();
        let cases = cases.map(|folder| format!("--cases {} ", folder.display()));
        let long = self.extent.long.then(|| "--long ".to_owned());
        let once = self.extent.once.then(|| "--once ".to_owned());
        [healthy, cases, long, once].into_iter().flatten().collect()
    }

    fn options(&self, stop: Stop) -> Result<Options, Box<dyn std::error::Error>> {
        Ok(Options {
            client: self.client()?,
            keeper: KeeperCommand {
                program: std::env::current_exe()?,
                args: vec![KEEP.into()],
            },
            healthy: self.healthy()?,
            jobs: self.jobs.map(|jobs| usize::from(jobs.get())),
            seed: self.seed,
            once: self.extent.once,
            ready_wait: Options::READY_WAIT,
            stop,
        })
    }
}

/// The verdicts, how long they took, and what to do next.
fn told(report: &Report, changes: Option<&Changes>, took_s: f64) -> String {
    let one_by_one_s = report.one_by_one_s();
    let took = if one_by_one_s > took_s {
        format!(
            "in {took_s:.0} s; one after another, the runs would have taken {one_by_one_s:.0} s\n"
        )
    } else {
        format!("in {took_s:.0} s\n")
    };
    let next = report.next_step(changes).map(|next| format!("{next}\n"));
    let rest = report.rest();
    let rest = rest.map(|rest| format!("what was not judged: {rest}\n"));
    let parts = [
        Some(report.lines()),
        Some(took),
        changes.map(changed),
        next,
        rest,
    ];
    parts.into_iter().flatten().collect()
}

/// What differs from the expected verdicts, and how to accept it.
fn changed(changes: &Changes) -> String {
    if changes.is_empty() {
        return "as expected\n".to_owned();
    }
    format!("not as expected (the same command with --accept accepts the new verdicts):\n{changes}")
}

fn status(report: &Report, accepted: bool) -> ExitCode {
    if report.worst() == Verdict::Fail && !accepted {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Prints one line per run on standard error while it goes on.
fn tell() -> impl Fn(Progress) + Sync {
    let is_terminal = io::stderr().is_terminal();
    move |progress| match progress {
        Progress::Begun { runs, jobs } => {
            let runs = counted(runs, "run", "runs");
            eprintln!("the client connects; {runs}, {jobs} at a time");
        }
        Progress::Ran {
            name,
            verdict,
            done,
            of,
        } => {
            let line = format!("{done:>3}/{of} {verdict:<5}{name}");
            if is_terminal {
                // Over the previous line: the report repeats all of it.
                eprint!("\r\x1b[K{line}");
                if done == of {
                    eprintln!();
                }
            } else {
                eprintln!("{line}");
            }
        }
        _ => {}
    }
}

/// The requested cases: by name, or by a letter for all with it.
fn choose(all: Vec<Case>, only: &[String], long: bool) -> Result<Vec<Case>, String> {
    for name in only {
        if name.is_empty() {
            return Err(
                "--only has an empty name; expected names such as R4,E2, or letters".to_owned(),
            );
        }
        let is_letter = name.len() == 1;
        let known = all.iter().any(|case| named(case.id, name));
        let asked = everywhere::explained(name);
        if let Some(asked) = asked.or_else(|| everywhere::first_of(name).filter(|_| !known)) {
            let id = asked.id;
            return Err(format!(
                "{id} is not a case of its own: every case asks it, such as --only E2"
            ));
        }
        if !known {
            // Says whether it is no name at all, or a name that no case has.
            if !is_letter {
                name.parse::<CaseId>()?;
            }
            return Err(format!(
                "there is no case {name}; `wstape referee --list` lists them"
            ));
        }
    }
    let is_asked = |case: &Case| only.is_empty() || only.iter().any(|name| named(case.id, name));
    let wanted = |case: &Case| is_asked(case) && (long || !case.long);
    if !only.is_empty() && !all.iter().any(wanted) {
        return Err(format!("{} takes ten minutes; add --long", only.join(",")));
    }
    Ok(all.into_iter().filter(wanted).collect())
}

fn named(id: CaseId, name: &str) -> bool {
    let id = id.to_string();
    id.eq_ignore_ascii_case(name) || (name.len() == 1 && id[..1].eq_ignore_ascii_case(name))
}

/// How many cases at a time, as an option says it.
fn jobs(text: &str) -> Result<NonZeroU16, String> {
    let number = text.parse();
    number.map_err(|_| format!("expected a number from 1 to {}", u16::MAX))
}

fn list(cases: &[Case]) -> String {
    let line = |case: &Case| format!("{:<4} {}: {}\n", case.id, case.title, case.what);
    cases.iter().map(line).collect()
}
