//! Where a run's cases come from.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wstape_chaos::{Case, Seeds, Shard, Vocabulary};
use wstape_harness::{MAX_VIRTUAL, Suite, Terms};
use wstape_tape::{Tape, Trigger};

use super::options::{DEFAULT_BUDGET, Options};
use crate::cmd::fixtures::fixtures_with;
use crate::cmd::remedy;

/// The folder, in `fixtures`, of tapes that once broke a rule.
const REGRESSIONS: &str = "regressions";
/// The folder, in `fixtures`, of hand-written tapes.
const TAPES: &str = "tapes";
/// The folder, in `fixtures`, of recordings.
const RECORDINGS: &str = "recordings";

/// A tape as a case, with its name on the command line.
pub(super) struct NamedCase {
    pub(super) name: String,
    pub(super) case: Case,
}

/// What drawn faults are laid over.
pub(super) enum Bases {
    /// Named recordings only.
    Given(Vec<Arc<Tape>>),
    /// Drawn streams, and now and then one of the fixtures' recordings.
    Drawn(Vec<Arc<Tape>>),
}

/// Where a run's cases come from.
pub(super) struct Inputs {
    /// Existing cases, which run first.
    pub(super) tapes: Vec<NamedCase>,
    /// What drawn faults are laid over.
    pub(super) bases: Bases,
    /// The messages to draw from; `None` for generated ones.
    pub(super) vocabulary: Option<Arc<Vocabulary>>,
    /// The seeds; `None` if only tapes are played.
    pub(super) seeds: Option<Seeds>,
    pub(super) shard: Shard,
    /// The environment variable that named the shard.
    pub(super) shard_by: Option<&'static str>,
    /// When to stop beginning cases.
    pub(super) budget: Option<Duration>,
    /// Whether the run is a sample of everything, not the repetition of one case.
    pub(super) is_sample: bool,
}

impl Inputs {
    pub(super) fn of(options: &Options, terms: &Terms) -> Result<Self, String> {
        let named = options.seed.map(Seeds::one).or(options.seeds);
        let tapes = tapes(&options.tape)?;
        tapes
            .iter()
            .try_for_each(|(name, tape)| ends_in_time(name, tape))?;
        let is_sample = match named {
            // A single seed means a case to see again, however it is written.
            Some(seeds) => seeds.single().is_none(),
            None => options.tape.is_empty(),
        };
        let mut inputs = Self {
            tapes: Vec::new(),
            bases: Bases::Drawn(Vec::new()),
            vocabulary: vocabulary(options, terms)?.map(Arc::new),
            seeds: named,
            shard: options.shard.unwrap_or(Shard::WHOLE),
            shard_by: None,
            budget: options.budget,
            is_sample,
        };
        let bare = |tapes: Vec<(String, Tape)>| -> Vec<Arc<Tape>> {
            let tapes = tapes.into_iter();
            tapes.map(|(_, tape)| Arc::new(tape)).collect()
        };
        if named.is_some() && !tapes.is_empty() {
            inputs.bases = Bases::Given(bare(tapes));
        } else if tapes.is_empty() {
            inputs.seeds = named.or(Some(Seeds::from(0)));
            inputs.bases = Bases::Drawn(bare(fixtures(RECORDINGS)?));
        } else {
            inputs.tapes = cases(tapes)?;
        }
        if !is_sample {
            return Ok(inputs);
        }
        if options.shard.is_none() {
            let of_environment = Shard::of_environment(|name| env::var(name).ok());
            if let Some((shard, by)) = of_environment.map_err(|error| error.to_string())? {
                (inputs.shard, inputs.shard_by) = (shard, Some(by));
            }
        }
        if inputs.seeds.is_some_and(Seeds::is_open) {
            inputs.budget = inputs.budget.or(Some(DEFAULT_BUDGET));
        }
        inputs.tapes = cases(fixtures(REGRESSIONS)?)?;
        Ok(inputs)
    }
}

/// The messages to draw from: those of the named tapes, or else, for a user's own subject, those of
/// the fixtures.
fn vocabulary(options: &Options, terms: &Terms) -> Result<Option<Vocabulary>, String> {
    let bare = |tapes: Vec<(String, Tape)>| -> Vec<Tape> {
        tapes.into_iter().map(|(_, tape)| tape).collect()
    };
    if !options.from.is_empty() {
        let found = Vocabulary::of(&bare(tapes(&options.from)?));
        let names: Vec<String> = options
            .from
            .iter()
            .map(|it| it.display().to_string())
            .collect();
        return found.map(Some).ok_or_else(|| {
            let names = names.join(", ");
            format!("{names}: no messages to use; expected steps with \"text\" or \"emit\"")
        });
    }
    if *terms == Terms::Settings {
        return Ok(None);
    }
    let mut tapes = bare(fixtures(RECORDINGS)?);
    tapes.extend(bare(fixtures(TAPES)?));
    Ok(Vocabulary::of(&tapes))
}

/// The tapes at these paths, files or folders of them, with their names.
fn tapes(paths: &[PathBuf]) -> Result<Vec<(String, Tape)>, String> {
    let suite = Suite::of_paths(paths, &[]).map_err(|error| remedy::of_suite(&error))?;
    let load = |trial: wstape_harness::Trial| {
        let tape = Tape::load(&trial.tape).map_err(|error| remedy::of_tape(&error))?;
        Ok((trial.tape, tape))
    };
    suite.trials.into_iter().map(load).collect()
}

/// Refuses a tape that lasts longer than a run may: its case would be cut off, and the subscriber
/// blamed.
fn ends_in_time(name: &str, tape: &Tape) -> Result<(), String> {
    let Some(last) = tape.steps.last() else {
        return Ok(());
    };
    let Trigger::At(at) = last.trigger else {
        return Ok(());
    };
    if at.duration() <= MAX_VIRTUAL {
        return Ok(());
    }
    Err(format!(
        "{name}:{}: the case would last {} days, but the limit is {}; trim the tape",
        last.line,
        at.duration().as_secs() / 86_400,
        MAX_VIRTUAL.as_secs() / 86_400,
    ))
}

fn cases(tapes: Vec<(String, Tape)>) -> Result<Vec<NamedCase>, String> {
    let case = |(name, tape)| {
        let case = Case::from_tape(tape).map_err(|error| format!("{name}: {error}"))?;
        Ok(NamedCase { name, case })
    };
    tapes.into_iter().map(case).collect()
}

/// The tapes in this folder of the fixtures, if it exists and has any.
fn fixtures(inner: &str) -> Result<Vec<(String, Tape)>, String> {
    let fixtures = fixtures_with(inner).map_err(|error| error.to_string())?;
    let Some(folder) = fixtures.map(|fixtures| fixtures.join(inner)) else {
        return Ok(Vec::new());
    };
    if holds_no_tape(&folder) {
        return Ok(Vec::new());
    }
    tapes(&[folder])
}

fn holds_no_tape(folder: &Path) -> bool {
    Suite::of_paths(&[folder.to_owned()], &[])
        .is_err_and(|error| matches!(error, wstape_harness::SuiteError::Empty(_)))
}
