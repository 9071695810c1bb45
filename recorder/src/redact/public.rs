//! Recognizes strings that look like a key or a signature but are public: IDs of a block, a
//! transaction or an account. They are recognized by their name, their position or the structure
//! around them.

use super::login;
use super::lookahead::{Mark, Marks};

/// Where a string is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    /// The name of the member that it is the value of.
    pub(super) name: Option<&'p str>,
    /// The name of the object or the list that contains it.
    pub(super) of: Option<&'p str>,
    /// Whether it is an item of the outermost list.
    pub(super) outermost: bool,
    /// The marks of the message's outermost object.
    pub(super) root: Marks,
    /// The marks of the containers around it.
    pub(super) here: Marks,
}

/// Whether a string that looks like a key or a signature is public.
pub(super) fn is_public(value: &str, place: Place<'_>) -> bool {
    let called = place.name.or(place.of);
    // A cursor is not a secret, but a token in three parts is.
    if called.is_some_and(login::is_cursor) && !value.contains('.') {
        return true;
    }
    if place.here.has(Mark::Nostr) {
        return is_of_nostr(value, place);
    }
    let hash = login::is_hash(without_index(value));
    if !hash && !login::is_transaction(value) && !login::is_call_data(value)
        || place.root.has(Mark::GivesKey)
    {
        return false;
    }
    if login::is_call_data(value) {
        return place.root.has(Mark::OfCall) && called.is_some_and(login::is_call);
    }
    let asked = place.root.has(Mark::OfHash);
    if login::is_transaction(value) {
        return asked && place.name.is_none();
    }
    let parameter =
        place.name.is_none() && (place.root.has(Mark::JsonRpc) && value.starts_with("0x") || asked);
    parameter || called.is_some_and(login::is_public_name) || is_id_of_ledger(place, asked)
}

/// Whether a string is the `id` of a block or a transaction: of a point in Cardano's chain, which
/// has a slot next to it, of an object called a transaction, or of what a message asks about.
fn is_id_of_ledger(place: Place<'_>, asked: bool) -> bool {
    const LEDGERS: [&str; 3] = ["block", "transaction", "tx"];
    let within = place.of.is_some_and(|of| LEDGERS.contains(&of));
    place.name.is_some_and(login::is_id) && (asked || within || place.here.has(Mark::OfSlot))
}

/// A transaction's hash without the index of its output: `…:0` in Bitcoin, `…#0` in Cardano.
fn without_index(value: &str) -> &str {
    const MAX_DIGITS: usize = 5;
    let Some((hash, index)) = value.rsplit_once([':', '#']) else {
        return value;
    };
    let number = (1..=MAX_DIGITS).contains(&index.len());
    if number && index.bytes().all(|b| b.is_ascii_digit()) {
        hash
    } else {
        value
    }
}

/// Whether a string in a message to a Nostr relay is public (NIP-01): the ID, the author and the
/// signature of an event, a reference in a tag, the name of a subscription, what a filter asks for.
fn is_of_nostr(value: &str, place: Place<'_>) -> bool {
    const SIGNATURE_DIGITS: usize = 128;
    const PUBLIC: [&str; 2] = ["id", "pubkey"];
    let signature = value.len() == SIGNATURE_DIGITS && value.bytes().all(|b| b.is_ascii_hexdigit());
    if signature {
        return place.name == Some("sig");
    }
    let called = place.name.or(place.of).unwrap_or_default();
    let known = PUBLIC.contains(&called) || called == "tags" || login::is_public_name(called);
    login::is_hash(value) && (place.outermost || known)
}
