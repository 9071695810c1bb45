//! `learn`: a tape of a session that was recorded between a client and an engine, as a dialogue that
//! answers another client.
//!
//! | part | what is in it |
//! | --- | --- |
//! | `conversation` | the session, connection by connection |
//! | `side` | who says something: the client or the engine |
//! | `fragments` | messages that came in fragments |
//! | `node`, `names` | the values of a JSON text, and what their names say of them |
//! | `stomp` | a frame of STOMP's as such values |
//! | `list` | messages that are lists, whose values have places for names |
//! | `request` | what a client asks, and what it is about |
//! | `wanted` | what a request must say, as the members of an `on_message` |
//! | `answers` | which message answers which request |
//! | `heard` | one connection as exchanges and streams |
//! | `template` | a message with references to what was asked |
//! | `shape` | what messages of one kind have in common |
//! | `scene` | a stream as the lines of a scene |
//! | `streams` | which stream of each thing is learnt, and what it is called |
//! | `part` | one path: requests to matches, answers to replies, streams to scenes |
//! | `paths` | which paths are one |
//! | `lesson` | all of them, and what holds from the start |
//! | `learnt` | what was learnt, in figures and sentences |
//!
//! Each kind of request becomes a step that holds for all of its kind. What differs from one request to
//! the next and comes back in the answer becomes a reference, a time becomes the time of the
//! answer. What the engine sends on its own about something that was asked for becomes a scene
//! that is started by asking for it, by whatever number and in whatever order, and begins anew
//! where the session's ends. What can't be told from the session is named: in a step's note where
//! it is of a step, in the header's where it is not.

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

/// Writes the dialogue that a recorded session was.
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
/// Where the tape can't be read or the output can't be written; [`RecordError::Unteachable`] where
/// no client says a text in it that is answered, [`RecordError::UnteachableBytes`] where clients
/// say all in bytes.
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
