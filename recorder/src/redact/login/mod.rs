//! Recognizes logins of clients: by names, by their layout, and by what looks like a signature.
//!
//! Feeds log in by message, each in its own way. What they have in common is searched for:
//!
//! | sign of a login | what is redacted | as in |
//! | --- | --- | --- |
//! | a member with the name of a secret | its value, whatever it is | `"apiKey"`, `"token"`, `"signature":{"r","s","v"}` |
//! | a member with the message's purpose that names a login | all other members but the message's own number | `{"op":"auth","args":[…]}` |
//! | the same in the message's head | everything else | `{"header":{"cmd":"login"},"body":…}` |
//! | a list with a word for a login among its first items | the rest of the list | `["auth",{…}]`, `[null,"2","room","auth",…]` |
//! | a string that looks like a signature or a token | that string | 64 hexadecimal digits, 40 letters and digits of all kinds |
//!
//! Modules: `purpose` (what a message is for), `member` (names of members), `look` (the look of
//! signatures and tokens). Outside this module, `texts` handles texts that are not JSON, and `mqtt`
//! its binary packets.

mod look;
mod member;
mod purpose;

pub(super) use look::{
    is_bare_token, is_call_data, is_drawn, is_hash, is_media, is_signature, is_transaction,
};
pub(super) use member::{
    is_bare_key, is_call, is_code, is_credential, is_cursor, is_id, is_naming, is_password,
    is_public_name, is_reference, is_secret_member, is_secret_parameter, is_short_password,
    is_short_user, is_token, is_user, is_uuid, is_value, stays,
};
pub(super) use purpose::{Purpose, is_head, is_login, is_of_symbols, is_purpose, is_topic};

/// What errors call a secret in a login.
pub(super) const LOGIN: &str = "what a client sent to log in";
