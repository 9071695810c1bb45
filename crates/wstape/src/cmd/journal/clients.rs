//! Whose connections those are: attempts that ask for the same in the same way are one client's.

use std::collections::{BTreeMap, VecDeque};

use wstape_mock_engine::{Attempt, AttemptEnd, Attempts};
use wstape_tape::{End, Micros};

/// Most clients that are told apart; further ones are one together.
const MAX_CLIENTS: usize = 64;

/// What a client that asked for nothing is called.
const NOBODY: &str = "(no request)";

/// What several clients that are not told apart are called.
const OTHERS: &str = "(others)";

/// Attempts that ask for the same path with the same program.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// Its attempts.
    pub(super) attempts: usize,
    pub(super) upgraded: usize,
    /// From an end to the next attempt, in the order of the attempts.
    pub(super) gaps: Vec<(u64, Micros)>,
    /// Ends that no attempt followed.
    pub(super) gone: Vec<(u64, Micros)>,
    /// Connections open at the journal's end.
    pub(super) open: usize,
    pub(super) received: u64,
}

/// The clients of a journal, by what they are called.
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

/// The path and, where it is said, the program.
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
    // In the order of time: an end is followed by the first attempt that follows no other end.
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

/// Whether the client left of its own will: nobody waits for it.
fn left(attempt: &Attempt, end: AttemptEnd) -> bool {
    match end {
        AttemptEnd::ClientClose => true,
        AttemptEnd::Client(End::Fin) => attempt.upgraded() && attempt.client_close.is_some(),
        // A plain request is over with its answer.
        AttemptEnd::Answer => attempt
            .request
            .as_ref()
            .is_some_and(|request| !request.is_upgrade()),
        _ => false,
    }
}
