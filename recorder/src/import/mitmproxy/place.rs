//! Places in a flow file, for errors.

use crate::error::import::ImportError;
use crate::import::tnetstring::Fault;

/// A flow in a file, for errors.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) name: String,
    /// The flow's number, from 1.
    pub(super) flow: u64,
}

impl Place {
    pub(super) fn fault(&self, fault: Fault) -> ImportError {
        match fault {
            Fault::Io(error) => ImportError::Read(self.name.clone(), error),
            Fault::Wrong { at, message } => {
                self.flaw(at, format!("expected a value, found {message}"))
            }
            Fault::Truncated { at, needed } => {
                let needed = needed.map_or(String::new(), |needed| format!(" of {needed} bytes"));
                let message = format!(
                    "the file is cut off inside the value{needed} that begins here; it was not \
                     completely written"
                );
                self.flaw(at, message)
            }
        }
    }

    pub(super) fn flaw(&self, at: u64, message: impl Into<String>) -> ImportError {
        flaw(
            &self.name,
            format!(": flow {}, at byte {at}", self.flow),
            message,
        )
    }
}

/// A flaw in the file at `place`, or in the whole file if that is empty.
pub(super) fn flaw(name: &str, place: String, message: impl Into<String>) -> ImportError {
    ImportError::Flaw {
        name: name.to_owned(),
        place,
        message: message.into(),
    }
}
