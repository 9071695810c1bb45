//! Reads mitmproxy's flow files: one typed netstring per flow, one after the other.
//!
//! Since version 12 of the format, a flow's messages are inside its HTTP flow; since version 15
//! each also says whether it was injected. The file is read twice: first to locate the connections,
//! then for their messages, when they are needed.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `flow` | a flow as a connection: its handshake, its end |
//! | `messages` | the messages of a flow |
//! | `values` | the typed values that both consist of |
//! | `place` | where in the file an error is |

mod flow;
mod messages;
mod place;
mod values;

use self::flow::Flow;
use self::place::{Place, flaw};
use self::values::Values;
use super::kind;
use super::session::Session;
use super::tnetstring::{Fault, Item, Kind, Reader};
use crate::error::import::ImportError;

/// The connections of a flow file, in order. Errors call it `name`.
pub(super) fn sessions(
    name: &str,
    input: &mut Reader,
) -> Result<Vec<Session<'static>>, ImportError> {
    let mut sessions = Vec::new();
    let (mut at, mut flows) = (0, 0_u64);
    if input.len() == 0 {
        let message = "the file is empty; expected flows as `mitmdump -w FILE` writes them";
        return Err(flaw(name, String::new(), message));
    }
    while at < input.len() {
        flows += 1;
        let place = Place {
            name: name.to_owned(),
            flow: flows,
        };
        let item = input.item(at, input.len()).map_err(|fault| match fault {
            Fault::Wrong { .. } if flows == 1 => flaw(name, String::new(), not_flows(input)),
            fault => place.fault(fault),
        })?;
        let mut flow = Flow(Values {
            place,
            input: &mut *input,
        });
        sessions.extend(flow.session(item)?);
        at = item.next();
    }
    if sessions.is_empty() {
        let flows = if flows == 1 {
            "1 flow".to_owned()
        } else {
            format!("{flows} flows")
        };
        let message = format!("expected a flow with a WebSocket, found {flows} without");
        return Err(ImportError::Nothing {
            name: name.to_owned(),
            message,
        });
    }
    Ok(sessions)
}

/// The error for a file that does not begin with a value.
fn not_flows(input: &mut Reader) -> String {
    const LOOKED_AT: u64 = 64;
    let expected = "expected flows as `mitmdump -w FILE` writes them";
    let end = input.len().min(LOOKED_AT);
    let first = Item {
        kind: Kind::Bytes,
        start: 0,
        end,
    };
    let begin = input.payload(first, usize::try_from(end).unwrap_or_default());
    let begin = begin.unwrap_or_default();
    let json = begin
        .starts_with(b"{")
        .then_some("JSON; for a HAR: wstape import har");
    let what = kind::of(&begin).or(json);
    format!("{expected}, found {}", what.unwrap_or("something else"))
}
