//! R10, R12: the connection's own record agrees with what happened.

use chrono::{DateTime, Utc};

use super::called::Called;
use crate::connection::ConnectionRecord;
use crate::rule::Rule;

/// What a subscriber's [`ConnectionRecord`] must show.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    health: ConnectionRecord,
    /// The status before the last refusal, if that refusal may be read as none.
    refused_before: Option<Before>,
    last_end: Option<Called>,
}

/// The status before a refusal, if any.
#[derive(Debug, Clone, Copy)]
struct Before(Option<u16>);

impl Record {
    pub(super) fn dial(&mut self, wall: DateTime<Utc>) {
        let health = &mut self.health;
        health.reconnect_count = health.reconnect_count.saturating_add(1);
        health.total_attempts += 1;
        health.last_reconnect_at = Some(wall);
    }

    pub(super) fn open(&mut self, wall: DateTime<Utc>) {
        let health = &mut self.health;
        health.ws_connected = true;
        health.reconnect_count = 0;
        health.refused_status = None;
        health.connected_at = Some(wall);
        self.refused_before = None;
    }

    pub(super) fn refused(&mut self, status: u16, doubtful: bool) {
        self.refused_before = doubtful.then_some(Before(self.health.refused_status));
        self.health.refused_status = Some(status);
    }

    pub(super) fn frame(&mut self, wall: DateTime<Utc>) {
        self.health.last_frame_at = Some(wall);
    }

    pub(super) fn event(&mut self, wall: DateTime<Utc>) {
        self.health.last_event_at = Some(wall);
    }

    pub(super) fn answered(&mut self, wall: DateTime<Utc>) {
        self.health.last_frame_at = Some(wall);
        self.health.last_pong_at = Some(wall);
    }

    pub(super) fn counted(&mut self, undecodable: u64, failed_payloads: u64) {
        self.health.undecodable = undecodable;
        self.health.failed_payloads = failed_payloads;
    }

    pub(super) fn ended(&mut self, called: Called, wall: DateTime<Utc>) {
        self.health.ws_connected = false;
        self.health.last_end_at = Some(wall);
        self.last_end = Some(called);
    }

    /// The record that it must show, for a person.
    pub(super) fn expected(&self) -> ConnectionRecord {
        self.health
    }

    /// Whether the record is right; if not, the broken rule, and how.
    pub(super) fn compare(
        &self,
        found: &ConnectionRecord,
        judges: impl Fn(Rule) -> bool,
    ) -> Result<(), (Rule, String)> {
        let expected = &self.health;
        let departs = |name: &str, expected: &dyn std::fmt::Debug, found: &dyn std::fmt::Debug| {
            format!("{name}: expected {expected:?}, found {found:?}")
        };
        macro_rules! agree {
            ($rule:expr, $field:ident) => {
                if expected.$field != found.$field && judges($rule) {
                    let what = departs(stringify!($field), &expected.$field, &found.$field);
                    return Err(($rule, what));
                }
            };
        }
        agree!(Rule::R10, ws_connected);
        agree!(Rule::R12, undecodable);
        agree!(Rule::R12, failed_payloads);
        agree!(Rule::R10, total_attempts);
        agree!(Rule::R10, reconnect_count);
        agree!(Rule::R10, last_reconnect_at);
        agree!(Rule::R10, connected_at);
        agree!(Rule::R10, last_frame_at);
        agree!(Rule::R10, last_event_at);
        agree!(Rule::R10, last_pong_at);
        agree!(Rule::R10, last_end_at);
        let as_before = |before: Before| before.0 == found.refused_status;
        if !self.refused_before.is_some_and(as_before) {
            agree!(Rule::R10, refused_status);
        }
        match &self.last_end {
            _ if !judges(Rule::R10) => Ok(()),
            Some(called) if !called.fits(found.last_end) => {
                Err((Rule::R10, departs("last_end", called, &found.last_end)))
            }
            None if found.last_end.is_some() => {
                Err((Rule::R10, departs("last_end", &None::<()>, &found.last_end)))
            }
            _ => Ok(()),
        }
    }
}
