//! Redacts each kind of action, and the texts around it.

use bytes::Bytes;
use serde_json::value::RawValue;
use wstape_tape::{Action, Conn, RawFrame, Received, ReceivedKind};

use super::fragment::{Payload, Shape, Side};
use super::redactor::Redactor;
use super::{client, http, shapes, url};

/// The key of a step that a script would have held until the client says what is there.
pub(crate) const WAIT_FOR: &str = "x-wait-for";

impl Redactor {
    /// Redacts an action other than an emit. Returns whether there was anything to redact.
    pub(super) fn action(&mut self, action: &mut Action, conn: Conn) -> bool {
        match action {
            Action::Text(text) => self.text_message(text),
            Action::Binary(bytes)
            | Action::Bytes(bytes)
            | Action::Ping(bytes)
            | Action::Pong(bytes) => self.edit_message(bytes),
            Action::Close(Some(frame)) => self.free_text(&mut frame.reason),
            Action::Frame(frame) => self.frame(frame, conn),
            Action::Drop(_) => {
                self.fragments.ended(conn);
                false
            }
            Action::Accept(Some(accept)) => {
                let token = accept.token.as_mut();
                let token = token.is_some_and(|token| self.demanded(token));
                let body = self.body(&accept.body);
                let edited = body.is_some();
                accept.body = body.unwrap_or_else(|| accept.body.clone());
                self.headers(&mut accept.headers) | token | edited
            }
            Action::Refuse(Some(refusal)) => {
                let headers = self.headers(&mut refusal.headers);
                let body = self.body(&refusal.body);
                let edited = body.is_some();
                refusal.body = body.unwrap_or_else(|| refusal.body.clone());
                headers | edited
            }
            Action::Garbage(Some(garbage)) => self.head(&mut garbage.bytes),
            Action::Http(answer) => {
                let path = self.target(&mut answer.path);
                let headers = self.headers(&mut answer.headers);
                let body = self.body(&answer.body);
                let edited = body.is_some();
                answer.body = body.unwrap_or_else(|| answer.body.clone());
                path | headers | edited
            }
            Action::Received(received) => {
                // What rules match keeps the rules' placeholders; what they leave may still be a
                // login.
                let ruled = self.received(received, conn);
                self.login(received) | ruled
            }
            Action::Mark(text) => self.free_text(text),
            Action::Expect(expect) => {
                let mirror = expect
                    .mirror
                    .as_mut()
                    .is_some_and(|mirror| self.json(mirror));
                let received = expect.received.as_mut();
                received.is_some_and(|received| self.received(received, conn)) | mirror
            }
            _ => false,
        }
    }

    fn received(&mut self, received: &mut Received, conn: Conn) -> bool {
        match received.kind {
            ReceivedKind::Fin | ReceivedKind::Reset => self.fragments.ended(conn),
            ReceivedKind::Frame => return self.received_frame(received, conn),
            // The bytes may be part of a masked frame, so nobody can tell what is in them.
            ReceivedKind::Bytes if self.rules.touch_messages() => {
                return received
                    .binary
                    .replace(Bytes::new())
                    .is_some_and(|b| !b.is_empty())
                    | received.text.take().is_some();
            }
            _ => {}
        }
        let text = received
            .text
            .as_mut()
            .is_some_and(|text| self.text_message(text));
        let binary = received
            .binary
            .as_mut()
            .is_some_and(|bytes| self.edit_message(bytes));
        let reason = received
            .reason
            .as_mut()
            .is_some_and(|text| self.free_text(text));
        let path = received.path.as_mut().is_some_and(|path| self.target(path));
        self.headers(&mut received.headers) | text | binary | reason | path
    }

    /// Redacts what a client logs in with from its message.
    fn login(&mut self, received: &mut Received) -> bool {
        let secrets = &mut self.secrets;
        let text = received.text.as_mut().is_some_and(|text| {
            let clean = client::text(text, secrets);
            replace(text, clean)
        });
        let binary = received.binary.as_mut().is_some_and(|bytes| {
            let clean = client::bytes(bytes, secrets);
            let changed = clean.is_some();
            *bytes = clean.map_or_else(|| bytes.clone(), Bytes::from);
            changed
        });
        text | binary
    }

    fn received_frame(&mut self, received: &mut Received, conn: Conn) -> bool {
        let shape = Shape {
            fin: received.fin.unwrap_or(true),
            rsv: received.rsv.unwrap_or(0),
            opcode: received.opcode.unwrap_or(0),
        };
        let (payload, as_text) = match (&received.text, &received.binary) {
            (Some(text), _) => (Bytes::copy_from_slice(text.as_bytes()), true),
            (None, Some(bytes)) => (bytes.clone(), false),
            (None, None) => (Bytes::new(), false),
        };
        let edited = self.frame_payload(conn, Side::Client, shape, &payload);
        if edited == payload {
            return false;
        }
        match String::from_utf8(edited.to_vec()) {
            Ok(text) if as_text => received.text = Some(text),
            _ => (received.text, received.binary) = (None, Some(edited)),
        }
        true
    }

    fn frame(&mut self, frame: &mut RawFrame, conn: Conn) -> bool {
        if !self.rules.touch_messages() {
            return false;
        }
        let shape = Shape {
            fin: frame.fin,
            rsv: frame.rsv,
            opcode: frame.opcode,
        };
        let payload = self.frame_payload(conn, Side::Engine, shape, &frame.payload);
        let changed = payload != frame.payload;
        frame.payload = payload;
        changed
    }

