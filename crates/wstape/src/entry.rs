//! Puts any subscriber under all the tests of this program.

use std::env;
use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use libtest_mimic::{Arguments, Failed, Trial as Test};
use wstape_chaos::{HANG_AFTER, broken_rules};
use wstape_harness::{Subject, Suite, Trial, note_panics, panic_message};

use crate::cmd;
use crate::cmd::fixtures::fixtures_with;
use crate::cmd::replay::accept_command;

/// The folder of tapes that chaos found; its rules judge them too.
const REGRESSIONS: &str = "regressions/";

/// Puts a subscriber under test.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo test --test NAME --")]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Plays tapes to the subscriber in virtual time and compares each outcome with its snapshot.
    Replay(cmd::replay::Replay),
    /// Generates bad sessions from seeds, plays them in virtual time and checks them against rules.
    Chaos(Box<cmd::chaos::Chaos>),
}

/// The `main` of a test target with `harness = false`: puts `subject` under test.
///
/// Without a verb it is a test runner as `cargo test` and `cargo nextest` expect one: every tape in
/// the folder `fixtures` beside or above the package is a test, its outcome compared with a
/// snapshot in insta's format (`cargo insta review` works). With one of these verbs after `--` it
/// does what the program's verb of that name does, with this subscriber:
///
/// | verb | what it does |
/// | --- | --- |
/// | `replay` | plays tapes, shows departures; `--accept`, `--overlay`, `--real` |
/// | `accept` | `replay --accept` |
/// | `chaos` | plays drawn bad sessions and judges them; `--seeds`, `--shard`, `--junit` |
/// | `mutants` | whether chaos finds what it should |
///
/// ```no_run
/// # use std::process::ExitCode;
/// # async fn follow(_url: String) {}
/// fn main() -> ExitCode {
///     wstape::main(&wstape::subject(|stage| follow(stage.url)))
/// }
/// ```
pub fn main<S: Subject + Clone + 'static>(subject: &S) -> ExitCode {
    let subject: Arc<dyn Subject> = Arc::new(subject.clone());
    let mut arguments: Vec<OsString> = env::args_os().collect();
    let verb = arguments.get(1).and_then(|verb| verb.to_str());
    let verb: &[&str] = match verb {
        Some("replay") => &["replay"],
        Some("accept") => &["replay", "--accept"],
        Some("chaos") => &["chaos"],
        Some("mutants") => &["chaos", "--mutants"],
        Some("help") => &["help"],
        _ => return test(&subject),
    };
    arguments.splice(1..2, verb.iter().map(OsString::from));
    match Args::parse_from(arguments).verb {
        Verb::Replay(replay) => replay.run(&subject),
        Verb::Chaos(chaos) => chaos.run(&subject),
    }
}

/// Runs every tape of the fixtures as a test.
fn test(subject: &Arc<dyn Subject>) -> ExitCode {
    let arguments = Arguments::from_args();
    note_panics(|| false);
    let trials = match trials() {
        Ok(trials) => trials,
        Err(error) => {
            eprintln!("wstape: {error}");
            return ExitCode::FAILURE;
        }
    };
    let tests = trials
        .into_iter()
        .flat_map(|trial| {
            // The rules of chaos judge what it once found, too.
            let rules = trial.name.starts_with(REGRESSIONS).then(|| {
                let (tape, subject) = (PathBuf::from(&trial.tape), Arc::clone(subject));
                let name = format!("{} by the rules", trial.name);
                Test::test(name, move || bounded(move || keeps_rules(&tape, &*subject)))
            });
            let subject = Arc::clone(subject);
            let outcome = Test::test(trial.name.clone(), move || {
                bounded(move || holds(&trial, &*subject))
            });
            [rules, Some(outcome)].into_iter().flatten()
        })
        .collect();
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// The trials in the fixtures folder here or above; none if there is no tape yet.
fn trials() -> Result<Vec<Trial>, String> {
    let fixtures = fixtures_with("tapes").map_err(|error| error.to_string())?;
    let Some(fixtures) = fixtures else {
        eprintln!("wstape: no fixtures/tapes folder here or above; every tape in it is a test");
        return Ok(Vec::new());
    };
    let fixtures = fixtures.canonicalize().map_err(|error| error.to_string())?;
    let suite = Suite::of_fixtures(&fixtures).map_err(|error| error.to_string())?;
    Ok(suite.trials)
}

/// Runs a test that may hang: a hang is a failure, and blocks nobody.
fn bounded(test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Result<(), Failed> {
    cmd::bounded::bounded(HANG_AFTER, test)?
}

fn keeps_rules(tape: &Path, subject: &dyn Subject) -> Result<(), Failed> {
    match broken_rules(tape, subject)?.first() {
        Some(violation) => Err(violation.to_string().into()),
        None => Ok(()),
    }
}

fn holds(trial: &Trial, subject: &dyn Subject) -> Result<(), Failed> {
    let outcome = trial.scenario.run(subject)?;
    if let Some(unmet) = outcome.unmet().next() {
        return Err(format!("the tape's expectation is not met: {unmet}").into());
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(trial.snapshot.parent().unwrap_or(Path::new("")));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(&trial.tape);
    let name = trial.snapshot.file_stem().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let compare = || settings.bind(|| insta::assert_snapshot!(name, outcome));
    // What insta advises needs a tool of its own; the verb does not.
    panic::catch_unwind(AssertUnwindSafe(compare)).map_err(|departs| {
        let departs = panic_message(&*departs);
        format!("{departs}\nif this is right: {}", accept_command(trial)).into()
    })
}

#[cfg(test)]
#[cfg(feature = "cli")]
mod tests {
    use std::error::Error;
    use std::fs;

    use super::*;
    use crate::subject::OurSubscriber;

    #[test]
    fn an_outcome_without_a_snapshot_fails_with_the_command_that_accepts_it()
    -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("tapes"))?;
        let tape = folder.path().join("tapes/new.jsonl");
        fs::write(&tape, "{\"tape\":1}\n{\"at_ms\":1000,\"end\":true}\n")?;
        let suite = Suite::of_fixtures(folder.path())?;
        let failed = holds(&suite.trials[0], &OurSubscriber).expect_err("nothing to compare with");
        let said = failed.message().unwrap_or_default();
        let (_, command) = said.split_once("\nif this is right: ").ok_or(said)?;
        assert!(
            command.contains(" replay ") && command.contains("new.jsonl"),
            "{said}"
        );
        assert!(command.ends_with(" --accept"), "{said}");
        Ok(())
    }
}
