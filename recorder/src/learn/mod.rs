//! Turns a session recorded between a client and an engine into a dialogue: a tape that answers
//! other clients.
//!
//! | part | what is in it |
//! | --- | --- |
//! | `conversation` | the session, connection by connection |
//! | `side` | who sends a message: the client or the engine |
//! | `fragments` | messages that came in fragments |
//! | `node`, `names` | the values of a JSON text, and what their names tell about them |
//! | `stomp` | the values of a STOMP frame |
//! | `list` | messages that are lists with a meaning for each position |
//! | `request` | a client's request, and what it is about |
//! | `wanted` | what a request must contain, as the members of an `on_message` |
//! | `answers` | which message answers which request |
//! | `heard` | one connection as exchanges and streams |
//! | `template` | a message with references to values of the request |
//! | `shape` | what messages of one kind have in common |
//! | `scene` | a stream as the lines of a scene |
//! | `streams` | which stream is learnt for each thing, and its label |
//! | `part` | one path: requests to matches, answers to replies, streams to scenes |
//! | `paths` | which paths count as one |
//! | `lesson` | all paths, and what holds from the start |
//! | `learnt` | what was learnt, in figures and sentences |
//!
//! Each kind of request becomes a step that holds for all requests of its kind. A value that
//! differs from one request to the next and comes back in the answer becomes a reference; a time
//! becomes the time of the answer. What the engine sends on its own about something that was
//! requested becomes a scene. The scene starts when that is requested, with any number and in any
//! order, and starts over when the recorded stream ends. What can't be learnt from the session is
//! named: in a step's note if it concerns one step, otherwise in the header's.

mod answers;
mod conversation;
mod fragments;
mod heard;
mod learnt;
mod lesson;
mod list;
mod names;
mod node;
mod part;
mod paths;
mod request;
mod scene;
mod shape;
mod side;
mod stomp;
mod streams;
mod template;
mod wanted;

use std::io::BufRead;

use wstape_tape::{Header, Step, TapeReader};

use crate::error::RecordError;
use crate::recording::{Output, Recording};
use crate::redact::Redactor;
use conversation::Session;
use lesson::Lesson;

pub use learnt::Learnt;

/// Writes a recorded session as a dialogue.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("engine.jsonl");
/// use wstape_recorder::{Output, Redactor, Rules, learn};
/// use wstape_tape::TapeReader;
///
/// let session = r#"{"tape":1,"needs":["connections"]}
/// {"at_ms":1,"conn":1,"received":{"kind":"text","text":"{\"id\":7,\"method\":\"ping\"}"}}
/// {"at_ms":2,"conn":1,"text":"{\"id\":7,\"result\":\"pong\"}"}
/// "#;
/// let session = TapeReader::new("session", session.as_bytes())?;
/// let redactor = Redactor::new(Rules::default(), [7; 32]);
/// learn(session, Output::whole(&path, false)?, redactor)?;
///
/// let learnt = std::fs::read_to_string(&path)?;
/// assert!(learnt.contains(r#"{"on_message":{"json":{"method":"ping"}},"after_ms":1,"json":{"id":"${/id}","result":"pong"}}"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The tape can't be read or the output can't be written; [`RecordError::Unteachable`] if no text
/// message of a client is answered in it, or [`RecordError::UnteachableBytes`] if clients also sent
/// binary messages, which can't be learnt.
pub fn learn(
    mut tape: TapeReader<impl BufRead>,
    output: Output,
    redactor: Redactor,
) -> Result<Learnt, RecordError> {
    let name = tape.name().to_owned();
    let session = Session::read(&mut tape)?;
    let lesson = Lesson::of(&session);
    if lesson.learnt.replies == 0 && lesson.learnt.scenes == 0 {
        return Err(match session.binary_of_clients() {
            0 => RecordError::Unteachable(name),
            messages => RecordError::UnteachableBytes { name, messages },
        });
    }
    let mut header = Header::new(format!("Learnt from {name}"));
    header.source.clone_from(&tape.header().source);
    header.redacted.clone_from(&tape.header().redacted);
    header.needs = vec!["dialogue".to_owned()];
    if !lesson.learnt.unlearnt.is_empty() {
        header.note = Some(format!("not learnt: {}", lesson.learnt.unlearnt.join("; ")));
    }
    let mut recording = Recording::begin(output, header, redactor)?;
    for (number, line) in (2..).zip(&lesson.lines) {
        recording.push(Step::parse(&name, number, line)?)?;
    }
    recording.finish()?;
    Ok(lesson.learnt)
}