    fn frame_payload(&mut self, conn: Conn, side: Side, shape: Shape, payload: &Bytes) -> Bytes {
        match self.fragments.take(conn, side, shape, payload) {
            Payload::Is(payload) => Bytes::from_static(payload),
            Payload::Message(message) => self.message(&message).unwrap_or(message),
        }
    }

    /// Redacts a message's payload by the rules; `None` if they match nothing in it.
    pub(super) fn message(&mut self, payload: &[u8]) -> Option<Bytes> {
        let edited = self.messages.edit(payload, &mut self.secrets);
        self.shaped(payload, edited)
    }

    /// Redacts the body of an HTTP answer by the rules; `None` if they match nothing in it.
    fn body(&mut self, payload: &[u8]) -> Option<Bytes> {
        let edited = self.bodies.edit(payload, &mut self.secrets);
        self.shaped(payload, edited)
    }

    fn shaped(&mut self, payload: &[u8], edited: Option<Vec<u8>>) -> Option<Bytes> {
        let shaped = if self.rules.shapes {
            let payload = edited.as_deref().unwrap_or(payload);
            let shaped = shapes::redact_bytes(payload, &mut self.secrets);
            let again = self.secrets.again(shaped.as_deref().unwrap_or(payload));
            again.or(shaped)
        } else {
            None
        };
        if shaped.is_some() {
            self.secrets.matched(self.rules.shapes_number());
        }
        shaped.or(edited).map(Bytes::from)
    }

    fn edit_message(&mut self, payload: &mut Bytes) -> bool {
        let edited = self.message(payload);
        let changed = edited.is_some();
        if let Some(edited) = edited {
            *payload = edited;
        }
        changed
    }

    fn text_message(&mut self, text: &mut String) -> bool {
        let edited = self.message(text.as_bytes());
        let changed = edited.is_some();
        if let Some(edited) = edited {
            *text = String::from_utf8_lossy(&edited).into_owned();
        }
        changed
    }

    /// Redacts the token that a tape demands of clients, if a rule names it. Recorders write no
    /// such token, and a hand-written one must match what the client sends, so nothing else redacts
    /// it.
    fn demanded(&mut self, token: &mut String) -> bool {
        let mut keys = self.rules.keys.iter();
        let ruled = keys.position(|key| key.eq_ignore_ascii_case("token"));
        let placeholder = ruled.map(|at| {
            self.secrets.matched(self.rules.key_number(at));
            self.secrets
                .text(token.as_bytes(), "the token of an accept")
        });
        replace(token, placeholder)
    }

    fn headers(&mut self, headers: &mut [(String, String)]) -> bool {
        for (at, rule) in self.rules.headers.iter().enumerate() {
            if headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(rule))
            {
                self.secrets.matched(self.rules.header_number(at));
            }
        }
        http::headers(headers, &self.rules.headers, &mut self.secrets)
    }

    fn target(&mut self, target: &mut String) -> bool {
        let clean = url::target(target, &mut self.secrets);
        let shaped = shapes::redact(clean.as_deref().unwrap_or(target), &mut self.secrets);
        replace(target, shaped.or(clean))
    }

    /// Redacts bytes that may be an HTTP head.
    fn head(&mut self, bytes: &mut Bytes) -> bool {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.edit_message(bytes);
        };
        let clean = http::head(text, &self.rules.headers, &mut self.secrets);
        let changed = clean.is_some();
        if let Some(clean) = clean {
            *bytes = clean.into();
        }
        self.edit_message(bytes) | changed
    }

    /// Redacts a text for people.
    pub(super) fn free_text(&mut self, text: &mut String) -> bool {
        let urls = url::in_text(text, &mut self.secrets);
        let urls = replace(text, urls);
        let keys = self.messages.edit_keys(text.as_bytes(), &mut self.secrets);
        let keys = replace(
            text,
            keys.map(|keys| String::from_utf8_lossy(&keys).into_owned()),
        );
        let shaped = shapes::redact(text, &mut self.secrets);
        replace(text, shaped) | urls | keys
    }

    /// Redacts JSON that is kept unchanged otherwise.
    fn json(&mut self, json: &mut Box<RawValue>) -> bool {
        let keys = self
            .messages
            .edit_keys(json.get().as_bytes(), &mut self.secrets);
        let text = keys.map(|keys| String::from_utf8_lossy(&keys).into_owned());
        let urls = url::in_text(text.as_deref().unwrap_or(json.get()), &mut self.secrets);
        let edited = urls.or(text).map(RawValue::from_string);
        match edited {
            Some(Ok(edited)) => *json = edited,
            Some(Err(_)) | None => return false,
        }
        true
    }

    pub(super) fn extensions(&mut self, extensions: &mut [(String, Box<RawValue>)]) -> bool {
        let mut changed = false;
        for (key, value) in extensions {
            changed |= self.json(value);
            changed |= key == WAIT_FOR && self.waited_for(value);
        }
        changed
    }

    /// Redacts a login in what a step waits for a client to say, a string.
    fn waited_for(&mut self, json: &mut Box<RawValue>) -> bool {
        let text: Option<String> = serde_json::from_str(json.get()).ok();
        let clean = text.and_then(|text| client::text(&text, &mut self.secrets));
        let clean = clean.and_then(|clean| serde_json::value::to_raw_value(&clean).ok());
        let changed = clean.is_some();
        if let Some(clean) = clean {
            *json = clean;
        }
        changed
    }
}

fn replace(text: &mut String, with: Option<String>) -> bool {
    match with {
        Some(with) => {
            let changed = *text != with;
            *text = with;
            changed
        }
        None => false,
    }
}
