//! What must show in the mirror and in the connection's record.

use chrono::{DateTime, Utc};

use super::mirror::Mirror;
use super::record::Record;
use super::step::Step;
use crate::connection::ConnectionRecord;
use crate::model::Folded;
use crate::rule::Rule;
use crate::view::{self, View};

/// What a subscriber must show.
#[derive(Debug, Clone)]
pub(super) struct Showing {
    record: Record,
    mirror: Mirror,
}

/// Where a subscriber shows something else: the broken rule, how, and the record found.
#[derive(Debug)]
pub(super) struct Departure {
    pub(super) rule: Rule,
    pub(super) what: String,
    pub(super) record: Option<Box<ConnectionRecord>>,
}

impl Showing {
    pub(super) fn new() -> Self {
        Self {
            record: Record::default(),
            mirror: Mirror::new(),
        }
    }

    /// Requires that the effect of `step`, at `wall`, shows from here on.
    pub(super) fn apply(&mut self, step: &Step, wall: DateTime<Utc>) {
        match step {
            Step::Dial => self.record.dial(wall),
            Step::Open => self.record.open(wall),
            Step::Refused { status, doubtful } => self.record.refused(*status, *doubtful),
            Step::Message(folded) => {
                self.mirror.fold(folded);
                self.record.frame(wall);
                if matches!(folded, Folded::Event(_)) {
                    self.record.event(wall);
                }
                self.record
                    .counted(self.mirror.undecodable(), self.mirror.failed_payloads());
            }
            Step::SignOfLife => {
                self.mirror.sign_of_life(wall);
                self.record.frame(wall);
            }
            Step::Answered => self.record.answered(wall),
            Step::End(called) => self.record.ended(called.clone(), wall),
            Step::Backfill(field, payload) => self.mirror.backfill(*field, payload, wall),
        }
    }

    /// Whether what can be seen is what must show.
    pub(super) fn compare(
        &mut self,
        view: View<'_>,
        judges: impl Fn(Rule) -> bool,
    ) -> Result<(), Departure> {
        let record = view.record.map(view::Record::record);
        let departure = |rule, what| Departure {
            rule,
            what,
            record: record.map(Box::new),
        };
        if let Some(found) = &record
            && let Err((rule, what)) = self.record.compare(found, judges)
        {
            return Err(departure(rule, what));
        }
        if let Some(mirror) = view.mirror
            && let Err(found) = self.mirror.compare(mirror)
        {
            return Err(departure(Rule::R9, found.to_string()));
        }
        Ok(())
    }

    /// Everything that must show, as JSON text.
    ///
    /// # Panics
    /// Never: a record serialises into memory.
    pub(super) fn text(&mut self) -> String {
        let connection = serde_json::to_string(&self.record.expected())
            .expect("a record serialises into memory");
        let mut text = self.mirror.text();
        text.pop();
        format!("{text},\"connection\":{connection}}}")
    }
}
