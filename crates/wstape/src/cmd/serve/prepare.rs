//! An engine for the tapes, before it listens.

use std::collections::BTreeSet;
use std::path::PathBuf;

use wstape_mock_engine::{Engine, EngineBuilder, EngineError, Layer, Retention, Timestamps, field};
use wstape_tape::{Sound, TapeReader};

use super::error::ServeError;
use super::options::{Serve, Ts};
use super::redaction::JournalRedactor;

/// Journal entries kept in memory: a server may run for months.
const KEPT_ENTRIES: usize = 1024;

/// The most engines that one tape may name.
const MAX_ENGINES: usize = 16;

/// An engine for the tapes, each checked to its end if possible.
pub(super) fn prepare(serve: &Serve, name: Option<&str>) -> Result<EngineBuilder, ServeError> {
    if serve.time.is_some() && matches!(serve.ts, Ts::Keep) {
        return Err(ServeError::NothingMoves);
    }
    let token = serve.token()?;
    let redactor = JournalRedactor::new(token.as_deref())?;
    let mut builder = Engine::builder()
        .judging(true)
        .token(token)
        .redact(Box::new(redactor))
        .followed(serve.control.wanted())
        .speed(serve.speed)
        .looped(serve.looped)
        .retention(Retention::Last(KEPT_ENTRIES))
        .timestamps(match serve.ts {
            Ts::Keep => Timestamps::Keep,
            Ts::Shift => Timestamps::Shift,
        })
        .start_at(serve.start.0);
    if let Some(pointer) = &serve.time {
        builder = builder.time_at(pointer.to_string());
    }
    for path in &serve.path {
        builder = builder.path(path);
    }
    for tape in serve.tapes() {
        if serve.check && !tape.is_file() && field::find(tape).is_none() {
            // Nobody plays it, so it can be read to its end.
            Sound::look_through(tape).map_err(EngineError::from)?;
            continue;
        }
        // A pipe can only be read once; a file is checked completely before the port opens.
        let layer = if tape.is_file() && field::find(tape).is_none() {
            Sound::look_through(tape).and_then(Layer::from_sound)
        } else {
            Layer::from_path(tape)
        };
        let layer = layer.map_err(EngineError::from)?;
        if serve.upstream.wanted() {
            layer.fits_a_real_engine()?;
        }
        builder = builder.layer(layer);
    }
    if let Some(name) = name {
        find(serve, name)?;
        builder = builder.name(name);
    }
    Ok(builder)
}

/// The names in the tapes' steps, in order of their first steps. Input that is not a file can only
/// be read once, so it is not searched.
pub(super) fn named(serve: &Serve) -> Result<Vec<String>, ServeError> {
    let mut names: Vec<String> = Vec::new();
    for path in serve.tapes().filter(|path| path.is_file()) {
        for step in TapeReader::open(path).map_err(EngineError::from)? {
            let step = step.map_err(EngineError::from)?;
            if let Some(engine) = &step.engine
                && !names.contains(engine)
            {
                if names.len() == MAX_ENGINES {
                    return Err(ServeError::TooManyEngines { most: MAX_ENGINES });
                }
                names.push(engine.clone());
            }
        }
    }
    Ok(names)
}

/// Looks for a step for this engine.
fn find(serve: &Serve, name: &str) -> Result<(), ServeError> {
    let unread = |path: &PathBuf| !path.is_file() && field::find(path).is_none();
    if serve.tapes().any(unread) {
        return Ok(());
    }
    let there_are = named(serve)?;
    if there_are.iter().any(|other| other == name) {
        return Ok(());
    }
    Err(ServeError::NoSuchEngine {
        name: name.to_owned(),
        there_are: BTreeSet::from_iter(there_are),
    })
}
