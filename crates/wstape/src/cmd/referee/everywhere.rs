//! What is asked in every case.

use std::fmt;

/// What is asked in every case, and why.
pub(super) struct Everywhere {
    /// The row.
    pub(super) id: &'static str,
    asked: &'static str,
    why: &'static str,
    good: &'static str,
}

const ALL: [Everywhere; 3] = [
    Everywhere {
        id: "X5",
        asked: "not ended by a signal that nobody sent; no error that nobody caught",
        why: "A crash takes down the whole program. An error that escapes a task or a thread ends \
              only that, and the \
              program goes on without it: no more messages arrive, and nobody knows.",
        good: "They catch what a connection can throw, where it is thrown. H3 and E1 do not \
               count: there a client may \
               end.",
    },
    Everywhere {
        id: "K1",
        asked: "nothing that the client prints contains the token, in any form",
        why: "Logs go to more people and places than credentials may.",
        good: "They log the URL without its user info and query, and no headers.",
    },
    Everywhere {
        id: "K2",
        asked: "the token goes to no other host or port",
        why: "A redirect that keeps the Authorization header hands the token to whoever it names \
              (RFC 9110, \
              15.4).",
        good: "They follow no redirect, or follow it without credentials.",
    },
];

/// The question with this name that is asked in every case.
pub(super) fn explained(name: &str) -> Option<&'static Everywhere> {
    ALL.iter().find(|it| it.id.eq_ignore_ascii_case(name))
}

/// Returns the first of the questions with this letter.
pub(super) fn first_of(letter: &str) -> Option<&'static Everywhere> {
    ALL.iter()
        .find(|it| it.id[..1].eq_ignore_ascii_case(letter))
}

impl fmt::Display for Everywhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            asked,
            why,
            good,
        } = self;
        write!(
            f,
            "{id}: any case\n\nAsked: {asked}.\nWhy: {why}\nGood clients: {good}\n\nPlay it: any case asks it, such as \
             wstape referee --only E2 -- COMMAND"
        )
    }
}
