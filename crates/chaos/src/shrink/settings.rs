//! Plainer settings: the defaults, else round numbers; and fewer demands in the header.

use serde_json::{Map, Value};
use wstape_tape::Micros;

use super::number::{COUNT_UNITS, TIME_UNITS, simplest};
use super::search::Search;
use crate::case::About;
use wstape_oracle::Settings;

/// The smallest capacity for receivers.
const LEAST_CAPACITY: usize = 1;

/// The suffix of settings that are times.
const TIME_SUFFIX: &str = "_ms";

/// Resets each setting to its default if that will do, and rounds the times of the others.
pub(super) fn plainer_settings(search: &mut Search<'_>) {
    for key in members(search).keys() {
        let mut rest = members(search);
        let Some(now) = rest.remove(key) else {
            continue;
        };
        if offer(search, &rest) || !key.ends_with(TIME_SUFFIX) {
            continue;
        }
        let Some(now) = Micros::parse_ms(&now.to_string()) else {
            continue;
        };
        for rounded in rounder(now) {
            let ms = serde_json::from_str(&rounded.to_ms_text()).unwrap_or_default();
            rest.insert(key.clone(), ms);
            if offer(search, &rest) {
                break;
            }
        }
    }
}

/// Gives receivers room for only one event, so that few events break the rule where many were
/// needed. Once few steps are left, the default is tried again.
pub(super) fn less_room(search: &mut Search<'_>) {
    let mut case = search.best().clone();
    case.settings.events_capacity = LEAST_CAPACITY;
    case.seal();
    search.offer(case);
}

/// Demands less: a smaller crowd, no search for secrets, no recovery.
pub(super) fn plainer_about(search: &mut Search<'_>) {
    let mut start = search.best().clone();
    for plain in [
        |about: &mut About| about.secrets = false,
        |about: &mut About| about.quiet_at_us = None,
    ] {
        let mut case = start.clone();
        plain(&mut case.about);
        case.seal();
        if search.offer(case.clone()) {
            start = case;
        }
    }
    simplest(start.about.crowd.into(), 0, COUNT_UNITS, |crowd| {
        let mut case = start.clone();
        case.about.crowd = u32::try_from(crowd).unwrap_or(u32::MAX);
        case.seal();
        search.offer(case)
    });
}

/// `time` rounded down and up to each unit it is not a multiple of, the roundest first; never to
/// zero, which would be another setting, not a plainer one.
fn rounder(time: Micros) -> impl Iterator<Item = Micros> {
    TIME_UNITS
        .iter()
        .take_while(move |unit| !time.0.is_multiple_of(**unit))
        .flat_map(move |unit| {
            let down = time.0 / unit;
            [down, down + 1].map(|n| Micros(n.saturating_mul(*unit)))
        })
        .filter(|rounded| *rounded > Micros::ZERO)
}

/// The settings that differ from the default.
fn members(search: &Search<'_>) -> Map<String, Value> {
    let raw = search.best().settings.to_raw();
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn offer(search: &mut Search<'_>, members: &Map<String, Value>) -> bool {
    let Ok(settings) = serde_json::from_value::<Settings>(members.clone().into()) else {
        return false;
    };
    let mut case = search.best().clone();
    case.settings = settings;
    case.seal();
    search.offer(case)
}
