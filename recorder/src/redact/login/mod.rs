//! How clients say who they are: by which names, in which layouts, in what looks like a signature.
//!
//! Feeds log in by message, and no two of them alike. What they have in common is looked for:
//!
//! | by | what is redacted | as in |
//! | --- | --- | --- |
//! | a name that says secret | its value, whatever it is | `"apiKey"`, `"token"`, `"signature":{"r","s","v"}` |
//! | a member that says what the message is for, and says login | all other members but the message's own number | `{"op":"auth","args":[…]}` |
//! | the same in what it calls its head | all but that | `{"header":{"cmd":"login"},"body":…}` |
//! | a list with such a word among its first items | the rest of it | `["auth",{…}]`, `[null,"2","room","auth",…]` |
//! | the look of a signature or of a token | that string | 64 hexadecimal digits, 40 letters and digits of all kinds |
//!
//! Modules: `purpose` (what a message is for), `member` (names of members), `look` (of signatures and
//! tokens). `texts` are those that are no JSON, `mqtt` is a packet of bytes.

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

/// What errors call what stands in a login.
pub(super) const LOGIN: &str = "what a client sent to log in";
