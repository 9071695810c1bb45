//! Strings that look like a key or a signature and are what all may see: what a block, a transaction
//! or an account is known by, told by its name, by its place or by the layout it stands in.

use super::login;
use super::lookahead::{Mark, Marks};

/// Where a string stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    /// The name of the member that it is the value of.
    pub(super) name: Option<&'p str>,
    /// What the object or the list that it stands in is called.
    pub(super) of: Option<&'p str>,
    /// It is an item of the outermost list.
    pub(super) outermost: bool,
    /// What the message's outermost object says.
    pub(super) root: Marks,
    /// What is said of where it stands.
    pub(super) here: Marks,
}

/// Whether a string that looks like a key or a signature is what all may see.
pub(super) fn is_public(value: &str, place: Place<'_>) -> bool {
    let called = place.name.or(place.of);
    // Where a list goes on is nobody's secret; a token in three parts is.
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

/// Whether that is the `id` of a block or a transaction: of Cardano's points, which have a slot
/// beside it, of what is called a transaction, or of what a message asks about.
fn is_id_of_ledger(place: Place<'_>, asked: bool) -> bool {
    const LEDGERS: [&str; 3] = ["block", "transaction", "tx"];
    let within = place.of.is_some_and(|of| LEDGERS.contains(&of));
    place.name.is_some_and(login::is_id) && (asked || within || place.here.has(Mark::OfSlot))
}

/// A transaction's hash without the number of its output: `…:0` of Bitcoin, `…#0` of Cardano.
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

/// Whether a string of a message to a relay of Nostr is what the relay shows everybody (NIP-01): the
/// id, the author and the signature of an event, a tag's reference, a subscription's own name, what a
/// filter asks for.
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
