//! Groups connections by client: attempts that ask for the same thing in the same way belong to
//! one.

use std::collections::{BTreeMap, VecDeque};

use wstape_mock_engine::{Attempt, AttemptEnd, Attempts};
use wstape_tape::{End, Micros};

/// The most clients that are told apart; any more are grouped as one.
const MAX_CLIENTS: usize = 64;

/// The name of a client without a request.
const NOBODY: &str = "(no request)";

/// The name of the group of further clients.
const OTHERS: &str = "(others)";

/// Attempts by the same program to reach the same path.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// Its attempts.
    pub(super) attempts: usize,
    pub(super) upgraded: usize,
    /// Gaps from an end to the next attempt, in order of the attempts.
    pub(super) gaps: Vec<(u64, Micros)>,
    /// Ends that no attempt followed.
    pub(super) gone: Vec<(u64, Micros)>,
    /// Connections open at the journal's end.
    pub(super) open: usize,
    pub(super) received: u64,
}

/// The clients in a journal, by name.
pub(super) fn of(attempts: &Attempts) -> BTreeMap<String, Client> {
    let mut clients: BTreeMap<String, Client> = BTreeMap::new();
    let mut members: BTreeMap<String, Vec<&Attempt>> = BTreeMap::new();
    for attempt in attempts.by_conn.values() {
        let mut name = name(attempt);
        if !members.contains_key(&name) && members.len() >= MAX_CLIENTS {
            OTHERS.clone_into(&mut name);
        }
        members.entry(name).or_default().push(attempt);
    }
    for (name, members) in members {
        clients.insert(name, client(&members));
    }
    clients
}

/// The path and, if given, the program.
fn name(attempt: &Attempt) -> String {
    let Some(request) = &attempt.request else {
        return NOBODY.to_owned();
    };
    match request.header("user-agent") {
        Some(agent) => format!("{} by {agent}", request.path()),
        None => request.path().to_owned(),
    }
}

fn client(members: &[&Attempt]) -> Client {
    let mut client = Client {
        attempts: members.len(),
        upgraded: members.iter().filter(|attempt| attempt.upgraded()).count(),
        received: members.iter().map(|attempt| attempt.received).sum(),
        ..Client::default()
    };
    // In time order: an end is followed by the first attempt not following another end.
    let mut moments: Vec<(Micros, bool, u64)> = Vec::new();
    for attempt in members {
        moments.push((attempt.accepted, true, attempt.conn));
        match attempt.end {
            Some((at, end)) if !left(attempt, end) => moments.push((at, false, attempt.conn)),
            Some(_) => {}
            None => client.open += 1,
        }
    }
    moments.sort_unstable();
    let mut ends: VecDeque<(u64, Micros)> = VecDeque::new();
    for (at, comes, conn) in moments {
        if !comes {
            ends.push_back((conn, at));
        } else if let Some((_, ended)) = ends.pop_front() {
            client.gaps.push((conn, Micros(at.0 - ended.0)));
        }
    }
    client.gone = ends.into();
    client
}

/// Whether the client left deliberately: nobody waits for it.
fn left(attempt: &Attempt, end: AttemptEnd) -> bool {
    match end {
        AttemptEnd::ClientClose => true,
        AttemptEnd::Client(End::Fin) => attempt.upgraded() && attempt.client_close.is_some(),
        // A plain request ends with its answer.
        AttemptEnd::Answer => attempt
            .request
            .as_ref()
            .is_some_and(|request| !request.is_upgrade()),
        _ => false,
    }
}
